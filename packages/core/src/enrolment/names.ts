import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { der, oid, partsOf, sequence } from './der.ts';

/** A Name that is a common name alone, in DER. */
export function commonName(text: string): Buffer {
  return sequence(der(0x31, commonNameAs(0x0c, text)));
}

/** Whether a certificate has this common name, in whatever type of string, and these alternative names. */
export function isFor({ raw }: X509Certificate, text: string, names: readonly string[]): boolean {
  const { subject, extensions } = partsOf(raw);
  if (![0x0c, 0x13, 0x14, 0x16].some((type) => subject.includes(commonNameAs(type, text)))) return false;
  const found = extensions.get(subjectAltName) ?? Buffer.alloc(0);
  return names.every((name) => found.includes(generalName(name)));
}

const commonNameAs = (type: number, text: string) => sequence(oid('2.5.4.3'), der(type, Buffer.from(text)));

/** What an alternative name is, by its form. */
export function kindOf(name: string): 'ip' | 'uri' | 'email' | 'host' {
  if (isIP(name) !== 0) return 'ip';
  if (/^(?:[a-z][a-z0-9+.-]*:\/\/|urn:)/i.test(name)) return 'uri';
  return name.includes('@') ? 'email' : 'host';
}

/** Tags of GeneralName, RFC 5280, section 4.2.1.6. */
const tags = { email: 0x81, host: 0x82, uri: 0x86, ip: 0x87 } as const;

const subjectAltName = '2.5.29.17';
const extKeyUsage = '2.5.29.37';
const clientAuth = sequence(oid('1.3.6.1.5.5.7.3.2'));

/**
 * What a request for a client's certificate asks for, by OID, each in DER.
 *
 * @param names Alternative names; where there are none, those that stand in `old`.
 * @param old Of the certificate that is renewed: what says who the holder is and what for is taken over.
 */
export function clientExtensions(
  names: readonly string[],
  old?: ReadonlyMap<string, Uint8Array>,
): Map<string, Uint8Array> {
  const wanted = new Map<string, Uint8Array>();
  for (const id of takenOver) {
    const value = old?.get(id);
    if (value) wanted.set(id, value);
  }
  if (!wanted.has(extKeyUsage)) wanted.set(extKeyUsage, clientAuth);
  if (names.length > 0) wanted.set(subjectAltName, sequence(...names.map(generalName)));
  return wanted;
}

/** Alternative names, usages, and what a qualified certificate says of itself; an authority adds the rest by itself. */
const takenOver = [subjectAltName, '2.5.29.15', extKeyUsage, '1.3.6.1.5.5.7.1.3'];

function generalName(name: string): Buffer {
  const kind = kindOf(name);
  return der(tags[kind], kind === 'ip' ? addressOf(name) : Buffer.from(name, 'latin1'));
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
