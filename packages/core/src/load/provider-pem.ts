/** The PEM block that pkcs11-provider reads in place of a key. */
export const pkcs11Label = 'PKCS#11 PROVIDER URI';
/** That in which tpm2-openssl and its like keep what only one TPM can use. */
export const tpmLabel = 'TSS2 PRIVATE KEY';
const marker = 'PKCS#11 Provider URI v1.0';

/** `SEQUENCE { VisibleString, UTF8String }`, which pkcs11-provider's `uri2pem` writes as well. */
export function wrapPkcs11Uri(uri: string): string {
  const named = element(0x0c, uri);
  const marked = element(0x1a, marker);
  const all = Buffer.concat([header(0x30, marked.length + named.length), marked, named]);
  const pem = toPem(pkcs11Label, all.toString('base64'));
  // A PIN may be in it, and these share their memory with other Buffers.
  for (const bytes of [named, all]) bytes.fill(0);
  return pem;
}

/** RFC 7468. */
export function toPem(label: string, base64: string): string {
  return `-----BEGIN ${label}-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;
}

/** The URI in the bytes of such a block. */
export function pkcs11UriIn(bytes: Buffer): string {
  return /pkcs11:[\x21-\x7e]*/.exec(bytes.toString('latin1'))?.[0] ?? '';
}

function element(tag: number, text: string): Buffer {
  const head = header(tag, text.length);
  const bytes = Buffer.concat([head], head.length + text.length);
  bytes.write(text, head.length, 'latin1');
  return bytes;
}

/** X.690, section 8.1.3. */
function header(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.from([tag, length]);
  return length < 0x100
    ? Buffer.from([tag, 0x81, length])
    : Buffer.from([tag, 0x82, length >> 8, length & 0xff]);
}
