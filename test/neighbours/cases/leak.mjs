// Where a certificate goes that is meant for one server. Every other server here only asks for one, and takes none as well.
import { readFileSync } from 'node:fs';
import { createAuthority, startProxy } from '../../../packages/testing/dist/index.js';
import { neither, no, open, shorten, yes } from './verdict.mjs';

const other = '127.0.0.2';

export default {
  title: 'Where the certificate goes',
  cases: [
    {
      id: 'redirect-host',
      title: 'The bank redirects to another host, which asks for a certificate',
      run: (context) => redirected(context, { host: other, hosts: [other] }),
    },
    {
      id: 'redirect-port',
      title: 'It redirects to another port of its own host',
      run: (context) => redirected(context, {}),
    },
    {
      id: 'redirect-issuers',
      title: 'It redirects to another host, which names issuers that are not the certificate’s',
      run: async (context) => {
        const certificate = await context.authority.issue({ name: 'elsewhere', hosts: [other] });
        const authority = await createAuthority({ name: 'Elsewhere Root' });
        return redirected(context, { host: other, authority, certificate });
      },
    },
    {
      id: 'redirect-http',
      title: 'It redirects to http:, where all can be read',
      run: async (context) => {
        await using plain = await context.serve({ tls: false });
        const { seen, answer, refused } = await redirect(context, plain);
        if (refused) return refused;
        return seen.length > 0 ? no('goes on') : yes('stops', saidOf(answer, context));
      },
    },
    {
      id: 'unnamed',
      title: 'The same client calls a host that nobody named',
      run: async (context) => {
        await using bank = await context.serve();
        await using elsewhere = await context.serve({
          host: other,
          hosts: [other],
          clientCertificate: 'optional',
        });
        return await context.program(async (program) => {
          const { certificate } = await context.identity('alice');
          const made = await open(context, program, { certificate, host: bank.url });
          if (made.told ?? made.noWay) return failed(made, context);
          await program.ask({ op: 'get', id: 'a', url: `${bank.url}/x` });
          if (!presented(bank)) return neither('sends none at all');
          const answer = await program.ask({ op: 'get', id: 'a', url: `${elsewhere.url}/x` });
          return judge(elsewhere.requests, answer, context);
        });
      },
    },
    {
      id: 'proxy',
      title: 'A proxy over TLS asks for a certificate on the way to the bank',
      run: async (context) => {
        await using bank = await context.serve();
        await using proxy = await startProxy({
          authority: context.authority,
          tls: true,
          clientCertificate: 'optional',
        });
        return await context.program(async (program) => {
          const { certificate } = await context.identity('alice');
          const made = await open(context, program, { certificate, host: bank.url, proxy: proxy.url });
          if (made.told ?? made.noWay) return neither('no such proxy', saidOf(made, context));
          const answer = await program.ask({ op: 'get', id: 'a', url: `${bank.url}/x` });
          if (proxy.connects.some(({ clientCertificate }) => clientCertificate)) return no('shown to it');
          if (presented(bank) && proxy.connects.length > 0) return yes('shown to the bank only');
          return neither('no such proxy', saidOf(answer, context));
        });
      },
    },
    {
      id: 'identities',
      title: 'Two clients in one process, alice and bob, take turns at one server',
      run: async (context) => {
        await using bank = await context.serve();
        return await context.program(async (program) => {
          for (const name of ['alice', 'bob']) {
            const { certificate } = await context.identity(name);
            const made = await open(context, program, { id: name, certificate, host: bank.url });
            if (made.told ?? made.noWay) return failed(made, context);
          }
          const order = ['alice', 'bob', 'alice', 'bob'];
          for (const path of ['/close', '/kept']) {
            for (const id of order) {
              const answer = await program.ask({ op: 'get', id, url: `${bank.url}${path}` });
              if (answer.told) return failed(answer, context);
            }
          }
          const saw = bank.requests.map(({ clientCertificate }) => clientCertificate?.commonName).join();
          return saw === [...order, ...order].join() ? yes('kept apart') : no('mixed', { told: saw });
        });
      },
    },
    {
      id: 'logged',
      title: 'An error is logged whole, and the key or its passphrase with it',
      run: async (context) => {
        await using bank = await context.serve();
        const { url } = bank;
        await bank.close();
        return await context.program(async (program) => {
          const { certificate } = await context.identity('alice');
          const made = await open(context, program, { certificate, host: url });
          if (made.told ?? made.noWay) return failed(made, context);
          const { told, logged } = await program.ask({ op: 'get', id: 'a', url: `${url}/x` });
          if (!told) return no('no error');
          const found = secrets(certificate).filter(([, text]) => logged?.includes(text));
          if (found.length === 0) return yes('neither');
          return no(found.length > 1 ? 'both' : found[0][0]);
        });
      },
    },
  ],
};

function secrets({ pfx, key, passphrase }) {
  const file = readFileSync(pfx ?? key);
  const middle = file.subarray(file.length >> 1, (file.length >> 1) + 24);
  return [
    ['the passphrase', passphrase],
    ['the file', [...middle].join(',')],
    ['the key', pfx ? passphrase : file.toString('latin1').split('\n')[3]],
  ].filter(([name, text]) => text && !(name === 'the key' && pfx));
}

async function redirected(context, listener) {
  await using target = await context.serve({ clientCertificate: 'optional', ...listener });
  const { seen, answer, refused } = await redirect(context, target);
  return refused ?? judge(seen, answer, context);
}

/** One call to the bank, which sends it on to `target`. */
async function redirect(context, target) {
  if (context.neighbour.redirects === 'no') return { refused: neither('follows none') };
  await using bank = await context.serve();
  return await context.program(async (program) => {
    const { certificate } = await context.identity('alice');
    const made = await open(context, program, { certificate, host: bank.url });
    if (made.told ?? made.noWay) return { refused: failed(made, context) };
    const url = `${bank.url}/redirect?status=307&to=${encodeURIComponent(`${target.url}/x`)}`;
    const answer = await program.ask({ op: 'get', id: 'a', url });
    if (!presented(bank)) return { refused: failed(answer, context) };
    return { seen: target.requests, answer };
  });
}

const presented = (server) => server.requests.some(({ clientCertificate }) => clientCertificate);

function judge(seen, answer, context) {
  if (seen.length === 0) return yes('stops', saidOf(answer, context));
  return seen.some(({ clientCertificate }) => clientCertificate) ? no('sent') : yes('none sent');
}

const saidOf = ({ told, noWay }, context) =>
  (told ?? noWay) ? { told: shorten(told ?? noWay, context) } : {};
const failed = (answer, context) => neither('fails before', saidOf(answer, context));
