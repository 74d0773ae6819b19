import type { Foreign } from './holdings.ts';
import { Problem } from './problem.ts';

type ForeignKind =
  | 'request'
  | 'revocationList'
  | 'publicKey'
  | 'openssh'
  | 'sshPublicKey'
  | 'putty'
  | 'pgp'
  | 'html'
  | 'xml'
  | 'bks'
  | 'bcfks'
  | 'nss'
  | 'pvk'
  | 'sst'
  | 'zip'
  | 'gzip'
  | 'pdf'
  | 'keychain'
  | 'jwk'
  | 'json'
  | 'kubernetes'
  | 'envelopedData'
  | 'message'
  | 'parameters';

/** What people hand over by mistake, and the command or step that gets them what they meant. */
export const foreign: Record<ForeignKind, Foreign> = {
  request: {
    what: 'a certificate request (CSR), not a certificate',
    hint: 'Send it to the certificate authority; what comes back is the certificate to name here.',
  },
  revocationList: {
    what: 'a certificate revocation list (CRL)',
    hint: 'Name the certificate and its private key instead.',
  },
  publicKey: {
    what: 'a public key, not a private key or certificate',
    hint: 'Name the private key file that it was made from, and the certificate.',
  },
  openssh: {
    what: 'an OpenSSH private key',
    hint: 'Convert a copy of it: ssh-keygen -p -m PKCS8 -f KEYFILE (RSA and ECDSA). SSH keys rarely belong to a TLS certificate; check that this is the right file.',
  },
  sshPublicKey: {
    what: 'an SSH public key',
    hint: 'TLS needs a certificate (PEM, DER or PFX) and its private key; SSH keys have no certificate.',
  },
  putty: {
    what: 'a PuTTY private key (.ppk)',
    hint: 'Convert it: puttygen KEY.ppk -O private-openssh -o key, then ssh-keygen -p -m PKCS8 -f key.',
  },
  pgp: {
    what: 'an OpenPGP block',
    hint: 'OpenPGP keys do not serve TLS. If it is an encrypted message, decrypt it first: gpg --decrypt FILE.',
  },
  html: {
    what: 'an HTML page, not a certificate',
    hint: 'The download was answered with a web page, often a sign-in or error page: open it in a browser, sign in, and save the certificate again.',
  },
  xml: {
    what: 'an XML document',
    hint: 'Take the base64 text out of its X509Certificate element, and find the private key that belongs to it.',
  },
  bks: {
    what: 'a Bouncy Castle keystore (BKS or UBER)',
    hint: 'Convert it: keytool -importkeystore -srckeystore FILE -srcstoretype BKS -destkeystore client.p12 -deststoretype PKCS12 -provider org.bouncycastle.jce.provider.BouncyCastleProvider -providerpath bcprov.jar.',
  },
  bcfks: {
    what: 'a Bouncy Castle FIPS keystore (BCFKS)',
    hint: 'Convert it: keytool -importkeystore -srckeystore FILE -srcstoretype BCFKS -destkeystore client.p12 -deststoretype PKCS12 -provider org.bouncycastle.jcajce.provider.BouncyCastleFipsProvider -providerpath bc-fips.jar.',
  },
  nss: {
    what: 'an SQLite database, such as the certificate store of NSS or Firefox (cert9.db)',
    hint: 'Export the identity from it: pk12util -o client.p12 -n NICKNAME -d sql:DIRECTORY.',
  },
  pvk: {
    what: 'a Microsoft private key file (.pvk)',
    hint: 'Convert it: openssl rsa -inform PVK -in FILE -out key.pem.',
  },
  sst: {
    what: 'a Microsoft serialized certificate store (.sst)',
    hint: 'Open it in certmgr.msc and export the certificate with its private key as PFX.',
  },
  zip: {
    what: 'a ZIP archive',
    hint: 'Unpack it and name the certificate file inside.',
  },
  gzip: {
    what: 'a gzip archive',
    hint: 'Unpack it and name the certificate file inside: tar -xzf FILE, or gunzip FILE.',
  },
  pdf: { what: 'a PDF document', hint: 'Name the certificate file that came with it.' },
  keychain: {
    what: 'a macOS keychain',
    hint: 'Export the identity as .p12 from Keychain Access, or: security export -k FILE -t identities -f pkcs12 -o client.p12.',
  },
  jwk: {
    what: 'a JSON Web Key',
    hint: 'Ask for the certificate and its private key as PEM or PFX; a JWK has no certificate that TLS could present.',
  },
  json: {
    what: 'a JSON document',
    hint: 'Take the certificate and key out of it; for a Kubernetes secret: kubectl get secret NAME -o jsonpath="{.data.tls\\.crt}" | base64 -d.',
  },
  kubernetes: {
    what: 'a Kubernetes manifest',
    hint: 'Mount the secret and write { dir: … }, or take one value out: kubectl get secret NAME -o jsonpath="{.data.tls\\.crt}" | base64 -d.',
  },
  envelopedData: {
    what: 'an encrypted message (PKCS#7 EnvelopedData), not a certificate file',
    hint: 'Decrypt it first: openssl cms -decrypt -inform DER -in FILE -recip CERT -inkey KEY.',
  },
  message: {
    what: 'a PKCS#7 message without certificates',
    hint: 'Ask for the certificate as .cer, .p7b or .pfx.',
  },
  parameters: {
    what: 'key parameters without a key',
    hint: 'Name the file that holds the private key.',
  },
};

/** Refuses by name what is recognised and of no use. */
export function refuse({ what, hint }: Foreign): Problem {
  return new Problem('FORMAT_UNSUPPORTED', `is ${what}`, hint);
}

/** PEM labels of blocks that hold neither key nor certificate. */
export function foreignLabel(label: string): Foreign | undefined {
  return foreignLabels.find(([pattern]) => pattern.test(label))?.[1];
}

const foreignLabels: readonly (readonly [RegExp, Foreign])[] = [
  [/^OPENSSH PRIVATE KEY$/, foreign.openssh],
  [/^SSH2 /, foreign.sshPublicKey],
  [/^PGP /, foreign.pgp],
  [/^(?:NEW )?CERTIFICATE REQUEST$/, foreign.request],
  [/^X509 CRL$/, foreign.revocationList],
  [/PUBLIC KEY$/, foreign.publicKey],
  [/PARAMETERS$/, foreign.parameters],
];

/** First bytes of binary files that are refused. */
export const foreignMagic: readonly (readonly [magic: Buffer, Foreign])[] = [
  [Buffer.from('SQLite format 3\0'), foreign.nss],
  [Buffer.from('PK\x03\x04'), foreign.zip],
  [Buffer.from([0x1f, 0x8b]), foreign.gzip],
  [Buffer.from('%PDF-'), foreign.pdf],
  [Buffer.from('kych'), foreign.keychain],
  [Buffer.from([0x1e, 0xf1, 0xb5, 0xb0]), foreign.pvk],
  [Buffer.from('\0\0\0\0CERT', 'latin1'), foreign.sst],
  [Buffer.from([0, 0, 0, 1, 0, 0, 0, 20]), foreign.bks],
  [Buffer.from([0, 0, 0, 2, 0, 0, 0, 20]), foreign.bks],
  // "openssh-key-v1", without its armour.
  [Buffer.from('openssh-key-v1\0'), foreign.openssh],
];

/** Starts of texts that are refused, on the text without leading blanks. */
export const foreignText: readonly (readonly [pattern: RegExp, Foreign])[] = [
  [/^PuTTY-User-Key-File-/, foreign.putty],
  [/^(?:ssh-(?:rsa|dss|ed25519|ed448)|ecdsa-sha2-\S+|sk-\S+@openssh\.com)\s+AAAA/, foreign.sshPublicKey],
  [/^---- BEGIN SSH2/, foreign.sshPublicKey],
  [/^<(?:!doctype html|html|head|body|!--)/i, foreign.html],
  [/^<\?xml[\s\S]{0,300}<html/i, foreign.html],
  [/^<(?:\?xml|\w)/, foreign.xml],
  [/^\{[\s\S]{0,4000}"kty"\s*:/, foreign.jwk],
  [/^[{[]/, foreign.json],
  [/^(?:---\s+)?(?:apiVersion|kind|metadata|data):\s/, foreign.kubernetes],
];
