import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IssuedCertificate } from '@clientcert/testing';
import { configFor } from '../../src/load/provider.ts';
import { find, hasTool, provider, spy } from './installed.ts';

/** The token of Firefox and NSS: of all software tokens the one that brings no second OpenSSL into the process. */
const softoken = find('libsoftokn3.so', 'nss/libsoftokn3.so');

/** What is not installed of what these tests need. */
export const missing: string[] = [
  ...(provider === undefined ? ['pkcs11-provider'] : []),
  ...(softoken === undefined ? ['libnss3'] : []),
  ...(spy === undefined ? ['opensc'] : []),
  ...(hasTool('certutil') && hasTool('pk12util') ? [] : ['libnss3-tools']),
];

export const pin = 'Sesame-4711';

/** A token with these keys, each under its certificate's name, and what has OpenSSL load it. */
export async function createToken(keys: readonly IssuedCertificate[]): Promise<Token> {
  const directory = await mkdtemp(join(tmpdir(), 'clientcert-token-'));
  const run = (tool: string, ...args: string[]) => execFileSync(tool, args, { stdio: 'pipe' });
  const password = join(directory, 'pin');
  await writeFile(password, pin);
  run('certutil', '-N', '-d', `sql:${directory}`, '-f', password);
  for (const key of keys) {
    const pfx = join(directory, 'key.p12');
    await writeFile(pfx, await key.pfx('pfx', { encryption: 'legacy-3des' }));
    run('pk12util', '-i', pfx, '-d', `sql:${directory}`, '-k', password, '-W', 'pfx');
  }
  const log = join(directory, 'calls.log');
  const configure = async (module = spy!): Promise<NodeJS.ProcessEnv> => {
    const path = join(directory, 'openssl.cnf');
    await writeFile(
      path,
      `${configFor(provider!, module)}
pkcs11-module-init-args = configDir=sql:${directory}
`,
    );
    return { OPENSSL_CONF: path, PKCS11SPY: softoken, PKCS11SPY_OUTPUT: log };
  };
  return {
    directory,
    log,
    password,
    configure,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

export interface Token extends AsyncDisposable {
  readonly directory: string;
  /** Every call that the module was made, as `pkcs11-spy` writes them down. */
  readonly log: string;
  /** A file with the PIN. */
  readonly password: string;
  /** The environment of a process that has the provider loaded, over this module. */
  configure(module?: string): Promise<NodeJS.ProcessEnv>;
}
