import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Authority } from '@clientcert/testing';
import { freePort, untilSaid } from '../../test/spawned.ts';

/** A PostgreSQL server on loopback that lets in who presents a certificate of the authority. */
export interface Postgres extends AsyncDisposable {
  readonly port: number;
}

/** Where PostgreSQL's programs are, or `undefined` where it is not installed. */
export function findPostgres(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...(existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : []),
  ];
  return folders.find((folder) =>
    ['initdb', 'postgres'].every((program) => existsSync(join(folder, program))),
  );
}

/**
 * Starts one with the database `ledger` and the user `bank`, who comes over TLS with a certificate of that
 * common name, and nobody else.
 */
export async function startPostgres(folder: string, authority: Authority, host: string): Promise<Postgres> {
  const directory = mkdtempSync(join(tmpdir(), 'clientcert-postgres-'));
  const user = unprivilegedUser();
  const as = user ? { uid: user.uid, gid: user.gid } : {};
  if (user) chownSync(directory, user.uid, user.gid);
  const data = join(directory, 'data');
  const options = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '--no-instructions'];
  execFileSync(join(folder, 'initdb'), options, { ...as, cwd: directory, stdio: 'ignore' });

  const { cert, key } = await authority.issue({ name: host, hosts: [host], usage: 'server' });
  const port = await freePort();
  const files = {
    'server.crt': cert,
    'server.key': key,
    'root.crt': authority.certificate,
    'pg_hba.conf': 'hostssl ledger bank 127.0.0.1/32 cert\n',
    'postgresql.auto.conf': `listen_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = ''
ssl = on\nssl_ca_file = 'root.crt'\nfsync = off\n`,
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(data, name), content, { mode: 0o600 });
    if (user) chownSync(join(data, name), user.uid, user.gid);
  }
  const sql = 'CREATE DATABASE ledger;\n\nCREATE ROLE bank LOGIN;\n';
  const single = ['--single', '-D', data, 'postgres'];
  execFileSync(join(folder, 'postgres'), single, { ...as, cwd: directory, input: sql, stdio: 'pipe' });

  const server = spawn(join(folder, 'postgres'), ['-D', data], { ...as, cwd: directory });
  await untilSaid(server, /ready to accept connections/);
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.kill('SIGINT');
      await once(server, 'exit');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
