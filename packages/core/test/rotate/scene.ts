import { lstat, mkdir, mkdtemp, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import type { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Authority, IssuedCertificate, TestServer } from '@clientcert/testing';
import type { Credentials, CredentialsEvents } from '../../src/index.ts';
import { get } from '../support.ts';

/** A directory that is removed at the end of the block. */
export async function scratch(parent = tmpdir()): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(parent, 'clientcert-rotate-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export function issue(authority: Authority, name: string): Promise<IssuedCertificate> {
  return authority.issue({ name });
}

/** How a certificate is delivered to a directory as `tls.crt` and `tls.key`. */
export type Delivery = (directory: string, certificate: IssuedCertificate) => Promise<void>;

const contents = (certificate: IssuedCertificate) =>
  [
    ['tls.crt', certificate.fullChain],
    ['tls.key', certificate.key],
  ] as const;

/** Over what is there, byte by byte. */
export const inPlace: Delivery = async (directory, certificate) => {
  for (const [name, text] of contents(certificate)) await writeFile(join(directory, name), text);
};

/** Written beside, then moved over what is there. */
export const atomicRename: Delivery = async (directory, certificate) => {
  for (const [name, text] of contents(certificate)) {
    await writeFile(join(directory, `.${name}.new`), text);
    await rename(join(directory, `.${name}.new`), join(directory, name));
  }
};

let generation = 0;

/** As Kubernetes mounts a secret: `tls.crt → ..data/tls.crt`, `..data → ..2026_11_21`, moved as one. */
export const kubernetes: Delivery = (directory, certificate) =>
  mount(directory, (version) => inPlace(version, certificate));

async function mount(directory: string, write: (version: string) => Promise<void>): Promise<void> {
  generation += 1;
  const version = `..2026_11_21_${generation}`;
  const before = await readlink(join(directory, '..data')).catch(() => undefined);
  await mkdir(join(directory, version));
  await write(join(directory, version));
  await symlink(version, join(directory, '..data_tmp'));
  await rename(join(directory, '..data_tmp'), join(directory, '..data'));
  for (const name of await readdir(join(directory, version))) {
    await symlink(join('..data', name), join(directory, name)).catch(() => {});
  }
  if (before !== undefined) await rm(join(directory, before), { recursive: true });
}

/** As certbot does: `live/tls.crt → ../archive/tls3.crt`, each link moved. */
export const certbot: Delivery = async (directory, certificate) => {
  generation += 1;
  const archive = join(directory, '..', 'archive');
  await mkdir(archive, { recursive: true });
  for (const [name, text] of contents(certificate)) {
    await writeFile(join(archive, `${generation}-${name}`), text);
    await symlink(join('..', 'archive', `${generation}-${name}`), join(directory, `${name}.new`));
    await rename(join(directory, `${name}.new`), join(directory, name));
  }
};

/** As certbot keeps a domain: `live/bank/privkey.pem → ../../archive/bank/privkey3.pem`, four links, moved one by one. */
export const certbotLive: Delivery = async (directory, certificate) => {
  generation += 1;
  const archive = join(directory, '..', '..', 'archive', 'bank');
  await mkdir(archive, { recursive: true });
  await writeFile(join(directory, 'README'), 'This directory contains your keys and certificates.');
  const files = {
    cert: certificate.cert,
    privkey: certificate.key,
    chain: certificate.chain,
    fullchain: certificate.fullChain,
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(archive, `${name}${generation}.pem`), text);
  }
  for (const name of Object.keys(files)) {
    await rm(join(directory, `${name}.pem`), { force: true });
    await symlink(`../../archive/bank/${name}${generation}.pem`, join(directory, `${name}.pem`));
  }
};

/** As cert-manager writes a keystore, mounted by Kubernetes. */
export const certManagerKeystore: Delivery = (directory, certificate) =>
  mount(directory, async (version) => {
    await writeFile(join(version, 'keystore.p12'), await certificate.pfx('keystore passphrase'));
    await writeFile(join(version, 'ca.crt'), certificate.ca);
  });

/** As SPIFFE helper writes: one file after the other, over what is there. */
export const spiffeHelper: Delivery = async (directory, certificate) => {
  await writeFile(join(directory, 'svid.pem'), certificate.fullChain);
  await writeFile(join(directory, 'svid_key.pem'), certificate.key);
  await writeFile(join(directory, 'svid_bundle.pem'), certificate.ca);
};

/** The whole directory, moved away and another put in its place. */
export const wholeDirectory: Delivery = async (directory, certificate) => {
  generation += 1;
  const next = `${directory}-${generation}`;
  await mkdir(next);
  await inPlace(next, certificate);
  await rename(directory, `${next}-old`).catch(() => {});
  await rename(next, directory);
};

/** The directory is a link to the latest of several, and is moved to the next. */
export const releases: Delivery = async (directory, certificate) => {
  generation += 1;
  const release = `${directory}-release-${generation}`;
  await mkdir(release);
  await inPlace(release, certificate);
  await symlink(release, `${directory}.new`);
  if ((await lstat(directory)).isDirectory()) await rm(directory, { recursive: true });
  await rename(`${directory}.new`, directory);
};

/** The directory and that above it removed for a while, then there again. */
export const treeRemovedAndBack: Delivery = async (directory, certificate) => {
  await rm(join(directory, '..'), { recursive: true });
  await new Promise((resolve) => setTimeout(resolve, 400));
  await mkdir(directory, { recursive: true });
  await inPlace(directory, certificate);
};

/** Removed for a while, then there again. */
export const removedAndBack: Delivery = async (directory, certificate) => {
  await rm(join(directory, 'tls.crt'), { force: true });
  await rm(join(directory, 'tls.key'), { force: true });
  await new Promise((resolve) => setTimeout(resolve, 120));
  await inPlace(directory, certificate);
};

/** The next event of a kind; fails after a while. */
export function next<Event extends keyof CredentialsEvents>(
  credentials: Credentials,
  event: Event,
  milliseconds = 30_000,
): Promise<CredentialsEvents[Event][0]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      credentials.off(event, listener);
      reject(new Error(`no ${String(event)} within ${milliseconds} ms`));
    }, milliseconds);
    const listener = (...args: CredentialsEvents[Event]) => {
      clearTimeout(timer);
      credentials.off(event, listener);
      resolve(args[0]);
    };
    credentials.on(event, listener);
  });
}

/** Sends a request and resolves to the body. */
export async function request(
  credentials: Credentials,
  url: string,
  agent: Agent = credentials.agent(),
  headers: Record<string, string> = {},
): Promise<string> {
  return (await get(url, { agent, headers })).body;
}

/** The fingerprint of the client certificate that the server saw with each request. */
export const seen = (server: TestServer): (string | undefined)[] =>
  server.requests.map(({ clientCertificate }) => clientCertificate?.fingerprint256);
