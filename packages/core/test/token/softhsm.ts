import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IssuedCertificate } from '@clientcert/testing';
import { untilSaid } from '../../../../test/spawned.ts';
import { configFor } from '../../src/load/provider.ts';
import { find, hasTool, provider, spy } from './installed.ts';

const module = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
].find(existsSync);
export const engine: string | undefined = find('engines-3/pkcs11.so');

/** What is not installed of what the tests of the engine need. */
export const missing: string[] = [
  ...(engine === undefined ? ['libengine-pkcs11-openssl'] : []),
  ...(module === undefined || !hasTool('softhsm2-util') ? ['softhsm2'] : []),
  ...(spy === undefined || !hasTool('pkcs11-tool') ? ['opensc'] : []),
];

const p11KitClient = find('pkcs11/p11-kit-client.so');
/** The same of those of a token behind a process of its own. */
export const missingBehindServer: string[] = [
  ...missing,
  ...(provider === undefined ? ['pkcs11-provider'] : []),
  ...(p11KitClient === undefined || !hasTool('p11-kit') ? ['p11-kit'] : []),
];

export const pin = 'Sesame-4711';

/** A token called "bank" with these keys, each under its certificate's name, and what has a process reach it. */
export async function createSoftHsm(keys: readonly IssuedCertificate[]): Promise<SoftHsm> {
  const directory = await mkdtemp(join(tmpdir(), 'clientcert-softhsm-'));
  await mkdir(join(directory, 'tokens'));
  const config = join(directory, 'softhsm2.conf');
  await writeFile(config, `directories.tokendir = ${directory}/tokens\nlog.level = ERROR\n`);
  const env = { ...process.env, SOFTHSM2_CONF: config };
  const util = (...args: string[]) => execFileSync('softhsm2-util', args, { env, stdio: 'pipe' });
  util('--init-token', '--free', '--label', 'bank', '--pin', pin, '--so-pin', '12345678');
  for (const [index, { name, key }] of keys.entries()) {
    const file = join(directory, 'key.pem');
    await writeFile(file, key);
    util('--import', file, '--token', 'bank', '--label', name, '--id', `0${index}`, '--pin', pin);
  }
  const password = join(directory, 'pin');
  await writeFile(password, pin);
  const log = join(directory, 'calls.log');
  const spied = { SOFTHSM2_CONF: config, PKCS11SPY: module!, PKCS11SPY_OUTPUT: log };
  return {
    directory,
    password,
    log,
    environment: { ...spied, PKCS11_MODULE_PATH: spy! },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

/** Puts a process between the token and those that use it. */
export async function serve({ directory, environment }: SoftHsm): Promise<Served> {
  const socket = join(directory, 'p11-kit');
  const args = ['server', '--foreground', '--name', socket, '--provider', spy!, 'pkcs11:token=bank'];
  // It has a child for each that uses it: all of a group.
  const server = spawn('p11-kit', args, { env: { ...process.env, ...environment }, detached: true });
  await untilSaid(server, /P11_KIT_SERVER_PID=/);
  const config = join(directory, 'openssl.cnf');
  await writeFile(config, configFor(provider!, p11KitClient!));
  return {
    pid: server.pid!,
    environment: { P11_KIT_SERVER_ADDRESS: `unix:path=${socket}`, OPENSSL_CONF: config },
    async [Symbol.asyncDispose]() {
      try {
        process.kill(-server.pid!, 'SIGKILL');
      } catch {
        // A test did.
      }
    },
  };
}

export interface Served extends AsyncDisposable {
  /** Of the group. */
  readonly pid: number;
  /** Of a process that reaches it with a provider. */
  readonly environment: NodeJS.ProcessEnv;
}

export interface SoftHsm extends AsyncDisposable {
  readonly directory: string;
  /** A file with the PIN. */
  readonly password: string;
  /** Every call that the module was made, as `pkcs11-spy` writes them down. */
  readonly log: string;
  /** Of a process whose engine finds the token. */
  readonly environment: NodeJS.ProcessEnv;
}
