// Requests of each client over its adapter, against the same client over one prebuilt secure context (the limit)
// and with a PFX on it (what people wire by hand).
//
//   npm run build && node test/bench/clients.mjs [rounds] [requests] [client…]
//
// Requests per second by the clock and by the client's own CPU time: on shared machines the latter is steadier.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv } from 'node:process';
import { createSecureContext } from 'node:tls';
import { clientCertificates as forAxios, loadCredentials } from '@clientcert/axios';
import { clientCertificates as forGot } from '@clientcert/got';
import { soapOptions } from '@clientcert/soap';
import { createDispatcher, createFetch, clientCertificates as forUndici } from '@clientcert/undici';
import axios from 'axios';
import got from 'got';
import soap from 'soap';
import { Agent, request } from 'undici';
import { byHand, compare, limit, startPeer } from './compare.mjs';

const peer = await startPeer();
const { url, ca, cert, key, pfx, passphrase } = peer;
const secureContext = createSecureContext({ cert, key, ca });
const identity = { pfx, passphrase, ca };
const credentials = await loadCredentials({
  certificates: { alice: { cert, key, ca } },
  hosts: { [new URL(url).host]: 'alice' },
});
const kept = { keepAlive: true };
const closed = { keepAlive: false, maxCachedSessions: 0 };

const clients = {
  async axios() {
    const over = (httpsAgent) => {
      const api = axios.create({ httpsAgent, proxy: false });
      return () => api.get(url);
    };
    const ours = axios.create({ proxy: false });
    forAxios(ours, credentials);
    await compare('axios, keep-alive', {
      [byHand]: over(new https.Agent({ ...kept, ...identity })),
      [limit]: over(new https.Agent({ ...kept, secureContext })),
      clientcert: () => ours.get(url),
    });
    const headers = { connection: 'close' };
    await compare(
      'axios, new connections',
      {
        [byHand]: over(new https.Agent({ ...closed, ...identity })),
        [limit]: over(new https.Agent({ ...closed, secureContext })),
        clientcert: () => ours.get(url, { headers }),
      },
      1 / 15,
    );
  },

  async got() {
    const over = (agent) => {
      const api = got.extend({ agent: { https: agent }, retry: { limit: 0 } });
      return () => api(url);
    };
    const ours = got.extend(forGot(credentials), { retry: { limit: 0 } });
    await compare(
      'got, keep-alive',
      {
        [byHand]: over(new https.Agent({ ...kept, ...identity })),
        [limit]: over(new https.Agent({ ...kept, secureContext })),
        clientcert: () => ours(url),
      },
      1 / 2,
    );
    const headers = { connection: 'close' };
    await compare(
      'got, new connections',
      {
        [byHand]: over(new https.Agent({ ...closed, ...identity })),
        [limit]: over(new https.Agent({ ...closed, secureContext })),
        clientcert: () => ours(url, { headers }),
      },
      1 / 15,
    );
  },

  async soap() {
    const directory = mkdtempSync(join(tmpdir(), 'clientcert-bench-'));
    const wsdl = join(directory, 'bench.wsdl');
    writeFileSync(wsdl, description);
    const call = (client, options) => () => client.SayAsync({}, options);
    const hand = await soap.createClientAsync(wsdl, {}, url);
    hand.setSecurity(new soap.ClientSSLSecurityPFX(pfx, passphrase, { ca }));
    const bare = await soap.createClientAsync(wsdl, {}, url);
    const ours = await soap.createClientAsync(wsdl, soapOptions(credentials, { proxy: false }), url);
    await compare(
      'node-soap',
      {
        'by hand: ClientSSLSecurityPFX': call(hand),
        [limit]: call(bare, { httpsAgent: new https.Agent({ ...kept, secureContext }), proxy: false }),
        clientcert: call(ours),
      },
      1 / 6,
    );
    rmSync(directory, { recursive: true });
  },

  async undici() {
    const drain = (dispatcher, reset) => async () => (await request(url, { dispatcher, reset })).body.dump();
    const agents = undiciAgents();
    const senders = (reset) =>
      Object.fromEntries(Object.entries(agents).map(([name, agent]) => [name, drain(agent, reset)]));
    await compare('undici, keep-alive', senders(false));
    await compare('undici, new connections', senders(true), 1 / 15);
  },

  async fetch() {
    const agents = undiciAgents();
    const ours = createFetch(credentials, { allowH2: false });
    const read = async (response) => (await response).arrayBuffer();
    await compare(
      'fetch, keep-alive',
      {
        [byHand]: () => read(fetch(url, { dispatcher: agents[byHand] })),
        [limit]: () => read(fetch(url, { dispatcher: agents[limit] })),
        clientcert: () => read(ours(url)),
      },
      1 / 2,
    );
  },
};

const description = `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:tns="urn:bench" targetNamespace="urn:bench" name="Bench">
  <types><xsd:schema targetNamespace="urn:bench"><xsd:element name="Say" type="xsd:string"/><xsd:element name="said" type="xsd:string"/></xsd:schema></types>
  <message name="In"><part name="parameters" element="tns:Say"/></message>
  <message name="Out"><part name="parameters" element="tns:said"/></message>
  <portType name="Port"><operation name="Say"><input message="tns:In"/><output message="tns:Out"/></operation></portType>
  <binding name="Binding" type="tns:Port">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Say"><soap:operation soapAction="urn:bench/Say"/><input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>
  </binding>
  <service name="Service"><port name="Port" binding="tns:Binding"><soap:address location="https://bench.example/"/></port></service>
</definitions>`;

const chosen = argv.slice(4);
for (const name of chosen.length > 0 ? chosen : Object.keys(clients)) await clients[name]();
peer.close();
await credentials.close();
process.exit(); // the agents' own idle connections

function undiciAgents() {
  return {
    [byHand]: new Agent({ allowH2: false, connect: identity }),
    [limit]: new Agent({ allowH2: false, connect: { secureContext } }),
    // What undici itself takes for having an interceptor.
    'limit, empty interceptor': new Agent({ allowH2: false, connect: { secureContext } }).compose(
      (dispatch) => (options, handler) => dispatch(options, handler),
    ),
    clientcert: createDispatcher(credentials, { allowH2: false }),
    'clientcert, interceptor': new Agent().compose(forUndici(credentials, { allowH2: false })),
  };
}
