import type { Foreign } from './file-contents.ts';
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
  | 'tpm'
  | 'pvk'
  | 'sst'
  | 'keyBlob'
  | 'dpapi'
  | 'ibm'
  | 'oracle'
  | 'berkeley'
  | 'keepass'
  | 'java'
  | 'zip'
  | 'gzip'
  | 'sevenZip'
  | 'archive'
  | 'encrypted'
  | 'vault'
  | 'office'
  | 'program'
  | 'image'
  | 'propertyList'
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
  tpm: {
    what: 'a key that a TPM holds (TSS2)',
    hint: 'Only that TPM can use it: through its PKCS#11 module, or an OpenSSL provider (tpm2-openssl).',
  },
  pvk: {
    what: 'a Microsoft private key file (.pvk)',
    hint: 'Convert it: openssl rsa -inform PVK -in FILE -out key.pem.',
  },
  sst: {
    what: 'a Microsoft serialized certificate store (.sst)',
    hint: 'Open it in certmgr.msc and export the certificate with its private key as PFX.',
  },
  keyBlob: {
    what: 'a Microsoft key blob (CryptoAPI or CNG), a key without a certificate',
    hint: 'Export the certificate with its private key as PFX: certmgr.msc, "Yes, export the private key".',
  },
  dpapi: {
    what: 'a Windows key file, sealed for one user or machine (DPAPI)',
    hint: 'It opens on that Windows alone: export the certificate with its private key as PFX there, with certmgr.msc or Export-PfxCertificate.',
  },
  ibm: {
    what: 'an IBM key database (CMS, .kdb)',
    hint: 'Export the identity from it: gskcapicmd -cert -export -db FILE -stashed -label LABEL -type cms -target client.p12 -target_type pkcs12 (IBM MQ: runmqakm with the same options).',
  },
  oracle: {
    what: 'an Oracle auto-login wallet (cwallet.sso)',
    hint: 'Name the ewallet.p12 beside it, which is PKCS#12, with its passphrase. Where there is none: orapki wallet pkcs12_to_jks, or create the wallet again without -auto_login_only.',
  },
  berkeley: {
    what: 'a Berkeley DB file, such as the old certificate store of NSS or Firefox (cert8.db, key3.db)',
    hint: 'Export the identity from it: pk12util -o client.p12 -n NICKNAME -d dbm:DIRECTORY.',
  },
  keepass: {
    what: 'a KeePass database',
    hint: 'Save the certificate file that is attached to its entry, and name that.',
  },
  java: {
    what: 'a serialised Java object',
    hint: 'Ask for the keystore itself: .p12, .jks or .jceks.',
  },
  zip: {
    what: 'a ZIP archive',
    hint: 'Unpack it and name the certificate file inside.',
  },
  gzip: {
    what: 'a gzip archive',
    hint: 'Unpack it and name the certificate file inside: tar -xzf FILE, or gunzip FILE.',
  },
  sevenZip: {
    what: 'a 7-Zip archive',
    hint: 'Unpack it and name the certificate file inside: 7z x FILE.',
  },
  archive: {
    what: 'an archive',
    hint: 'Unpack it and name the certificate file inside.',
  },
  encrypted: {
    what: 'a file that was encrypted as a whole (openssl enc, age, git-crypt)',
    hint: 'Decrypt it first, and name what comes out: openssl enc -d …, age -d FILE, git-crypt unlock.',
  },
  vault: {
    what: 'an Ansible vault',
    hint: 'Decrypt it first: ansible-vault decrypt --output client.pem FILE.',
  },
  office: {
    what: 'an Office document or another OLE file',
    hint: 'Name the certificate file that came with it.',
  },
  program: { what: 'a program', hint: 'Name the certificate file that it installs or exports.' },
  image: { what: 'an image', hint: 'Name the certificate file that came with it.' },
  propertyList: {
    what: 'an Apple property list or profile',
    hint: 'Take the PKCS#12 data out of its payload (base64 -d), or export the identity from Keychain Access as .p12.',
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

/** Whether a PEM block with this label has to hold what is read here; a damaged one is an error. */
export function isOwnLabel(label: string): boolean {
  return /^(?:(?:X509 |TRUSTED )?CERTIFICATE|(?:RSA |EC |DSA |ENCRYPTED |ANY )?PRIVATE KEY|PKCS ?#?7|CMS)$/.test(
    label,
  );
}

/** What a PEM block is that holds neither key nor certificate, by its label. */
export function foreignLabel(label: string): Foreign | undefined {
  return foreignLabels.find(([pattern]) => pattern.test(label))?.[1];
}

/** What a PEM block is whose label and content say nothing here: an OCSP response, a static key of OpenVPN. */
export function unknownBlock(label: string): Foreign {
  return {
    what: `a PEM block of another kind (${label}), neither a certificate nor a private key`,
    hint: 'Name the file that holds the certificate, with a line -----BEGIN CERTIFICATE-----, and its private key.',
  };
}

const foreignLabels: readonly (readonly [RegExp, Foreign])[] = [
  [/^OPENSSH PRIVATE KEY$/, foreign.openssh],
  [/^TSS2 (?:PRIVATE KEY|KEY BLOB)$/, foreign.tpm],
  [/^SSH2 /, foreign.sshPublicKey],
  [/^PGP /, foreign.pgp],
  [/^(?:NEW )?CERTIFICATE REQUEST$/, foreign.request],
  [/^X509 CRL$/, foreign.revocationList],
  [/PUBLIC KEY$/, foreign.publicKey],
  [/PARAMETERS$/, foreign.parameters],
];

/** What these bytes are, where their first ones say that they are of no use here. */
export function foreignBytes(bytes: Buffer): Foreign | undefined {
  return foreignMagic.find(([magic, , at]) => bytes.subarray(at, at + magic.length).equals(magic))?.[1];
}

/** Marks of binary files, at their beginning or at the offset given. */
const foreignMagic: readonly (readonly [magic: Buffer, Foreign, at: number])[] = (
  [
    ['SQLite format 3\0', foreign.nss],
    ['\0\x06\x15\x61', foreign.berkeley],
    ['\x61\x15\x06\0', foreign.berkeley],
    ['PK\x03\x04', foreign.zip],
    ['\x1f\x8b', foreign.gzip],
    ['7z\xbc\xaf\x27\x1c', foreign.sevenZip],
    ['Rar!\x1a\x07', foreign.archive],
    ['\xfd7zXZ\0', foreign.archive],
    ['BZh', foreign.archive],
    ['\x28\xb5\x2f\xfd', foreign.archive],
    ['MSCF\0\0\0\0', foreign.archive],
    ['xar!', foreign.archive],
    ['!<arch>\n', foreign.archive],
    ['\xed\xab\xee\xdb', foreign.archive],
    ['ustar', foreign.archive, 257],
    ['%PDF-', foreign.pdf],
    ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', foreign.office],
    ['\x7fELF', foreign.program],
    ['MZ\x90\0', foreign.program],
    ['\x89PNG\r\n', foreign.image],
    ['\xff\xd8\xff', foreign.image],
    ['GIF8', foreign.image],
    ['kych', foreign.keychain],
    ['bplist00', foreign.propertyList],
    ['\x1e\xf1\xb5\xb0', foreign.pvk],
    ['\0\0\0\0CERT', foreign.sst],
    ['\x07\x02\0\0\0\x24\0\0RSA2', foreign.keyBlob],
    ['\x07\x02\0\0\0\xa4\0\0RSA2', foreign.keyBlob],
    ['ECS2', foreign.keyBlob],
    ['RSA3', foreign.keyBlob],
    ['\x01\0\0\0\xd0\x8c\x9d\xdf\x01\x15\xd1\x11', foreign.dpapi],
    ['X509KEY', foreign.ibm, 8],
    ['\xa1\xf8\x4e', foreign.oracle],
    ['\x03\xd9\xa2\x9a', foreign.keepass],
    ['\xac\xed\0\x05', foreign.java],
    ['Salted__', foreign.encrypted],
    ['age-encryption.org/', foreign.encrypted],
    ['\0GITCRYPT\0', foreign.encrypted],
    ['\0\0\0\x01\0\0\0\x14', foreign.bks],
    ['\0\0\0\x02\0\0\0\x14', foreign.bks],
    // Without its armour.
    ['openssh-key-v1\0', foreign.openssh],
  ] as const
).map(([magic, kind, at = 0]) => [Buffer.from(magic, 'latin1'), kind, at]);

/** Starts of texts that are refused, on the text without leading blanks. */
export const foreignText: readonly (readonly [pattern: RegExp, Foreign])[] = [
  [/^PuTTY-User-Key-File-/, foreign.putty],
  [/^(?:ssh-(?:rsa|dss|ed25519|ed448)|ecdsa-sha2-\S+|sk-\S+@openssh\.com)\s+AAAA/, foreign.sshPublicKey],
  [/^---- BEGIN SSH2/, foreign.sshPublicKey],
  [/^<(?:!doctype html|html|head|body|!--)/i, foreign.html],
  [/^<\?xml[\s\S]{0,300}<html/i, foreign.html],
  [/^<(?:\?xml|\w)/, foreign.xml],
  [/^\{[\s\S]{0,4000}"kty"\s*:/, foreign.jwk],
  [/^[{[](?!\\rtf)/, foreign.json],
  [/^\$ANSIBLE_VAULT;/, foreign.vault],
  [/^(?:---\s+)?(?:apiVersion|kind|metadata|data):\s/, foreign.kubernetes],
];
