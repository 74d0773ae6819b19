import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadCredentials } from '@clientcert/core';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { beforeAll, expect, it } from 'vitest';
import { clients, emptyWsdl } from './clients.ts';

/** How many rotations each client sees, and ten times as many requests; more with `ROTATIONS=500`. */
const wanted = Number(process.env.ROTATIONS ?? 40);

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});

it.each(Object.entries(clients))(
  'no request fails or carries another identity while certificates rotate: %s',
  async (_, open) => {
    await using server = await startServer({
      authority,
      host: 'localhost',
      http2: true,
      listeners: [{}, {}, { tls: 'TLSv1.2' }],
      handler: (request, response) => {
        if (!request.headers['user-agent']?.startsWith('node-soap')) return false;
        response.end(emptyWsdl);
        return true;
      },
    });
    const sources = { alice: await newSource('alice'), bob: await newSource('bob') };
    await using credentials = await loadCredentials({
      certificates: { alice: sources.alice.read, bob: sources.bob.read },
      hosts: {
        [`localhost:${server.ports[0]}`]: 'alice',
        [`localhost:${server.ports[1]}`]: 'bob',
        [`localhost:${server.ports[2]}`]: 'alice',
      },
    });
    const errors: unknown[] = [];
    credentials.on('error', (error) => errors.push(error));
    // Node warns where listeners pile up.
    const warn = (warning: Error) => void (/MaxListeners/.test(warning.name) && errors.push(warning));
    process.on('warning', warn);
    const owners = ['alice', 'bob', 'alice'] as const;
    const send = open(credentials);
    const contexts: WeakRef<object>[] = [];
    let [sent, rotations] = [0, 0];
    const isUnderWay = () => rotations < wanted || sent < wanted * 10;
    const identities = new Map<string, string>();

    const request = async () => {
      while (isUnderWay()) {
        const which = sent++ % 3;
        const version = sources[owners[which]!].version();
        await send(`${server.urls[which]}/?which=${which}&version=${version}`);
      }
    };
    const rotate = async () => {
      while (isUnderWay()) {
        const name = rotations++ % 2 === 0 ? 'alice' : 'bob';
        await sources[name].renew();
        const report = await credentials.reload();
        expect(report.changed).toEqual([name]);
        // From here on whatever is sent is sent as this version, or a later one.
        sources[name].publish();
        const { secureContext } = credentials.connectOptions(server.urls[name === 'alice' ? 0 : 1]!);
        contexts.push(new WeakRef(secureContext!));
        await pause(20);
      }
    };
    const check = async () => {
      while (isUnderWay()) {
        await pause(50);
        verify();
      }
    };
    let verified = 0;
    const verify = () => {
      for (const { url, connection, clientCertificate, port } of server.requests.splice(0)) {
        const query = new URL(url, 'https://localhost').searchParams;
        const source = sources[owners[Number(query.get('which'))]!];
        const version = source.versionOf(clientCertificate?.fingerprint256 ?? 'none');
        expect(version, `${url} as ${clientCertificate?.commonName}`).toBeGreaterThanOrEqual(
          Number(query.get('version')),
        );
        // A connection has one identity for all its life.
        const key = `${port} ${connection}`;
        const identity = clientCertificate!.fingerprint256;
        expect(identities.get(key) ?? identity).toBe(identity);
        identities.set(key, identity);
        verified += 1;
      }
    };
    await Promise.all([...Array.from({ length: 16 }, request), rotate(), check()]);
    verify();
    expect(verified).toBe(sent);
    expect(errors).toEqual([]);
    if (process.env.ROTATIONS) console.log(`${sent} requests, ${rotations} rotations`);

    // Nothing of the old versions is kept: not their contexts, not their connections.
    await expect.poll(() => survivors(contexts)).toBeLessThanOrEqual(8);
    process.off('warning', warn);
    const handles = process.getActiveResourcesInfo();
    // Both ends of what 16 workers keep to three ports, for one version of each certificate; not for all there were.
    expect(handles.filter((kind) => kind === 'TCPSocketWrap').length).toBeLessThanOrEqual(16 * 3 * 2);
  },
  wanted * 3000 + 60_000, // a busy machine takes long
);

/** A source whose certificate is renewed by hand; the version that is published has been swapped in. */
async function newSource(name: string) {
  const versions = new Map<string, number>();
  let current: IssuedCertificate;
  let published = 0;
  const renew = async () => {
    current = await authority.issue({ name });
    versions.set(current.fingerprint256, versions.size + 1);
  };
  await renew();
  published = 1;
  return {
    read: () => ({ cert: current.fullChain, key: current.key, ca: authority.certificate }),
    renew,
    publish: () => {
      published = versions.size;
    },
    version: () => published,
    versionOf: (fingerprint: string) => versions.get(fingerprint) ?? -1,
  };
}

/** How many of these objects are still reachable, once the garbage is collected. */
async function survivors(references: readonly WeakRef<object>[]): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 5; round++) {
    await pause(20);
    collect();
  }
  return references.filter((reference) => reference.deref() !== undefined).length;
}
