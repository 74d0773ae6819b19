import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Authority, IssuedCertificate } from '@clientcert/testing';
import { build } from 'tsdown';
import { nodeBinary } from '../../scripts/node-binary.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const network = new URL('network.mjs', import.meta.url).href;

/** What throwaway certificates are warned of, such as a day's lifetime, is not what an example prints. */
const quiet = '--disable-warning=ClientCertificateWarning';

/** How an example ended. */
export interface Run {
  code: number | null;
  output: string;
}

export interface RunOptions {
  edit?: ((source: string) => string) | undefined;
  after?: string | undefined;
  /** Further files of its directory. */
  files?: Record<string, string | Uint8Array> | undefined;
  /** Further variables of its environment. */
  env?: Record<string, string> | undefined;
  /** In milliseconds; what runs longer is ended and fails. */
  timeout?: number | undefined;
}

/** The examples, each run as it stands by a Node of its own, in a directory with the files that it names. */
export interface Examples extends AsyncDisposable {
  readonly bank: IssuedCertificate;
  /**
   * Runs a script of `examples/`.
   *
   * @param servers Ports on loopback by the `name:port` that the example calls.
   * @param options `edit`: changes its text before; `after`: JavaScript that runs afterwards, with what the
   *   example exports as `example`.
   */
  run(file: string, servers: Record<string, number>, options?: RunOptions): Promise<Run>;
  /** Lays out a script that goes on until it is told to end. */
  place(file: string): Promise<Placed>;
}

/** A script in a directory of its own. */
export interface Placed {
  readonly folder: string;
  start(servers: Record<string, number>, env?: Record<string, string>): Service;
}

/** A script that runs. */
export interface Service {
  /** What it has printed, once this is in it. */
  heard(text: string): Promise<string>;
  /** How it ended by itself. */
  ended(): Promise<Run>;
  /** Ends it with SIGTERM. */
  stop(): Promise<void>;
}

/**
 * Lays out a directory in which examples find `@clientcert/*` as it is shipped, and their certificates.
 *
 * @param sdks Whether they are recipes of `examples/sdks`: these find what is installed there, and run on a Node that
 *   all of it supports.
 */
export async function layOut(
  authority: Authority,
  packages: string[] = ['core'],
  { sdks = false } = {},
): Promise<Examples> {
  // The SOAP adapter stands on that of axios.
  const needed = new Set(packages.flatMap((name) => (name === 'soap' ? ['axios', name] : [name])));
  const wanted = sdks ? ['--built', '--sdks'] : ['--built'];
  await promisify(execFile)(process.execPath, [join(root, 'scripts/ready.mjs'), ...wanted]);
  const node = sdks && Number.parseInt(process.versions.node, 10) < 22 ? nodeBinary(24) : process.execPath;
  // Below node_modules, so that the clients are found too.
  const modules = join(root, sdks ? 'examples/sdks' : '.', 'node_modules');
  const directory = mkdtempSync(join(modules, '.examples-'));
  for (const name of needed) copyPackage(name, directory);
  const bank = await authority.issue({ name: 'bank', keyType: 'rsa' });
  const standing = { 'bank.pfx': await bank.pfx('for the bank'), 'bank-root.pem': authority.certificate };
  let runs = 0;
  return {
    bank,
    run: async (file, servers, { edit, after = '', files = {}, env = {}, timeout = 40_000 } = {}) => {
      runs += 1;
      const folder = join(directory, String(runs));
      const script = await place(join(root, 'examples', file), folder);
      if (edit) writeFileSync(script, edit(readFileSync(script, 'utf8')));
      const main = `import * as example from ${JSON.stringify(pathToFileURL(script).href)};\n${after}`;
      const laidOut = { ...standing, ...files, 'main.mjs': main };
      for (const [name, content] of Object.entries(laidOut)) writeFileSync(join(folder, name), content);
      return await start(node, folder, { EXAMPLE_SERVERS: JSON.stringify(servers), ...env }, timeout);
    },
    place: async (file) => {
      runs += 1;
      const folder = join(directory, String(runs));
      const script = await place(join(root, 'examples', file), folder);
      for (const [name, content] of Object.entries(standing)) writeFileSync(join(folder, name), content);
      return {
        folder,
        start: (servers, env = {}) =>
          serve(node, script, { EXAMPLE_SERVERS: JSON.stringify(servers), ...env }),
      };
    },
    [Symbol.asyncDispose]: async () => rmSync(directory, { recursive: true, force: true }),
  };
}

async function start(node: string, cwd: string, env: Record<string, string>, timeout: number): Promise<Run> {
  const child = spawn(node, ['--import', network, 'main.mjs'], {
    cwd,
    env: {
      ...process.env,
      BANK_PASSPHRASE: 'for the bank',
      NODE_OPTIONS: quiet,
      // Trusts the hosts that no rule names.
      NODE_EXTRA_CA_CERTS: join(cwd, 'bank-root.pem'),
      AWS_ACCESS_KEY_ID: 'example',
      AWS_SECRET_ACCESS_KEY: 'example',
      ...env,
    },
    timeout,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

function serve(node: string, script: string, env: Record<string, string>): Service {
  const options = {
    cwd: dirname(script),
    env: { ...process.env, BANK_PASSPHRASE: 'for the bank', NODE_OPTIONS: quiet, ...env },
    timeout: 50_000,
  };
  const child = spawn(node, ['--import', network, script], options);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return {
    async heard(text) {
      while (!output.includes(text)) {
        if (child.exitCode !== null || child.signalCode) throw new Error(`it ended: ${output}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return output;
    },
    async ended() {
      if (child.exitCode === null && !child.signalCode) await once(child, 'close');
      return { code: child.exitCode, output };
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode) return;
      child.kill('SIGTERM');
      await once(child, 'close');
    },
  };
}

/** Copies an example with its neighbours, which it may import; TypeScript is compiled on the way. */
async function place(path: string, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  if (path.endsWith('.ts')) {
    await compile(path, folder);
    return join(folder, basename(path).replace(/\.ts$/, '.mjs'));
  }
  for (const file of readdirSync(dirname(path))) {
    if (/\.[cm]js$/.test(file)) copyFileSync(join(dirname(path), file), join(folder, file));
  }
  return join(folder, basename(path));
}

/** The files that npm packs. */
function copyPackage(name: string, directory: string): void {
  const published = name === 'cli' ? 'clientcert' : `@clientcert/${name}`;
  const folder = join(directory, 'node_modules', published);
  for (const part of ['package.json', 'dist']) {
    cpSync(join(root, 'packages', name, part), join(folder, part), { recursive: true });
  }
}

async function compile(path: string, outDir: string): Promise<void> {
  await build({
    entry: [path],
    outDir,
    format: 'esm',
    external: /^@clientcert\//,
    clean: false,
    platform: 'node',
    fixedExtension: true,
    dts: false,
    config: false,
    logLevel: 'silent',
    inputOptions: { transform: { decorator: { legacy: true } } }, // as NestJS has them
  });
}
