import type { Socket } from 'node:net';
import { expect } from 'vitest';
import { type Case, codesOf, expectFailure, failureOf, names, redirectTo, settle, until } from '../ground.ts';

export const proxies = {
  async 'in the environment, where the config says so; NO_PROXY is left out'(ground) {
    const [bank, proxy] = [await ground.bank(), await ground.proxy()];
    ground.setEnvironment({ HTTPS_PROXY: proxy.url, NO_PROXY: `localhost:${bank.ports[1]}` });
    const client = ground.client(await ground.load(bank, { proxy: 'env' }));
    await client.send(`${bank.urls[0]}/a`);
    await settle();
    await client.send(`${bank.urls[0]}/b`);
    await client.send(`${bank.urls[1]}/c`);
    expect(names(bank)).toEqual(['alice', 'alice', 'bob']);
    expect(proxy.connects.map(({ port }) => port)).toEqual([bank.ports[0]]);
  },

  async 'in the environment, where the config is silent: what the client itself does'(ground) {
    const [bank, proxy] = [await ground.bank(), await ground.proxy()];
    ground.setEnvironment({ HTTPS_PROXY: proxy.url });
    const client = ground.client(await ground.load(bank));
    await client.send(bank.url);
    expect(names(bank)).toEqual(['alice']);
    expect(proxy.connects).toHaveLength(ground.adapter.readsEnvironment ? 1 : 0);
  },

  async 'in the environment, where the config says proxy: false: none'(ground) {
    const [bank, proxy] = [await ground.bank(), await ground.proxy()];
    ground.setEnvironment({ HTTPS_PROXY: proxy.url });
    const client = ground.client(await ground.load(bank, { proxy: false }));
    await client.send(bank.url);
    expect(names(bank)).toEqual(['alice']);
    expect(proxy.connections).toBe(0);
  },

  async 'in the config'(ground) {
    const [bank, proxy] = [await ground.bank(), await ground.proxy()];
    const client = ground.client(await ground.load(bank, { proxy: proxy.url }));
    await Promise.all(bank.urls.map((url) => client.send(url)));
    expect(names(bank).sort()).toEqual(['alice', 'bob', null].sort());
    expect(proxy.connects).toHaveLength(3);
  },

  async 'in the config, to a host that no rule names'(ground) {
    const [bank, other, proxy] = [await ground.bank(), await ground.other(), await ground.proxy()];
    const client = ground.client(await ground.load(bank, { proxy: proxy.url }));
    expect(codesOf(await failureOf(client.send(other.url)))).toContain('SELF_SIGNED_CERT_IN_CHAIN');
    expect(proxy.connects.map(({ port }) => port)).toEqual([other.port]);
    expect(other.connections).toBe(1);
  },

  async 'in the client’s own option'(ground) {
    const [bank, proxy] = [await ground.bank(), await ground.proxy()];
    const client = ground.client(await ground.load(bank), { proxy: proxy.url });
    await client.send(bank.url);
    expect(names(bank)).toEqual(['alice']);
    expect(proxy.connects.map(({ status }) => status)).toEqual([200]);
  },

  async 'with a user and password'(ground) {
    const bank = await ground.bank();
    const proxy = await ground.proxy({ authentication: { username: 'me', password: 'p@ss:word' } });
    const url = proxy.url.replace('//', '//me:p%40ss%3Aword@');
    await ground.client(await ground.load(bank, { proxy: url })).send(bank.url);
    expect(names(bank)).toEqual(['alice']);
  },

  async 'over https sees no certificate of the origin'(ground) {
    const bank = await ground.bank();
    const proxy = await ground.proxy({ tls: true, clientCertificate: 'optional' });
    const hosts = { [`127.0.0.1:${proxy.port}`]: { ca: ground.authority.certificate } };
    const client = ground.client(await ground.load(bank, { proxy: proxy.url, hosts }));
    await client.send(bank.urls[0]!);
    await client.send(bank.urls[1]!, { service: 'Archive' });
    expect(names(bank)).toEqual(['alice', 'bob']);
    expect(proxy.connects.map(({ clientCertificate }) => clientCertificate)).toEqual([null, null]);
  },

  async 'over https sees a certificate of its own, and the origin the origin’s'(ground) {
    const bank = await ground.bank();
    const proxy = await ground.proxy({ tls: true, clientCertificate: 'required' });
    const credentials = await ground.load(bank, { proxy: { url: proxy.url, certificate: 'bob' } });
    await ground.client(credentials).send(bank.url);
    expect(names(bank)).toEqual(['alice']);
    expect(proxy.connects.map(({ clientCertificate }) => clientCertificate?.commonName)).toEqual(['bob']);
  },

  async 'a redirect through it to another host: none there'(ground) {
    const [bank, other, proxy] = [await ground.bank(), await ground.other(), await ground.proxy()];
    const client = ground.client(await ground.load(bank, { others: [other], proxy: proxy.url }));
    await client.send(bank.url + redirectTo(other.url));
    expect([names(bank), names(other)]).toEqual([['alice'], [null]]);
    expect(proxy.connects).toHaveLength(2);
  },

  async 'a redirect from http to https: the pinned one, through the tunnel'(ground) {
    const [bank, plain, proxy] = [await ground.bank(), await ground.plain(), await ground.proxy()];
    ground.setEnvironment({ HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url });
    const client = ground.client(await ground.load(bank, { proxy: 'env' }));
    await client.send(plain.url + redirectTo(bank.url));
    expect([names(plain), names(bank)]).toEqual([[null], ['alice']]);
    expect(proxy.connects.map(({ port }) => port)).toEqual([bank.port]);
  },

  async 'a tunnel is kept for the same certificate only'(ground) {
    const [bank, proxy] = [await ground.bank(), await ground.proxy()];
    const client = ground.client(await ground.load(bank, { proxy: proxy.url }));
    for (const service of ['Invoices', 'Invoices', 'Orders', 'Orders', 'Invoices']) {
      await client.send(bank.url, { service });
      await settle();
    }
    expect(names(bank)).toEqual(['bob', 'bob', 'alice', 'alice', 'bob']);
    expect(proxy.connects).toHaveLength(2);
  },

  async 'a tunnel that was closed or reset while it was idle is used by no further call'(ground) {
    const [bank, proxy] = [await ground.bank({ keepAliveTimeout: 60_000 }), await ground.proxy()];
    const open = new Set<Socket>();
    bank.servers[0]!.on('connection', (socket: Socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    });
    const client = ground.client(await ground.load(bank, { proxy: proxy.url }));
    for (const end of ['resetAndDestroy', 'destroy', 'end', 'resetAndDestroy'] as const) {
      await client.send(bank.url);
      await settle();
      for (const socket of open) socket[end]();
      await until(() => proxy.connects.every((each) => !each.open));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(names(bank)).toEqual(Array.from({ length: 4 }, () => 'alice'));
    expect(proxy.connects).toHaveLength(4);
  },

  async 'that is dead: an error that names it, for each call, and nothing goes past it'(ground) {
    const [bank, proxy] = [await ground.bank(), await ground.proxy()];
    await proxy.close();
    const client = ground.client(await ground.load(bank, { proxy: proxy.url }));
    for (let call = 0; call < 2; call++) await expectFailure(client.send(bank.url), 'PROXY_FAILED');
    await Promise.all([1, 2, 3].map(() => expectFailure(client.send(bank.url), 'PROXY_FAILED')));
    expect(bank.connections).toBe(0);
  },

  async 'that answers 407: an error, and nothing goes past it'(ground) {
    const [bank, proxy] = [await ground.bank(), await ground.proxy({ refuse: 407 })];
    const client = ground.client(await ground.load(bank, { proxy: proxy.url }));
    await expectFailure(client.send(bank.url), 'PROXY_FAILED');
    expect(bank.connections).toBe(0);
  },

  async 'that never answers: the call’s own abort ends it'(ground) {
    const [bank, proxy] = [await ground.bank(), await ground.proxy({ hang: true })];
    const client = ground.client(await ground.load(bank, { proxy: proxy.url }), { connectTimeout: 4_000 });
    const controller = new AbortController();
    const call = failureOf(client.send(bank.url, { signal: controller.signal }));
    await until(() => proxy.connects.length === 1);
    controller.abort();
    await call;
    expect(bank.connections).toBe(0);
  },

  async 'that never answers: the call’s own timeout ends it'(ground) {
    const [bank, proxy] = [await ground.bank(), await ground.proxy({ hang: true })];
    const client = ground.client(await ground.load(bank, { proxy: proxy.url }), { connectTimeout: 4_000 });
    await failureOf(client.send(bank.url, { timeout: 1_500 }));
    expect(proxy.connects).toHaveLength(1);
    expect(bank.connections).toBe(0);
  },
} satisfies Record<string, Case>;
