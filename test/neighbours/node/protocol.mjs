// What every Node program here shares: a line of JSON in, a line of JSON out.
//
//   {"op":"client","id":"a","certificate":{"pfx":"…","passphrase":"…"},"ca":"…","host":"https://…","proxy":"…"}
//   {"op":"get","id":"a","url":"https://…"}                          → {"status":200} or {"told":"…","logged":"…"}
//   {"op":"speed","id":"a","url":"…","concurrency":16,"seconds":2}   → {"requests":…,"seconds":…,"cpu":…}
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { inspect } from 'node:util';

/**
 * @param {(options: object) => Promise<{ get(url: string): Promise<number>, tell?(error: unknown, url?: string): string }>} create
 *   A client with one certificate, as its documentation tells to make it; `get` resolves to the status.
 * @param {(error: unknown) => string} tell What a user is told of an error; its message and its causes unless given.
 */
export async function serve(create, tell = messageOf) {
  const clients = new Map();
  for await (const line of createInterface({ input: process.stdin })) {
    const { op, id, url, ...options } = JSON.parse(line);
    let answer;
    try {
      if (op === 'client') {
        clients.set(id, await create(options));
        answer = {};
      } else if (op === 'get') {
        answer = { status: await clients.get(id).get(url) };
      } else if (op === 'speed') {
        answer = await measure(() => clients.get(id).get(url), options);
      }
    } catch (error) {
      answer = error instanceof NoWay ? { noWay: error.message } : failure(error, clients.get(id), url, tell);
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit(0);
}

/** This client has no option for such a file. */
export class NoWay extends Error {}

/** The options of Node's TLS, as its documentation has them: `pfx`, or `cert` and `key`; whatever the format is. */
export function tlsOptions({ pfx, jks, cert, p7b, key, passphrase }) {
  const archive = pfx ?? jks;
  if (archive) return { pfx: readFileSync(archive), passphrase };
  const file = cert ?? p7b;
  return file ? { cert: readFileSync(file), key: readFileSync(key), ...(passphrase && { passphrase }) } : {};
}

function failure(error, client, url, tell) {
  let json = '';
  try {
    json = JSON.stringify(error);
  } catch {}
  // What a logger may write: all that can be reached.
  const logged = `${inspect(error, { depth: 12, maxArrayLength: null, maxStringLength: null })}\n${json}`;
  return { told: (client?.tell ?? tell)(error, url), logged };
}

export function messageOf(error) {
  const parts = [];
  for (let each = error; each && parts.length < 4; each = each.cause) {
    const { message = String(each), code } = each;
    parts.push(code && !message.includes(code) ? `${message} (${code})` : message);
  }
  return [...new Set(parts)].join(': ');
}

async function measure(get, { concurrency, seconds }) {
  const began = process.cpuUsage();
  const start = performance.now();
  const end = start + seconds * 1000;
  let requests = 0;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (performance.now() < end) {
        const status = await get();
        if (status !== 200) throw new Error(`status ${status}`);
        requests++;
      }
    }),
  );
  const { user, system } = process.cpuUsage(began);
  return { requests, seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
}
