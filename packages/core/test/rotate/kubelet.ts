import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { IssuedCertificate } from '@clientcert/testing';
import { engines } from '../../../../scripts/engines.mjs';

/** Whether the kubelet's own writer of mounted secrets is there. */
export const isThere = existsSync(engines.kubeletWriter);
if (!isThere)
  console.warn(
    "The kubelet's writer is not there, so nothing is mounted by it: node scripts/engines.mjs builds it",
  );

/** Where secrets are mounted: in memory, where there is a file system for that. */
export const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** The data of a secret: names and texts. */
export type Secret = Readonly<Record<string, string>>;

/** A secret of type `kubernetes.io/tls`, as cert-manager fills it. */
export const secretOf = ({ fullChain, key, ca }: IssuedCertificate): Secret => ({
  'tls.crt': fullChain,
  'tls.key': key,
  'ca.crt': ca,
});

/**
 * Mounts a secret into a directory, and keeps it as it is told, as the kubelet does.
 *
 * @param options `mode` is the volume's `defaultMode`, octal; `group` the pod's `fsGroup`.
 */
export function startKubelet(
  directory: string,
  { mode = '0440', group }: { mode?: string; group?: number } = {},
) {
  const args = [directory, mode, ...(group === undefined ? [] : [String(group)])];
  const writer: ChildProcessByStdio<Writable, Readable, null> = spawn(engines.kubeletWriter, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(writer, 'close').then(() => Promise.reject(new Error('the writer has ended')));
  ended.catch(() => {});
  const lines = createInterface({ input: writer.stdout });
  return {
    /** Resolves when it is written; one at a time. */
    async write(secret: Secret): Promise<void> {
      writer.stdin.write(`${JSON.stringify(secret)}\n`);
      await Promise.race([once(lines, 'line'), ended]);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      writer.stdin.end();
      await ended.catch(() => {});
    },
  };
}
