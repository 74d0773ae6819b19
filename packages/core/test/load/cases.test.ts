import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readCertificate } from '../../src/load/index.ts';
import type { FileSource } from '../../src/types.ts';
import { fixture } from './manifest.ts';

const at = (name: string): string => fixture(`cases/${name}`);
const client = { pfx: at('client.p12'), passphrase: 'clientpw' };
const trusted = { file: at('truststore.pkcs12'), passphrase: 'trustpw' };

/** What a right reader finds in each: the leaf's common name, and how many roots. */
const identities: readonly (readonly [title: string, source: FileSource, name: string, roots?: number])[] = [
  [
    'one of two keys with passphrases of their own, by its alias',
    { pfx: at('two-key-passphrases.jks'), passphrase: 'storepw', alias: 'alpha', keyPassphrase: 'alphapw' },
    'alpha.example',
  ],
  [
    'an entry, not the authority in its chain that has a key in the store as well',
    { pfx: at('ca-and-client.jks'), passphrase: 'storepw', alias: 'myclient' },
    'client.example',
  ],
  [
    'one of thirteen keys at 200,000 rounds each',
    { pfx: at('thirteen-keys.jceks'), passphrase: 'storepw', alias: 'k3' },
    'k3.example',
  ],
  [
    'a JKS truststore with a passphrase of its own',
    { ...client, ca: at('truststore.jks') },
    'client.example',
    1,
  ],
  ['a PKCS#12 truststore and its passphrase', { ...client, ca: trusted }, 'client.example', 1],
  [
    'a JKS truststore beside PEM files',
    { cert: at('client.crt'), key: at('client.key'), ca: at('truststore.jks') },
    'client.example',
    1,
  ],
  ['an OCSP response beside the identity', { cert: at('identity-and-ocsp.pem') }, 'client.example'],
  ['a root of version 1', { pfx: at('v1-root.p12'), passphrase: 'clientpw' }, 'client.example', 1],
  [
    'base64, in one line, of a PEM that begins with text',
    { cert: readFileSync(at('bag-attributes.pem.base64'), 'utf8') },
    'client.example',
  ],
  [
    'a sealed key beside the certificate, and a key that is named apart',
    { cert: at('cert-and-encrypted-key.pem'), key: at('client.key') },
    'client.example',
  ],
  ['old NSS', { pfx: at('nss-aes128-keylength32.p12'), passphrase: 'clientpw' }, 'client.example'],
  ['Java 8 to 10', { pfx: at('java8-pbes2-in-pbes2.p12'), passphrase: 'clientpw' }, 'client.example'],
];

it.for(identities)('%s', async ([, source, name, roots]) => {
  const { certificate, privateKey, ca } = await readCertificate(source);
  expect(certificate.subject).toContain(`CN=${name}`);
  expect(certificate.checkPrivateKey(privateKey)).toBe(true);
  if (roots !== undefined) expect(ca).toHaveLength(roots);
});

/** What a right reader says. */
const refusals: readonly (readonly [
  title: string,
  source: FileSource,
  code: string,
  message: RegExp,
  hint: RegExp,
])[] = [
  [
    'a PKCS#12 truststore whose passphrase is not said',
    { ...client, ca: at('truststore.pkcs12') },
    'PASSPHRASE_WRONG',
    /ca .*truststore\.pkcs12/,
    /\{ file: .*passphrase/,
  ],
  [
    'an IBM key database',
    { pfx: at('like-ibm.kdb'), passphrase: 'x' },
    'FORMAT_UNSUPPORTED',
    /an IBM key database \(CMS, \.kdb\)/,
    /gskcapicmd -cert -export -db FILE/,
  ],
  [
    'an Oracle wallet',
    { pfx: at('like-oracle-cwallet.sso') },
    'FORMAT_UNSUPPORTED',
    /an Oracle auto-login wallet/,
    /ewallet\.p12/,
  ],
  ['an archive', { pfx: at('archive.7z') }, 'FORMAT_UNSUPPORTED', /a 7-Zip archive/, /Unpack it/],
  ['noise', { pfx: at('noise.bin') }, 'FORMAT_UNKNOWN', /is neither PEM, DER/, /file FILE/],
  [
    'saved as text',
    { pfx: at('client-mangled.p12'), passphrase: 'clientpw' },
    'FILE_CORRUPT',
    /opened as UTF-8 text and saved/,
    /binary mode/,
  ],
  [
    'a path through a directory of 64 digits',
    { pfx: `/var/lib/docker/volumes/${'0123456789abcdef'.repeat(4)}/_data/client.p12` },
    'FILE_NOT_FOUND',
    /volumes\/0123456789abcdef.*_data\/client\.p12/,
    /Looked for \/var\/lib\/docker/,
  ],
];

it.for(refusals)('%s: %s', async ([, source, code, message, hint]) => {
  await expect(readCertificate(source)).rejects.toMatchObject({
    name: 'ClientCertificateError',
    code: `ERR_CLIENTCERT_${code}`,
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  });
});
