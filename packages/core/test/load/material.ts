import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { bytesOf } from './manifest.ts';

/** Pieces of the fixtures, as DER and PEM, to build odd files from. */

export const passphrase = 'Passw0rd!';

/** leaf, issuing CA, policy CA, root. */
export const chain: X509Certificate[] = splitPem(bytesOf('pem/reversed.pem').toString())
  .map((pem) => new X509Certificate(pem))
  .reverse();
export const leaf: X509Certificate = chain[0]!;
export const root: X509Certificate = chain[3]!;
export const rsaKey: KeyObject = createPrivateKey(bytesOf('pem/rsa2048.pkcs1.key'));
export const ecKey: KeyObject = createPrivateKey(bytesOf('pem/p256.p8.key'));
export const ecLeaf: X509Certificate = new X509Certificate(bytesOf('der/p256.cer'));

export const pkcs8 = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'pkcs8' });
export const pem = (certificate: X509Certificate): string => certificate.toString();
export const keyPem: string = rsaKey.export({ format: 'pem', type: 'pkcs8' }).toString();
export const identityPem: string = keyPem + pem(leaf) + pem(chain[1]!) + pem(chain[2]!);

function splitPem(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

/** Error codes without their prefix. */
export async function codeOf(reading: Promise<unknown>): Promise<string> {
  try {
    await reading;
    return 'none';
  } catch (error) {
    const { name, code } = error as { name: string; code: string };
    return name === 'ClientCertificateError' ? code.replace('ERR_CLIENTCERT_', '') : `not ours: ${error}`;
  }
}
