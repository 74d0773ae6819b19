import { generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { der, oid, pem, sequence } from './der.ts';
import type { KeyType } from './options.ts';

const generate = promisify(generateKeyPair);

/** RFC 8017, appendix C; RFC 5758, section 3.2. */
const rsa = { hash: 'sha256', algorithm: sequence(oid('1.2.840.113549.1.1.11'), der(0x05)) };
const makers: Readonly<
  Record<
    KeyType,
    {
      hash: string;
      algorithm: Buffer;
      make(): Promise<{ privateKey: KeyObject; publicKey: KeyObject }>;
    }
  >
> = {
  'p-256': {
    hash: 'sha256',
    algorithm: sequence(oid('1.2.840.10045.4.3.2')),
    make: () => generate('ec', { namedCurve: 'P-256' }),
  },
  'p-384': {
    hash: 'sha384',
    algorithm: sequence(oid('1.2.840.10045.4.3.3')),
    make: () => generate('ec', { namedCurve: 'P-384' }),
  },
  'rsa-2048': { ...rsa, make: () => generate('rsa', { modulusLength: 2048 }) },
  'rsa-3072': { ...rsa, make: () => generate('rsa', { modulusLength: 3072 }) },
  'rsa-4096': { ...rsa, make: () => generate('rsa', { modulusLength: 4096 }) },
};

/** A new key, and a request (PKCS #10, RFC 2986) for a certificate of it, both in PEM. */
export async function createRequest(
  type: KeyType,
  commonName: string,
  names: readonly string[],
): Promise<{ key: string; csr: string }> {
  const { hash, algorithm, make } = makers[type];
  const { privateKey, publicKey } = await make();
  const subject = sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(commonName)))));
  const extensions = [
    [oid('2.5.29.37'), sequence(oid('1.3.6.1.5.5.7.3.2'))],
    ...(names.length > 0 ? [[oid('2.5.29.17'), sequence(...names.map(generalName))]] : []),
  ].map(([id, value]) => sequence(id!, der(0x04, value!)));
  const requested = sequence(oid('1.2.840.113549.1.9.14'), der(0x31, sequence(...extensions)));
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const info = sequence(der(0x02, Buffer.from([0])), subject, spki, der(0xa0, requested));
  const signature = der(0x03, Buffer.from([0]), sign(hash, info, privateKey));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    csr: pem('CERTIFICATE REQUEST', sequence(info, algorithm, signature)),
  };
}

/** What an alternative name is, by its form. */
export function kindOf(name: string): 'ip' | 'uri' | 'host' {
  if (isIP(name) !== 0) return 'ip';
  return /^[a-z][a-z0-9+.-]*:/i.test(name) ? 'uri' : 'host';
}

/** RFC 5280, section 4.2.1.6. */
function generalName(name: string): Buffer {
  const kind = kindOf(name);
  if (kind === 'ip') return der(0x87, addressOf(name));
  return der(kind === 'uri' ? 0x86 : 0x82, Buffer.from(name, 'latin1'));
}

/** The four bytes of an IPv4 address, or the sixteen of an IPv6 one. */
function addressOf(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = plainIpv6(address).split('::');
  const groups = (text: string | undefined) =>
    text ? text.split(':').map((each) => Number.parseInt(each, 16)) : [];
  const [before, after] = [groups(head), groups(tail)];
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** Without a dotted end (`::ffff:192.0.2.1`). */
function plainIpv6(address: string): string {
  return address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts) => {
    const [a, b, c, d] = parts.slice(0, 4).map(Number) as [number, number, number, number];
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
}
