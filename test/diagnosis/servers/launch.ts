import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Authority } from '@clientcert/testing';
import { freePort } from '../../spawned.ts';

/** What answers on loopback. */
export interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** Whose certificates a server takes. */
export interface Demand {
  /** Trusted: its root, and no intermediate. */
  readonly authority: Authority;
  /** Revocation lists, PEM. */
  readonly revoked: readonly string[];
}

/** A server that is installed on this machine, or is not. */
export interface RealServer {
  /** As its makers write it. */
  readonly name: string;
  /** What it runs; `undefined` where that is not installed. */
  readonly program: string | undefined;
  /** Demands a certificate in every handshake, over TLS 1.2 and 1.3. */
  start(demand: Demand): Promise<Listening>;
}

/** A folder with `server.crt`, `server.key`, `root.crt` and `revoked.crl`, and the port to listen on. */
export interface Place {
  readonly folder: string;
  readonly port: number;
}

/**
 * Starts a program in a folder of its own, waits until it listens, and ends it by its process id.
 *
 * @throws Error with all that it wrote, where it ends before that, or does not listen in half a minute.
 */
export async function launch(
  { authority, revoked }: Demand,
  run: (place: Place) => ChildProcess,
): Promise<Listening> {
  const folder = mkdtempSync(join(tmpdir(), 'clientcert-server-'));
  const { cert, key } = await authority.issue({ name: 'server', hosts: ['127.0.0.1'], usage: 'server' });
  const files = {
    'server.crt': cert,
    'server.key': key,
    'root.crt': authority.certificate,
    'revoked.crl': revoked.join(''),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const port = await freePort();
  const child = run({ folder, port });
  const ended = once(child, 'exit');
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (log += chunk));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; !(await isListening(port)); tries++) {
    if (tries > 300 || child.exitCode !== null) {
      await stop();
      throw new Error(`it does not start: ${log}`);
    }
    await pause(100);
  }
  return { port, [Symbol.asyncDispose]: stop };
}

/** Spawns with its output to be read. */
export function run(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  socket.destroy();
  return isOpen;
}

/** The program itself, where it runs and says its version. */
export function find(program: string, ...version: string[]): string | undefined {
  try {
    execFileSync(program, version, { stdio: 'ignore' });
    return program;
  } catch {
    return undefined;
  }
}
