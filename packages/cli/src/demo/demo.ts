import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequestHandler, SeenRequest } from '@clientcert/testing';
import type { Command } from 'commander';
import { reportFailure } from '../failure.ts';
import { during } from '../progress.ts';
import type { Call, Scene } from './calls.ts';
import { printTable, type Row } from './table.ts';

/** `clientcert demo`: throwaway authority, files and servers; every adapter; what each server saw. */
export function addDemo(program: Command, exit: (code: number) => void): void {
  program
    .command('demo')
    .description('throwaway authority and servers, every adapter, what each server saw')
    .option('--json', 'print the rows as JSON')
    .addHelpText('after', '\nExit code: 0, or 1 where a server saw anything but what it should.')
    .action(async ({ json }: { json?: boolean }) => {
      const rows = await during('Calling with every client', runDemo).catch((error: unknown) => {
        if (!(error instanceof ClientMissing)) throw error;
        reportFailure(error, json);
      });
      if (!rows) return exit(1);
      if (json) console.log(JSON.stringify(rows, null, 2));
      else printTable(rows);
      exit(rows.every((row) => row.asExpected) ? 0 : 1);
    });
  program.command('demo-calls', { hidden: true }).action(async () => {
    const calls = await import('./calls.ts').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    });
    if (!calls) return exit(UNAVAILABLE);
    await calls.makeCalls();
  });
}

/** `EX_UNAVAILABLE` of sysexits(3): how the process with the calls says that a client is not installed. */
const UNAVAILABLE = 69;

/** Who installs the command does not get every HTTP client with it. */
class ClientMissing extends Error {
  readonly hint =
    'npm install --no-save axios got soap undici @clientcert/axios @clientcert/got @clientcert/soap @clientcert/undici';

  constructor() {
    super('the demo calls with every client, and not all of them are installed here');
  }
}

async function runDemo(): Promise<Row[]> {
  // Imported when they are needed: no other command waits for every client.
  const { createAuthority, startServer } = await import('@clientcert/testing');
  const directory = await mkdtemp(join(tmpdir(), 'clientcert-demo-'));
  try {
    const authority = await createAuthority({ name: 'Demo Authority' });
    const passphrase = 'correct horse';
    const rsa = await authority.issue({ name: 'alice', keyType: 'rsa' });
    const modern = await rsa.files(join(directory, 'modern'), { passphrase });
    const old = await rsa.files(join(directory, 'old'), { passphrase, encryption: 'legacy-rc2' });

    // Two hosts: "localhost" is pinned on its first port alone, no rule names "127.0.0.1".
    await using bank = await startServer({
      authority,
      host: 'localhost',
      listeners: [{ clientCertificate: 'required' }, { clientCertificate: 'optional' }],
      handler: describeService,
    });
    await using other = await startServer({
      authority,
      host: '127.0.0.1',
      clientCertificate: 'optional',
      handler: describeService,
    });

    const scene: Scene = {
      files: { modernPfx: modern.pfx, oldPfx: old.pfx, cert: modern.cert, key: modern.key },
      passphrase,
      pinned: bank.urls[0]!,
      samePinnedHost: bank.urls[1]!,
      unnamed: other.url,
    };
    return await watch(scene, modern.ca, () => [...bank.requests.splice(0), ...other.requests.splice(0)]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A SOAP client asks for a WSDL first: here it gets the shortest one there is. */
const describeService: RequestHandler = (request, response) => {
  if (!request.headers['user-agent']?.startsWith('node-soap') || request.url?.startsWith('/redirect')) {
    return false;
  }
  response.end('<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:demo"/>');
  return true;
};

/**
 * Makes the calls in a process of their own, which trusts the throwaway root as a company's machines trust
 * theirs: through NODE_EXTRA_CA_CERTS, which Node reads when it starts.
 */
async function watch(scene: Scene, root: string, seen: () => SeenRequest[]): Promise<Row[]> {
  const { HTTPS_PROXY: _, https_proxy: __, ALL_PROXY: ___, all_proxy: ____, ...env } = process.env;
  const caller = fork(process.argv[1]!, ['demo-calls'], { env: { ...env, NODE_EXTRA_CA_CERTS: root } });
  const rows: Row[] = [];
  caller.on('message', (call: Call) => {
    const requests = seen();
    rows.push({
      ...call,
      seen: requests.map((request) => ({
        port: request.port,
        subject: request.clientCertificate?.commonName ?? null,
        protocol: request.protocol,
        resumed: request.resumed,
      })),
      asExpected:
        call.error === undefined &&
        requests.length === call.expected.length &&
        requests.every(
          (request, index) => (request.clientCertificate?.commonName ?? null) === call.expected[index],
        ),
    });
    caller.send('next');
  });
  caller.send(scene);
  const [code] = await once(caller, 'exit');
  if (code === UNAVAILABLE) throw new ClientMissing();
  if (code !== 0) throw new Error(`the calls ended with exit code ${code}`);
  return rows;
}
