// Requests a second of every client: wired by hand with a PFX, over one prebuilt secure context (which is the limit: all
// that is left is the client's own work), and with clientcert.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { clientCertificates as forAxios, loadCredentials } from '@clientcert/axios';
import { clientCertificates as forGot } from '@clientcert/got';
import { soapOptions } from '@clientcert/soap';
import { createDispatcher, createFetch, clientCertificates as forUndici } from '@clientcert/undici';
import axios from 'axios';
import got from 'got';
import soap from 'soap';
import { Agent, request } from 'undici';
import { interleave, medians, rate, summaries } from './compare.mjs';
import { startPeer } from './peer.mjs';
import { wsdl } from './wsdl.mjs';

const byHand = 'by hand';
const limit = 'limit';
const ours = 'clientcert';

/**
 * The shorter a round is, the less the machine changes within it: of each process what counts is the median of many. Two seconds
 * before the first that does, V8 still compiles what requests over kept connections come through.
 */
const kept = { warmUp: 80, rounds: 120, milliseconds: 20 };
const single = { warmUp: 1, rounds: 1, milliseconds: 200 };
const brief = { warmUp: 1, rounds: 2, milliseconds: 40 };

/** In several processes, because what one of them compiles, and when, makes each way a few hundredths faster or slower in it. */
export const settings = {
  full: { runs: 8, kept, new: single, resumed: single },
  quick: { runs: 1, kept: brief, new: brief, resumed: brief },
};

/** How connections are used: kept alive, or a new one for each request, to a server that resumes sessions or one that does not. */
const modes = {
  kept: (peer) => ({ url: peer.url, headers: {} }),
  new: (peer) => ({ url: peer.forgetful, headers: { connection: 'close' } }),
  resumed: (peer) => ({ url: peer.url, headers: { connection: 'close' } }),
};

/** What each way to wire a client needs. */
const wire = (peer, credentials) => ({
  credentials,
  identity: { pfx: peer.pfx, passphrase: peer.passphrase, ca: peer.ca },
  context: {
    secureContext: createSecureContext({ cert: peer.cert, key: peer.key, ca: peer.ca }),
  },
});

/** Ways to send a request with each client, by name; each takes the URL and headers. */
const clients = {
  https({ credentials, identity, context }) {
    const over = (agent) => (url, headers) =>
      new Promise((resolve, reject) => {
        https
          .get(url, { agent, headers }, (response) => response.resume().on('end', resolve))
          .on('error', reject);
      });
    return {
      [byHand]: over(new https.Agent({ keepAlive: true, ...identity })),
      [limit]: over(new https.Agent({ keepAlive: true, ...context })),
      [ours]: over(credentials.agent()),
    };
  },

  axios({ credentials, identity, context }) {
    const over = (api) => (url, headers) => api.get(url, { headers });
    const by = (options) =>
      over(axios.create({ httpsAgent: new https.Agent({ keepAlive: true, ...options }), proxy: false }));
    const certified = axios.create({ proxy: false });
    forAxios(certified, credentials);
    return { [byHand]: by(identity), [limit]: by(context), [ours]: over(certified) };
  },

  got({ credentials, identity, context }) {
    const over = (api) => (url, headers) => api(url, { headers });
    const retry = { limit: 0 };
    const by = (options) =>
      over(got.extend({ agent: { https: new https.Agent({ keepAlive: true, ...options }) }, retry }));
    return {
      [byHand]: by(identity),
      [limit]: by(context),
      [ours]: over(got.extend(forGot(credentials), { retry })),
    };
  },

  async 'node-soap'({ credentials, identity, context }) {
    const directory = mkdtempSync(join(tmpdir(), 'clientcert-bench-'));
    const path = join(directory, 'bench.wsdl');
    writeFileSync(path, wsdl);
    const call = (client, options) => (url, headers) => {
      client.setEndpoint(url);
      return client.SayAsync({}, options, headers);
    };
    const create = (options = {}) => soap.createClientAsync(path, options);
    const hand = await create();
    const { pfx, passphrase, ca } = identity;
    hand.setSecurity(new soap.ClientSSLSecurityPFX(pfx, passphrase, { ca }));
    const httpsAgent = new https.Agent({ keepAlive: true, ...context });
    const senders = {
      [byHand]: call(hand),
      [limit]: call(await create(), { httpsAgent, proxy: false }),
      [ours]: call(await create(soapOptions(credentials, { proxy: false }))),
    };
    rmSync(directory, { recursive: true });
    return senders;
  },

  'undici, dispatcher'({ credentials, identity, context }) {
    return {
      [byHand]: dispatch(new Agent({ connect: identity })),
      [limit]: dispatch(new Agent({ connect: context })),
      [ours]: dispatch(createDispatcher(credentials)),
    };
  },

  // undici itself takes something for having an interceptor, so the limit has one too, which does nothing.
  'undici, interceptor'({ credentials, identity, context }) {
    const empty = (next) => (options, handler) => next(options, handler);
    return {
      [byHand]: dispatch(new Agent({ connect: identity }).compose(empty)),
      [limit]: dispatch(new Agent({ connect: context }).compose(empty)),
      [ours]: dispatch(new Agent().compose(forUndici(credentials))),
    };
  },

  fetch({ credentials, identity, context }) {
    const read = async (response) => (await response).arrayBuffer();
    const over = (dispatcher) => (url, headers) => read(fetch(url, { headers, dispatcher }));
    const certified = createFetch(credentials);
    return {
      [byHand]: over(new Agent({ connect: identity })),
      [limit]: over(new Agent({ connect: context })),
      [ours]: (url, headers) => read(certified(url, { headers })),
    };
  },
};

/** Each in a process of its own, as a program uses one: what another has compiled there moves it by some hundredths. */
export const alone = Object.keys(clients);

/** @returns For one client, in each mode, the rates of each way, and what the server saw of them. */
export async function measure(extents, name) {
  const peer = await startPeer();
  const credentials = await loadCredentials({
    certificates: { alice: { cert: peer.cert, key: peer.key, ca: peer.ca } },
    hosts: { [`${new URL(peer.url).hostname}:*`]: 'alice' },
  });
  const senders = await clients[name](wire(peer, credentials));
  const results = {};
  for (const [mode, reach] of Object.entries(modes)) {
    results[mode] = await compare(`${name}, ${mode}`, senders, reach(peer), {
      peer,
      ...extents[mode],
    });
  }
  peer.close();
  await credentials.close();
  return results;
}

async function compare(title, senders, { url, headers }, { peer, warmUp, rounds, milliseconds }) {
  const seen = {};
  const tasks = mapValues(senders, (send, name) => async () => {
    const rates = await rate(() => send(url, headers), milliseconds).catch((cause) => {
      throw new Error(`${title}, ${name}: no request may fail`, { cause });
    });
    seen[name] = await peer.counted();
    return rates;
  });
  // In pairs, each by turns with the limit and nothing else: what one way leaves to be collected falls on the next.
  const pairs = [];
  for (const [name, share] of [
    [ours, 1],
    [byHand, 1 / 2], // nothing depends on a hundredth there
  ]) {
    const pair = { [limit]: tasks[limit], [name]: tasks[name] };
    pairs.push(medians(await interleave(pair, Math.ceil(rounds * share), warmUp)));
  }
  const connected = Object.fromEntries(
    Object.entries(seen).map(([name, { requests, connections, resumed }]) => {
      const others = Object.keys(requests).filter((each) => each !== 'alice');
      if (others.length > 0) throw new Error(`${title}, ${name}: the server saw ${others}`);
      const resumptions = connections === 0 ? 0 : resumed / connections;
      return [name, { connections: round(connections / requests.alice), resumed: round(resumptions) }];
    }),
  );
  checkConnections(title, connected);
  return { pairs, connected };
}

/** What the processes measured, as one: for each client a list of what {@link measure} returned. */
export function combine(measured) {
  return mapValues(measured, (processes) =>
    mapValues(processes[0], ({ connected, pairs }, mode) => {
      const found = pairs.map((pair, at) => {
        const all = processes.map((each) => each[mode].pairs[at]);
        const rates = mapValues(pair, (whats, name) =>
          mapValues(whats, (_, what) => all.flatMap((each) => each[name][what])),
        );
        return summaries(rates, limit);
      });
      const all = Object.assign({}, ...found.toReversed()); // of the limit what stands beside ours
      return mapValues(connected, (counts, name) => ({
        ...all[name],
        ...counts,
      }));
    }),
  );
}

function mapValues(object, map) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value, name)]));
}

/** Numbers about kept connections mean nothing where the server saw new ones. */
function checkConnections(title, results) {
  const kept = title.endsWith('kept');
  for (const name of [limit, ours]) {
    const { connections, resumed } = results[name];
    if (kept ? connections > 0.5 : connections < 0.95) {
      throw new Error(`${title}, ${name}: the server saw ${connections} connections a request`);
    }
    if (title.endsWith('new') && resumed > 0)
      throw new Error(`${title}, ${name}: the server resumed sessions`);
  }
  // undici forgets sessions whenever memory is collected, so nothing is asked of the limit.
  if (title.endsWith('resumed') && !(results[ours].resumed > 0.5)) {
    throw new Error(`${title}: of the connections, ${results[ours].resumed} were resumed`);
  }
}

function dispatch(dispatcher) {
  return async (url, headers) => (await request(url, { dispatcher, headers })).body.dump();
}

function round(share) {
  return Number(share.toFixed(2));
}
