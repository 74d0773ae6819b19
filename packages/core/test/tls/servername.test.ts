import { once } from 'node:events';
import tls from 'node:tls';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterOf } from '../../src/adapter.ts';
import { loadCredentials } from '../../src/index.ts';
import { certificateFor, get, sourceOf, subjects } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;

beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
});

const hosts = ['api.bank.example'];
const load = (rule: object, services: object = {}) =>
  loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { '127.0.0.1:*': { certificate: 'alice', ...rule } },
    services: services as Record<string, 'alice'>,
  });

describe('a rule’s servername', () => {
  it('is sent as SNI, and checked in place of the host’s', async () => {
    await using server = await startServer({
      authority,
      certificate: await certificateFor(hosts[0]!, authority),
    });
    await using other = await startServer({ authority, hosts: ['127.0.0.1'] });
    await using credentials = await load({ servername: 'API.bank.example.' });
    const agent = credentials.agent();
    await get(server.url, { agent });
    // Also for a server that is called what was dialled.
    await expect(get(other.url, { agent })).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    const socket = adapterOf(credentials).connect({ host: '127.0.0.1', port: server.port });
    await once(socket, 'secureConnect');
    socket.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n').resume();
    await once(socket, 'close');
    expect(server.requests.map(({ servername }) => servername)).toEqual(hosts.concat(hosts));
    expect([subjects(server), other.requests]).toEqual([['alice', 'alice'], []]);
  });

  it('holds in connectOptions, also for a client that writes one of its own', async () => {
    await using server = await startServer({
      authority,
      certificate: await certificateFor(hosts[0]!, authority),
    });
    await using credentials = await load({ servername: 'api.bank.example' });
    const target = { host: '127.0.0.1', port: server.port };
    const options = credentials.connectOptions(target);
    expect(options.servername).toBe('api.bank.example');
    for (const own of [{}, { servername: 'evil.example' }]) {
      const socket = tls.connect({ ...target, ...options, ...own });
      await once(socket, 'secureConnect');
      socket.destroy();
    }
    await using without = await load({});
    const failing = tls.connect({ ...target, ...without.connectOptions(target) });
    await expect(once(failing, 'secureConnect')).rejects.toMatchObject({ code: /ALTNAME/ });
  });

  it('of a service keeps its connections apart from those of the host', async () => {
    await using server = await startServer({ authority, hosts: ['127.0.0.1', 'api.bank.example'] });
    await using credentials = await load({}, { Payments: { servername: 'api.bank.example' } });
    const origin = server.url;
    for (let round = 0; round < 2; round++) {
      await get(server.url, { agent: adapterOf(credentials).sharedAgent({}) });
      await get(server.url, { agent: adapterOf(credentials).sharedAgent({ service: 'Payments', origin }) });
    }
    expect(server.requests.map(({ servername }) => servername ?? null)).toEqual([
      null,
      'api.bank.example',
      null,
      'api.bank.example',
    ]);
    expect(server.connections).toBe(2);
    const ids = [{}, { service: 'Payments', origin }].map((as) =>
      adapterOf(credentials).profileId({ host: '127.0.0.1', port: server.port, ...as }),
    );
    expect(new Set(ids).size).toBe(2);
  });

  it.each(['192.0.2.1', '[::1]', 'https://api.bank.example', 'api.bank.example:443', '*.bank.example', ' '])(
    'is a host name: %s',
    async (servername) => {
      await expect(load({ servername })).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_HOST_INVALID',
        message: expect.stringContaining('hosts["127.0.0.1:*"].servername'),
      });
    },
  );
});
