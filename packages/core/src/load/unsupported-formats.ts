import type { UnsupportedFormat } from './file-contents.ts';
import { Problem } from './problem.ts';

type UnsupportedKind =
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
export const unsupportedFormats: Record<UnsupportedKind, UnsupportedFormat> = {
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
    hint: "Only that TPM can use it, and this process has not loaded OpenSSL's provider of it (tpm2-openssl). What works in more places: make the key by the TPM's PKCS#11 module (tpm2-pkcs11), and name it: key: 'pkcs11:token=…;object=…'.",
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
export function refuse({ what, hint }: UnsupportedFormat): Problem {
  return new Problem('FORMAT_UNSUPPORTED', `is ${what}`, hint);
}

/** Whether a PEM block with this label has to hold what is read here; a damaged one is an error. */
export function isOwnLabel(label: string): boolean {
  return /^(?:(?:X509 |TRUSTED )?CERTIFICATE|(?:RSA |EC |DSA |ENCRYPTED |ANY )?PRIVATE KEY|PKCS ?#?7|CMS)$/.test(
    label,
  );
}

/** What a PEM block is that holds neither key nor certificate, by its label. */
export function unsupportedLabel(label: string): UnsupportedFormat | undefined {
  return unsupportedLabels.find(([pattern]) => pattern.test(label))?.[1];
}

/** What a PEM block is whose label and content say nothing here: an OCSP response, a static key of OpenVPN. */
export function unknownBlock(label: string): UnsupportedFormat {
  return {
    what: `a PEM block of another kind (${label}), neither a certificate nor a private key`,
    hint: 'Name the file that holds the certificate, with a line -----BEGIN CERTIFICATE-----, and its private key.',
  };
}

const unsupportedLabels: readonly (readonly [RegExp, UnsupportedFormat])[] = [
  [/^OPENSSH PRIVATE KEY$/, unsupportedFormats.openssh],
  [/^TSS2 (?:PRIVATE KEY|KEY BLOB)$/, unsupportedFormats.tpm],
  [/^SSH2 /, unsupportedFormats.sshPublicKey],
  [/^PGP /, unsupportedFormats.pgp],
  [/^(?:NEW )?CERTIFICATE REQUEST$/, unsupportedFormats.request],
  [/^X509 CRL$/, unsupportedFormats.revocationList],
  [/PUBLIC KEY$/, unsupportedFormats.publicKey],
  [/PARAMETERS$/, unsupportedFormats.parameters],
];

/** What these bytes are, where their first ones say that they are of no use here. */
export function unsupportedBytes(bytes: Buffer): UnsupportedFormat | undefined {
  return magicNumbers.find(([magic, , at]) => bytes.subarray(at, at + magic.length).equals(magic))?.[1];
}

/** Marks of binary files, at their beginning or at the offset given. */
const magicNumbers: readonly (readonly [magic: Buffer, UnsupportedFormat, at: number])[] = (
  [
    ['SQLite format 3\0', unsupportedFormats.nss],
    ['\0\x06\x15\x61', unsupportedFormats.berkeley],
    ['\x61\x15\x06\0', unsupportedFormats.berkeley],
    ['PK\x03\x04', unsupportedFormats.zip],
    ['\x1f\x8b', unsupportedFormats.gzip],
    ['7z\xbc\xaf\x27\x1c', unsupportedFormats.sevenZip],
    ['Rar!\x1a\x07', unsupportedFormats.archive],
    ['\xfd7zXZ\0', unsupportedFormats.archive],
    ['BZh', unsupportedFormats.archive],
    ['\x28\xb5\x2f\xfd', unsupportedFormats.archive],
    ['MSCF\0\0\0\0', unsupportedFormats.archive],
    ['xar!', unsupportedFormats.archive],
    ['!<arch>\n', unsupportedFormats.archive],
    ['\xed\xab\xee\xdb', unsupportedFormats.archive],
    ['ustar', unsupportedFormats.archive, 257],
    ['%PDF-', unsupportedFormats.pdf],
    ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', unsupportedFormats.office],
    ['\x7fELF', unsupportedFormats.program],
    ['MZ\x90\0', unsupportedFormats.program],
    ['\x89PNG\r\n', unsupportedFormats.image],
    ['\xff\xd8\xff', unsupportedFormats.image],
    ['GIF8', unsupportedFormats.image],
    ['kych', unsupportedFormats.keychain],
    ['bplist00', unsupportedFormats.propertyList],
    ['\x1e\xf1\xb5\xb0', unsupportedFormats.pvk],
    ['\0\0\0\0CERT', unsupportedFormats.sst],
    ['\x07\x02\0\0\0\x24\0\0RSA2', unsupportedFormats.keyBlob],
    ['\x07\x02\0\0\0\xa4\0\0RSA2', unsupportedFormats.keyBlob],
    ['ECS2', unsupportedFormats.keyBlob],
    ['RSA3', unsupportedFormats.keyBlob],
    ['\x01\0\0\0\xd0\x8c\x9d\xdf\x01\x15\xd1\x11', unsupportedFormats.dpapi],
    ['X509KEY', unsupportedFormats.ibm, 8],
    ['\xa1\xf8\x4e', unsupportedFormats.oracle],
    ['\x03\xd9\xa2\x9a', unsupportedFormats.keepass],
    ['\xac\xed\0\x05', unsupportedFormats.java],
    ['Salted__', unsupportedFormats.encrypted],
    ['age-encryption.org/', unsupportedFormats.encrypted],
    ['\0GITCRYPT\0', unsupportedFormats.encrypted],
    ['\0\0\0\x01\0\0\0\x14', unsupportedFormats.bks],
    ['\0\0\0\x02\0\0\0\x14', unsupportedFormats.bks],
    // Without its armour.
    ['openssh-key-v1\0', unsupportedFormats.openssh],
  ] as const
).map(([magic, kind, at = 0]) => [Buffer.from(magic, 'latin1'), kind, at]);

/** Starts of texts that are refused, on the text without leading blanks. */
export const unsupportedText: readonly (readonly [pattern: RegExp, UnsupportedFormat])[] = [
  [/^PuTTY-User-Key-File-/, unsupportedFormats.putty],
  [
    /^(?:ssh-(?:rsa|dss|ed25519|ed448)|ecdsa-sha2-\S+|sk-\S+@openssh\.com)\s+AAAA/,
    unsupportedFormats.sshPublicKey,
  ],
  [/^---- BEGIN SSH2/, unsupportedFormats.sshPublicKey],
  [/^<(?:!doctype html|html|head|body|!--)/i, unsupportedFormats.html],
  [/^<\?xml[\s\S]{0,300}<html/i, unsupportedFormats.html],
  [/^<(?:\?xml|\w)/, unsupportedFormats.xml],
  [/^\{[\s\S]{0,4000}"kty"\s*:/, unsupportedFormats.jwk],
  [/^[{[](?!\\rtf)/, unsupportedFormats.json],
  [/^\$ANSIBLE_VAULT;/, unsupportedFormats.vault],
  [/^(?:---\s+)?(?:apiVersion|kind|metadata|data):\s/, unsupportedFormats.kubernetes],
];
