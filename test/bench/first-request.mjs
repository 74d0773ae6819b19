// A program that makes one request with one client, and prints what it took. Started by cold-start.mjs.
import { argv, cpuUsage, exit } from 'node:process';
import { fileURLToPath } from 'node:url';

/** Without a certificate, to a server that asks for none; wired by hand; with clientcert. */
export const ways = ['nothing', 'by hand', 'clientcert'];

/** By client and way: makes the request that `options` says. */
export const clients = {
  https: {
    nothing: async (options) => get(options, await agentByHand(options)),
    'by hand': async (options) => get(options, await agentByHand(options, await identityOf(options))),
    async clientcert(options) {
      const { loadCredentials } = await import('@clientcert/core');
      return get(options, (await loadCredentials(await configOf(options))).agent());
    },
  },
  axios: {
    async nothing(options, identity) {
      const { default: axios } = await import('axios');
      return axios.get(options.url, { httpsAgent: await agentByHand(options, identity) });
    },
    'by hand': async (options) => clients.axios.nothing(options, await identityOf(options)),
    async clientcert(options) {
      const { default: axios } = await import('axios');
      const { clientCertificates, loadCredentials } = await import('@clientcert/axios');
      const api = axios.create();
      clientCertificates(api, await loadCredentials(await configOf(options)));
      return api.get(options.url);
    },
  },
  got: {
    async nothing(options, identity) {
      const { default: got } = await import('got');
      return got(options.url, { https: { certificateAuthority: await read(options.ca), ...identity } });
    },
    'by hand': async (options) => clients.got.nothing(options, await identityOf(options)),
    async clientcert(options) {
      const { default: got } = await import('got');
      const { clientCertificates, loadCredentials } = await import('@clientcert/got');
      return got.extend(clientCertificates(await loadCredentials(await configOf(options))))(options.url);
    },
  },
  'node-soap': {
    async nothing(options) {
      const { default: soap } = await import('soap');
      const client = await soap.createClientAsync(options.wsdl, {}, options.url);
      return client.SayAsync({}, { httpsAgent: await agentByHand(options) });
    },
    async 'by hand'(options) {
      const { default: soap } = await import('soap');
      const client = await soap.createClientAsync(options.wsdl, {}, options.url);
      const { pfx, passphrase } = await identityOf(options);
      client.setSecurity(new soap.ClientSSLSecurityPFX(pfx, passphrase, { ca: await read(options.ca) }));
      return client.SayAsync({});
    },
    async clientcert(options) {
      const { default: soap } = await import('soap');
      const { loadCredentials, soapOptions } = await import('@clientcert/soap');
      const credentials = await loadCredentials(await configOf(options));
      const client = await soap.createClientAsync(options.wsdl, soapOptions(credentials), options.url);
      return client.SayAsync({});
    },
  },
  undici: {
    async nothing(options, identity) {
      const { Agent, request } = await import('undici');
      const dispatcher = new Agent({ connect: { ca: await read(options.ca), ...identity } });
      return (await request(options.url, { dispatcher })).body.dump();
    },
    'by hand': async (options) => clients.undici.nothing(options, await identityOf(options)),
    async clientcert(options) {
      const { request } = await import('undici');
      const { createDispatcher, loadCredentials } = await import('@clientcert/undici');
      const dispatcher = createDispatcher(await loadCredentials(await configOf(options)));
      return (await request(options.url, { dispatcher })).body.dump();
    },
  },
  fetch: {
    async nothing(options, identity) {
      const { Agent } = await import('undici');
      const dispatcher = new Agent({ connect: { ca: await read(options.ca), ...identity } });
      return (await fetch(options.url, { dispatcher })).arrayBuffer();
    },
    'by hand': async (options) => clients.fetch.nothing(options, await identityOf(options)),
    async clientcert(options) {
      const { createFetch, loadCredentials } = await import('@clientcert/undici');
      const call = createFetch(await loadCredentials(await configOf(options)));
      return (await call(options.url)).arrayBuffer();
    },
  },
};

if (argv[1] === fileURLToPath(import.meta.url)) {
  const [start, before] = [performance.now(), cpuUsage()];
  const { client, way, ...options } = JSON.parse(argv[2]);
  await clients[client][way](options);
  const clock = performance.now() - start;
  const { user, system } = cpuUsage(before);
  console.log(JSON.stringify({ clock, cpu: (user + system) / 1000 }));
  exit();
}

async function get({ url }, agent) {
  const { get } = await import('node:https');
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
  });
}

async function agentByHand({ ca }, identity) {
  const { Agent } = await import('node:https');
  return new Agent({ keepAlive: true, ca: await read(ca), ...identity });
}

async function identityOf({ pfx, passphrase }) {
  return { pfx: await read(pfx), passphrase };
}

async function configOf({ url, pfx, passphrase, ca }) {
  return {
    // As "ca" means by hand: this root, and none of Node's.
    certificates: { alice: { pfx, passphrase, ca, trust: 'only' } },
    hosts: { [new URL(url).host]: 'alice' },
  };
}

async function read(path) {
  const { readFileSync } = await import('node:fs');
  return readFileSync(path);
}
