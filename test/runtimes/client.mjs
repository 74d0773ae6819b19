// Runs in Bun, Deno or Node: makes the calls of one client, in a project that has the packed packages, and prints one
// line of JSON for each. What was sent only the servers know, in run.mjs.
//
//   bun client.mjs CLIENT SCENE.json
import { readFileSync } from 'node:fs';
import https from 'node:https';
import tls from 'node:tls';

const [client, file] = process.argv.slice(2);
const { config, reloaded, calls, urls } = JSON.parse(readFileSync(file, 'utf8'));

/** How each client is given credentials: `(url, service) => Promise`. A service is that of the call, or `false`. */
const clients = {
  async https(credentials) {
    const agents = new Map();
    return (url, service) => {
      if (!agents.has(service)) agents.set(service, credentials.agent({ service, keepAlive: true }));
      return follow(url, agents.get(service));
    };
  },
  async axios(credentials) {
    const [{ default: axios }, { clientCertificates }] = await Promise.all([
      import('axios'),
      import('@clientcert/axios'),
    ]);
    const api = axios.create();
    clientCertificates(api, credentials);
    return (url, service) => api.get(url, service === undefined ? {} : { clientCertificate: service });
  },
  async 'axios-fetch'(credentials) {
    const [{ default: axios }, { clientCertificates }] = await Promise.all([
      import('axios'),
      import('@clientcert/axios'),
    ]);
    const api = axios.create({ adapter: 'fetch' });
    clientCertificates(api, credentials);
    return (url, service) => api.get(url, service === undefined ? {} : { clientCertificate: service });
  },
  async got(credentials) {
    const [{ default: got }, { clientCertificates }] = await Promise.all([
      import('got'),
      import('@clientcert/got'),
    ]);
    const api = got.extend(clientCertificates(credentials), { retry: { limit: 0 } });
    return (url, service) =>
      api(url, service === undefined ? {} : { context: { clientCertificate: service } });
  },
  async soap(credentials) {
    const [{ default: soap }, { soapOptions }] = await Promise.all([
      import('soap'),
      import('@clientcert/soap'),
    ]);
    return (url, service) =>
      soap.createClientAsync(
        url,
        soapOptions(credentials, { disableCache: true, ...(service !== undefined && { service }) }),
      );
  },
  async dispatcher(credentials) {
    const [{ interceptors, request }, { createDispatcher }] = await Promise.all([
      import('undici'),
      import('@clientcert/undici'),
    ]);
    const dispatchers = new Map();
    return async (url, service) => {
      if (!dispatchers.has(service)) {
        const made = createDispatcher(credentials, service === undefined ? {} : { service });
        dispatchers.set(service, made.compose(interceptors.redirect({ maxRedirections: 3 })));
      }
      const { body } = await request(url, { dispatcher: dispatchers.get(service) });
      await body.dump();
    };
  },
  async interceptor(credentials) {
    const [{ Agent, interceptors, request }, { clientCertificates }] = await Promise.all([
      import('undici'),
      import('@clientcert/undici'),
    ]);
    const dispatcher = new Agent().compose(
      clientCertificates(credentials),
      interceptors.redirect({ maxRedirections: 3 }),
    );
    return async (url, service) => {
      const { body } = await request(url, {
        dispatcher,
        ...(service !== undefined && { clientCertificate: service }),
      });
      await body.dump();
    };
  },
  async fetch(credentials) {
    const { createFetch } = await import('@clientcert/undici');
    return fetchWith(createFetch(credentials));
  },
  async 'undici-fetch'(credentials) {
    const [{ fetch }, { createFetch }] = await Promise.all([import('undici'), import('@clientcert/undici')]);
    return fetchWith(createFetch(credentials, { fetch }));
  },
  async connectOptions(credentials) {
    return (url, service) => {
      const { hostname: host, port } = new URL(url);
      const options = credentials.connectOptions({
        host,
        port: Number(port),
        ...(service !== undefined && { service }),
      });
      return overSocket(url, tls.connect({ ...options, host, port: Number(port) }));
    };
  },
};

try {
  const { loadCredentials } = await import('@clientcert/core');
  const credentials = await loadCredentials(config);
  let send;
  for (const { id, to, service, reload, twice } of calls) {
    if (reload) await credentials.reload(reloaded);
    const call = async () => {
      send ??= await clients[client](credentials);
      await send(urls[to].replaceAll('ID', id), service);
      if (twice) await send(urls[to].replaceAll('ID', id), service);
    };
    say({ id, ...(await outcome(call)) });
  }
} catch (error) {
  say({ id: 'load', ...describe(error) });
}
process.exit();

async function outcome(call) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in 15 s')), 15_000);
  });
  try {
    await Promise.race([call(), late]);
    return { ok: true };
  } catch (error) {
    return describe(error);
  } finally {
    clearTimeout(timer);
  }
}

/** The first code of ours on the way down, else what the client says. */
function describe(error) {
  const chain = [];
  for (let each = error; each && chain.length < 8; each = each.cause) chain.push(each);
  const ours = chain.find(({ code }) => String(code).startsWith('ERR_CLIENTCERT_'));
  return {
    ok: false,
    code: ours?.code ?? null,
    message: chain.map((each) => `${each.code ?? ''} ${each.message}`).join(' < '),
  };
}

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function fetchAll(fetch, url, init) {
  const answer = await fetch(url, init);
  await answer.text();
}

function fetchWith(fetch) {
  return (url, service) => fetchAll(fetch, url, service === undefined ? {} : { clientCertificate: service });
}

function follow(url, agent) {
  return new Promise((resolve, reject) => {
    https
      .get(url, { agent }, (response) => {
        response.resume();
        response.on('error', reject);
        response.on('end', () => {
          const { location } = response.headers;
          if (location) follow(location, agent).then(resolve, reject);
          else resolve();
        });
      })
      .on('error', reject);
  });
}

function overSocket(url, socket) {
  const { host, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    });
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('close', () => (text ? resolve() : reject(new Error('closed without an answer'))));
  });
}
