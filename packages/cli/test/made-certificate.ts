import { generateKeyPairSync, sign } from 'node:crypto';
import { der, oid, pem, sequence } from '@clientcert/core/enrolment';
import { parseSubject } from '../src/distinguished-name.ts';

/** A certificate with any extensions, and its key, in one PEM text: what no authority of the tests issues. With `spki`, for another key. */
export function makeCertificate(
  subject: string,
  issuer: string,
  extensions: readonly (readonly [id: string, value: Buffer])[],
  spki?: Buffer,
): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
  const date = (days: number) => {
    const text = new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]/g, '').slice(2, 14);
    return der(0x17, Buffer.from(`${text}Z`));
  };
  const signed = sequence(
    der(0xa0, der(2, Buffer.from([2]))),
    der(2, Buffer.from([7])),
    algorithm,
    nameOf(issuer),
    sequence(date(-1), date(300)),
    nameOf(subject),
    spki ?? publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions.map(([id, value]) => sequence(oid(id), der(4, value))))),
  );
  const signature = der(3, Buffer.from([0]), sign('sha256', signed, privateKey));
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  return pem('CERTIFICATE', sequence(signed, algorithm, signature)) + key;
}

function nameOf(text: string): Buffer {
  return text === '' ? sequence() : parseSubject(text);
}

export function usages(...ids: readonly string[]): readonly [string, Buffer] {
  return ['2.5.29.37', sequence(...ids.map(oid))];
}
