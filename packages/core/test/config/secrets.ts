import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';

const { privateKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const body = privateKey.replace(/-----[^-]+-----|\s/g, '');

/** What is put by mistake in the place of something else, and the pieces of it that may appear nowhere. */
export const SECRETS: Readonly<Record<string, readonly [secret: string, ...pieces: string[]]>> = {
  'a key in PEM': [privateKey, body.slice(0, 12), body.slice(40, 60)],
  'a key in PEM with \\n': [privateKey.replaceAll('\n', '\\n'), body.slice(0, 12), body.slice(40, 60)],
  'a PFX in base64': [`MIIKGQIBAzCCCd8${body.repeat(3)}`, 'MIIKGQIBAz', body.slice(40, 60)],
  'a key in base64': [body, body.slice(0, 12), body.slice(40, 60)],
  'a passphrase': ['Tr0ub4dor&3', 'Tr0ub', 'tr0ub', 'dor&3'],
  'a passphrase of a word and a digit': ['hunter2', 'hunter2'],
  'a passphrase of words': ['correct horse battery staple', 'correct', 'horse', 'staple'],
  'a passphrase with punctuation': ['p@ss:w0rd/x?y#z', 'p@ss', 'w0rd', 'x?y'],
  'a passphrase with a dot': ['Pa55.w0rd!', 'Pa55', 'pa55', 'w0rd'],
  'JSON with secrets': [
    '{"certificates": {"bank": {"pfx": "bank.pfx", "passphrase": "sw0rdfish-77"}}}',
    'sw0rdfish',
  ],
  'a URL with user and password': ['https://alice:sw0rdfish-77@vault.example/bank', 'alice', 'sw0rdfish'],
  'a URL with a slash in its password': [
    'https://alice:sw0rd/fish77@vault.example',
    'alice',
    'sw0rd',
    'fish77',
  ],
  'user and password at a host': ['alice:sw0rdfish-77@vault.example', 'alice', 'sw0rdfish'],
  'a token': ['ghp_16C7e42F292c6912E7710c838347Ae178B4a', 'ghp_', '292c6912'],
  'a JSON web token': [
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.8h2GkzLmYQvXc0',
    'eyJhbGci',
    'eyJzdWIi',
    '8h2Gkz',
  ],
  'a header': ['Basic YWxpY2U6c3cwcmRmaXNoLTc3', 'YWxpY2U6'],
  'a PIN': ['739158', '739158'],
  'a PIN of letters': ['Kq7Zt3', 'Kq7Zt3'],
  'a PKCS#11 URI with its PIN': [
    'pkcs11:token=bank;object=key?pin-value=sw0rdfish77',
    'sw0rdfish',
    'pin-value',
  ],
};

/** Everything that a person, a logger or an error tracker prints of an error. */
export function printed(error: unknown): string {
  const seen = new Set<unknown>();
  const parts: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === 'string') parts.push(value);
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) {
      parts.push(String(key));
      walk(Reflect.get(value, key));
    }
  };
  walk(error);
  parts.push(inspect(error, { depth: 9, showHidden: true }), String(error), JSON.stringify(error) ?? '');
  return parts.join('\n');
}
