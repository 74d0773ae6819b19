import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Authority, createAuthority, startServer, type TestServer } from '@clientcert/testing';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rates } from '../../../examples/test/rates.ts';
import { PROGRAMS } from './migrate-programs.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const network = new URL('../../../examples/test/network.mjs', import.meta.url).href;
const command = join(root, 'packages/cli/bin/clientcert.mjs');
const passphrase = 'for the bank';

let authority: Authority;
let server: TestServer;
let directory: string;
let files: Record<string, string | Uint8Array>;

beforeAll(async () => {
  await promisify(execFile)(process.execPath, [join(root, 'scripts/ready.mjs'), '--built']);
  // Below node_modules, so that the packages and the clients are found.
  directory = await mkdtemp(join(root, 'node_modules', '.migrate-'));
  authority = await createAuthority();
  const bank = await authority.issue({ name: 'bank', keyType: 'rsa' });
  const laidOut = await bank.files(join(directory, 'files'), { passphrase });
  files = {
    'bank.pfx': await bank.pfx(passphrase),
    'bank.crt': bank.cert,
    'bank.key': await readFile(laidOut.key),
    'plain.key': bank.key,
    'bank-root.pem': authority.certificate,
  };
  server = await startServer({
    authority,
    hosts: ['api.bank.example'],
    clientCertificate: 'required',
    handler: rates,
  });
}, 300_000);
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** A directory with a program, and the files that it reads. */
async function layOut(name: string, text: string): Promise<string> {
  const folder = join(directory, name.replaceAll('.', '-'));
  await mkdir(folder);
  for (const [file, content] of Object.entries({ ...files, [name]: text }))
    await writeFile(join(folder, file), content);
  await copyFile(join(root, 'examples/soap/rates.wsdl'), join(folder, 'rates.wsdl'));
  return folder;
}

/** Runs it, compiled where it is TypeScript; what the server saw. */
async function seen(folder: string, name: string): Promise<string[]> {
  let script = name;
  if (/\.[cm]ts$/.test(name)) {
    script = name.replace(/ts$/, 'js');
    const module = name.endsWith('.cts') ? ModuleKind.CommonJS : ModuleKind.ESNext;
    const compilerOptions = { module, target: ScriptTarget.ES2022, esModuleInterop: true };
    const { outputText } = transpileModule(await readFile(join(folder, name), 'utf8'), { compilerOptions });
    await writeFile(join(folder, script), outputText);
  }
  server.requests.splice(0);
  const env = {
    ...process.env,
    EXAMPLE_SERVERS: JSON.stringify({ 'api.bank.example:443': server.port }),
    BANK_PASSPHRASE: passphrase,
    BANK_URL: 'https://api.bank.example',
    NODE_OPTIONS: '--disable-warning=ClientCertificateWarning',
  };
  const options = { cwd: folder, env, timeout: 100_000 };
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', network, script],
    options,
  );
  expect(stdout + stderr).toBe('');
  return server.requests.map(
    ({ method, url, clientCertificate }) => `${method} ${url} ${clientCertificate?.commonName}`,
  );
}

async function migrate(folder: string, ...args: string[]) {
  const run = promisify(execFile)(process.execPath, [command, 'migrate', '--json', ...args], { cwd: folder });
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  return JSON.parse(stdout);
}

/** Where the code does not say it. */
const HOSTS: Readonly<Record<string, string[]>> = { 'soap-pfx.cts': ['--host', 'api.bank.example'] };

describe('migrate', () => {
  it.each(Object.entries(PROGRAMS))('%s shows the server the same before and after', async (name, text) => {
    const folder = await layOut(name, text);
    const before = await seen(folder, name);
    expect(before).not.toEqual([]);
    expect(before.every((request) => request.endsWith(' bank'))).toBe(true);

    const to = HOSTS[name] ?? [];
    const planned = await migrate(folder, name, ...to);
    expect(await readFile(join(folder, name), 'utf8')).toBe(text); // nothing without --write
    const written = await migrate(folder, name, ...to, '--write', '--force');
    expect(written).toEqual({ ...planned, written: true });
    expect(written).toMatchObject({ ok: true, left: [], skipped: [], variables: [] });
    const after = await readFile(join(folder, name), 'utf8');
    expect(after).not.toMatch(/\b(pfx|certificate):|new https\.Agent/);
    expect(await seen(folder, name)).toEqual(before);

    const again = await migrate(folder, name, '--write', '--force');
    expect(again).toMatchObject({ ok: true, changes: [], left: [] });
  });

  it('leaves TypeScript that compiles, strictly, unused names included', async () => {
    const options = {
      compilerOptions: {
        strict: true,
        noEmit: true,
        noUnusedLocals: true,
        exactOptionalPropertyTypes: true,
        module: 'nodenext',
        target: 'es2022',
        skipLibCheck: true,
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
      },
      include: ['*/*.mts', '*/*.cts'],
    };
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(options));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const run = promisify(execFile)(process.execPath, [tsc, '-p', directory]);
    expect(
      await run.then(
        () => '',
        ({ stdout }: { stdout: string }) => stdout,
      ),
    ).toBe('');
  });
});
