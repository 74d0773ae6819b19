import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Authority } from '@clientcert/testing';
import { freePort } from '../spawned.ts';

/** What answers on loopback. */
export interface Listening extends AsyncDisposable {
  readonly port: number;
  /** All that it wrote so far, in the order in which it wrote it. */
  log(): string;
}

/** Whose certificates a server takes, and when it asks for them. */
export interface Demand {
  /** Trusted: its root, and no intermediate. */
  readonly authority: Authority;
  /** Revocation lists, PEM; none is looked at unless given. */
  readonly revoked?: readonly string[];
  /** In each handshake, unless written; `by path`: below `/private`, and so after the handshake. */
  readonly asks?: Asking;
  /** TLS 1.0 and 1.1 as well, with the keys and hashes of their time. */
  readonly legacy?: boolean;
}

export type Asking = 'required' | 'optional' | 'by path';

/** A server that is installed on this machine, or is not. */
export interface RealServer {
  /** As its makers write it. */
  readonly name: string;
  /** What it runs; `undefined` where that is not installed. */
  readonly program: string | undefined;
  /** What prints its version. */
  readonly version: readonly string[];
  /** When it can ask for a certificate. */
  readonly asks: readonly Asking[];
  readonly http2?: boolean;
  /** Answers each path with `hello`, over TLS 1.2 and 1.3. */
  start(demand: Demand): Promise<Listening>;
  /** Whom it says it saw, in what it wrote. */
  read(log: string): Seen[];
}

/** A request or a handshake that a server took, in its own words. */
export interface Seen {
  readonly tls: string;
  /** The common name; empty where it saw no certificate. */
  readonly name: string;
  /** `HTTP/1.1` or `HTTP/2.0`, where it says that. */
  readonly http?: string;
}

/** A folder with `server.crt`, `server.key`, `root.crt` and `revoked.crl`, and the port to listen on. */
export interface Place {
  readonly folder: string;
  readonly port: number;
  /** Where a server that has log files is to write: what it prints goes there as well. */
  readonly log: string;
}

/**
 * Starts a program in a folder of its own, waits until it listens, and ends it by its process id.
 *
 * @param command Writes what the program reads into the folder, and says how it is called.
 * @throws Error with all that it wrote, where it ends before that, or does not listen in half a minute.
 */
export async function launch(
  { authority, revoked }: Pick<Demand, 'authority' | 'revoked'>,
  command: (place: Place) => [program: string, ...args: string[]],
): Promise<Listening> {
  const folder = mkdtempSync(join(tmpdir(), 'clientcert-server-'));
  const { cert, key } = await authority.issue({ name: 'server', hosts: ['127.0.0.1'], usage: 'server' });
  const files = {
    'server.crt': cert,
    'server.key': key,
    'root.crt': authority.certificate,
    'revoked.crl': revoked?.join('') ?? '',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const port = await freePort();
  const path = join(folder, 'server.log');
  const [program, ...args] = command({ folder, port, log: path });
  const output = openSync(path, 'a');
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = once(child, 'exit');
  const log = () => readFileSync(path, 'utf8');
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; !(await isListening(port)); tries++) {
    if (tries > 300 || child.exitCode !== null) {
      const written = log();
      await stop();
      throw new Error(`it does not start: ${written}`);
    }
    await pause(100);
  }
  return { port, log, [Symbol.asyncDispose]: stop };
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
