import { X509Certificate } from 'node:crypto';
import type { FileSource } from '@clientcert/core';
import { UsageError } from '../command.ts';
import { type Entry, P11Tool } from './p11tool.ts';
import { attributeOf, keyUri } from './tokens.ts';

/** How a token is reached, and what opens it. */
export interface TokenOptions {
  module?: string;
  engine?: string;
  pinEnv?: string;
  pinFile?: string;
}

/** What a token shows of one key without a PIN. */
export interface TokenObject {
  /** What `key` in a config is. */
  readonly key: string;
  /** What p11tool calls it: `RSA-2048`. */
  readonly type: string;
  readonly label: string;
  /** PEM; `undefined` where the token holds the key alone. */
  readonly certificate: string | undefined;
}

/** Looks up the one key that a PKCS#11 URI names, or the certificate that has its id. */
export async function findOnToken(uri: string, { module }: TokenOptions): Promise<TokenObject> {
  if (/[;?&]pin-value=/i.test(uri))
    throw new UsageError(
      'the PKCS#11 URI holds a PIN, which every process on this machine can read on a command line',
      'Leave it out. To have the key tried: --pin-env NAME or --pin-file FILE.',
    );
  const tool = new P11Tool(module);
  const entries = await tool.objects({ uri: uri.trim().replace(/[;?&](?:type|pin-source)=[^;?&]*/gi, '') });
  const keys = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (!['cert', 'public', 'private'].includes(attributeOf(entry.uri, 'type') ?? '')) continue;
    const place = attributeOf(entry.uri, 'id') ?? `object ${attributeOf(entry.uri, 'object')}`;
    keys.set(place, [...(keys.get(place) ?? []), entry]);
  }
  const [found, ...more] = [...keys.values()];
  if (found === undefined)
    throw new UsageError(
      'no token shows what this PKCS#11 URI names',
      'See what there is: clientcert tokens MODULE. Name the module here as well: --module MODULE.',
    );
  if (more.length > 0)
    throw new UsageError(
      `this PKCS#11 URI names ${more.length + 1} keys: ${[found, ...more].map((each) => keyOf(each)).join(', ')}`,
      'Name one of them.',
    );
  const certificate = found.find((entry) => attributeOf(entry.uri, 'type') === 'cert');
  const [first] = found;
  return {
    key: keyOf(found),
    type: typeOf(found.find((entry) => entry !== certificate) ?? first!),
    label: first!.fields.get('Label') ?? '',
    certificate: certificate && new X509Certificate(await tool.certificate(certificate)).toString(),
  };
}

function keyOf([first]: readonly Entry[]): string {
  const [token, id, object] = ['token', 'id', 'object'].map((name) => attributeOf(first!.uri, name));
  return keyUri(token, id, object);
}

function typeOf({ fields }: Entry): string {
  return /\((.*)\)/.exec(fields.get('Type') ?? '')?.[1] ?? 'unknown';
}

/** What is said of a token in a source, where its key is to be tried. */
export function openingOf({ engine, pinEnv, pinFile }: TokenOptions): Pick<FileSource, 'engine' | 'pin'> {
  if (pinEnv !== undefined && pinFile !== undefined)
    throw new UsageError('a PIN is given twice', 'Keep --pin-env or --pin-file.');
  return {
    ...(engine !== undefined && { engine }),
    ...(pinEnv !== undefined && { pin: { env: pinEnv } }),
    ...(pinFile !== undefined && { pin: { file: pinFile } }),
  };
}
