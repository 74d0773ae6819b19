import { globalAgent } from 'node:https';
import { loadCredentials } from '@clientcert/core';
import { createAuthority, startProxy, startServer } from '@clientcert/testing';
import { getGlobalDispatcher, ProxyAgent, request, setGlobalDispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { createDispatcher, createFetch } from '../src/index.ts';

describe('attack: rules that are weakened', () => {
  it('no connection of before goes past the proxies that Node is switched to', async () => {
    const authority = await createAuthority();
    const { fullChain: cert, key } = await authority.issue({ name: 'alice' });
    await using proxy = await startProxy({ authority });
    await using server = await startServer({ authority });
    await using credentials = await loadCredentials({
      certificates: { alice: { cert, key, ca: authority.certificate } },
      hosts: { [`127.0.0.1:${server.port}`]: 'alice' },
    });
    const fetch = createFetch(credentials);
    const dispatcher = createDispatcher(credentials);
    const call = async () => {
      await (await fetch(server.url)).text();
      await (await request(server.url, { dispatcher })).body.text();
    };
    await call();
    const options = globalAgent.options as { proxyEnv?: object };
    options.proxyEnv = { https_proxy: proxy.url }; // what `http.setGlobalProxyFromEnv()` leaves, in Node 24 and 26
    try {
      for (let times = 0; times < 2; times++) await call();
    } finally {
      delete options.proxyEnv;
    }
    expect(proxy.connects).toHaveLength(2);
    expect(server.requests.map(({ clientCertificate }) => clientCertificate?.commonName)).toEqual(
      Array(6).fill('alice'),
    );
  });

  it('proxy: false goes past the proxies that Node is switched to at a host without a rule as well', async () => {
    const authority = await createAuthority();
    await using proxy = await startProxy({ authority });
    await using server = await startServer({ authority, clientCertificate: 'none' });
    await using credentials = await loadCredentials({ proxy: false });
    await using silent = await loadCredentials({});
    const connect = { ca: authority.certificate };
    const before = getGlobalDispatcher();
    const options = globalAgent.options as { proxyEnv?: object };
    // What `http.setGlobalProxyFromEnv()` leaves, in Node 24 and 26.
    options.proxyEnv = { https_proxy: proxy.url };
    setGlobalDispatcher(new ProxyAgent({ uri: proxy.url, proxyTls: connect, requestTls: connect }));
    try {
      await (await createFetch(credentials, { connect })(server.url)).text();
      await (await createFetch(silent, { connect, proxy: false })(server.url)).text();
      expect([server.requests.length, proxy.connects.length]).toEqual([2, 0]);
      await (await createFetch(silent)(server.url)).text();
      expect([server.requests.length, proxy.connects.length]).toEqual([3, 1]);
    } finally {
      delete options.proxyEnv;
      await getGlobalDispatcher().close();
      setGlobalDispatcher(before);
    }
  });
});
