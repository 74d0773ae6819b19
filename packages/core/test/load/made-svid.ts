import { generateKeyPairSync, sign } from 'node:crypto';
import { BIT_STRING, encode, encodeOid, OCTET_STRING, SEQUENCE } from '../../src/load/der.ts';

const sequence = (...parts: readonly Uint8Array[]) => encode(SEQUENCE, ...parts);

/** An extension: its object identifier, and what it holds in DER. */
export type ExtensionParts = readonly [id: string, value: Uint8Array];

/** The extensions of a certificate, each as one would write it by hand. */
export const extensions = {
  names: (...names: readonly Uint8Array[]) => ['2.5.29.17', sequence(...names)] as const,
  keyUsage: (bits: number) => ['2.5.29.15', encode(BIT_STRING, Buffer.from([1, bits]))] as const,
  constraints: (...parts: readonly Uint8Array[]) => ['2.5.29.19', sequence(...parts)] as const,
};

export const uri = (text: string | Uint8Array): Buffer => encode(0x86, Buffer.from(text as string, 'latin1'));
export const dns = (text: string): Buffer => encode(0x82, Buffer.from(text, 'latin1'));
/** The same with its low tag number written as high ones are, as OpenSSL reads it too. */
export const longTag = (element: Buffer, ...padding: number[]): Buffer =>
  Buffer.from([element[0]! | 0x1f, ...padding, element[0]! & 0x1f, ...element.subarray(1)]);
export const TRUE: Buffer = encode(0x01, Buffer.from([0xff]));

interface Made {
  cert: string;
  key: string;
  raw: Buffer;
}

/** A certificate with any extensions, signed by its own key: what no authority of the tests issues. */
export function makeSvid(...given: ExtensionParts[]): Made {
  const name = Buffer.from('spiffe://bank.example/payments');
  return make(encode(0x31, sequence(encodeOid('2.5.4.3'), encode(0x0c, name))), given);
}

/** The same without a subject. */
export function makeNameless(...given: ExtensionParts[]): Made {
  return make(Buffer.alloc(0), given);
}

function make(names: Buffer, given: ExtensionParts[]): Made {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(encodeOid('1.2.840.10045.4.3.2'));
  const name = sequence(names);
  const date = (days: number) => {
    const text = new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]/g, '').slice(2, 14);
    return encode(0x17, Buffer.from(`${text}Z`));
  };
  const signed = sequence(
    encode(0xa0, encode(2, Buffer.from([2]))),
    encode(2, Buffer.from([7])),
    algorithm,
    name,
    sequence(date(-1), date(300)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(given.length === 0
      ? []
      : [
          encode(
            0xa3,
            sequence(...given.map(([id, value]) => sequence(encodeOid(id), encode(OCTET_STRING, value)))),
          ),
        ]),
  );
  const signature = encode(BIT_STRING, Buffer.from([0]), sign('sha256', signed, privateKey));
  const raw = sequence(signed, algorithm, signature);
  const armour = raw.toString('base64').replace(/.{1,64}/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${armour}-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    raw,
  };
}
