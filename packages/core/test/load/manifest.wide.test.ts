import type { KeyObject, X509Certificate } from 'node:crypto';

import { expect, it } from 'vitest';
import { inspectFile, readCertificate } from '../../src/load/index.ts';
import { fixture, type Row, rows } from './manifest.ts';

const codes: Record<string, string> = {
  'wrong-password': 'ERR_CLIENTCERT_PASSPHRASE_WRONG',
  'need-password': 'ERR_CLIENTCERT_PASSPHRASE_MISSING',
  corrupt: 'ERR_CLIENTCERT_FILE_CORRUPT',
  'empty-file': 'ERR_CLIENTCERT_FILE_EMPTY',
  'no-key': 'ERR_CLIENTCERT_KEY_MISSING',
  'no-cert': 'ERR_CLIENTCERT_CERTIFICATE_MISSING',
  mismatch: 'ERR_CLIENTCERT_KEY_MISMATCH',
  multi: 'ERR_CLIENTCERT_IDENTITY_AMBIGUOUS',
  'dos-refuse': 'ERR_CLIENTCERT_KDF_TOO_EXPENSIVE',
};

const curves: Record<string, string> = {
  P256: 'prime256v1',
  P384: 'secp384r1',
  P521: 'secp521r1',
};

it.for(rows)('$id: $expected', async (row) => {
  if (!row.expected.startsWith('ok')) {
    const code = codes[row.expected] ?? 'ERR_CLIENTCERT_FORMAT_UNSUPPORTED';
    await expect(read(row)).rejects.toMatchObject({ name: 'ClientCertificateError', code });
    return;
  }
  if (row.kind === 'key') return expectKey(row);
  const found = await read(row);
  if (row.sha256 !== '-') expect(found.certificate.fingerprint256.replaceAll(':', '')).toBe(row.sha256);
  if (row.serial !== '-') expect(found.certificate.serialNumber).toBe(row.serial);
  if (row.keys > 0) {
    expect(found.certificate.checkPrivateKey(found.privateKey!)).toBe(true);
    expectType(found.privateKey!, row.keyType);
  } else expect(found.privateKey).toBeNull();
  const contents = await inspectFile(fixture(row.file), row);
  expect(contents.certificates).toHaveLength(row.certificates);
  expect(contents.keys).toHaveLength(row.keys);
  expectChain(found.certificate, found.chain);
  const warnings = found.warnings.map(({ code }) => code);
  expect(warnings.includes('LEGACY_ENCRYPTION')).toBe(/rc2|rc4|legacy/.test(row.expected));
  expect(warnings.includes('WEAK_SIGNATURE')).toBe(row.expected.includes('md5sig'));
  expect(warnings.includes('CHAIN_REORDERED')).toBe(row.expected.includes('reorder'));
  expect(warnings.includes('KEY_NOT_PRESENTABLE')).toBe(/unusual-curve|explicit/.test(row.expected));
});

function read(row: Row) {
  const { passphrase, keyPassphrase } = row;
  const path = fixture(row.file);
  const source = row.kind === 'pfx' || row.kind === 'jks' ? { pfx: path } : { cert: path };
  return row.keys === 0 && row.expected.startsWith('ok')
    ? readCertificate({ ...source, passphrase, keyPassphrase }, { key: 'optional' })
    : readCertificate({ ...(row.kind === 'key' ? { cert: path } : source), passphrase, keyPassphrase });
}

async function expectKey(row: Row): Promise<void> {
  const { keys, certificates } = await inspectFile(fixture(row.file), row);
  expect(keys).toHaveLength(1);
  expect(certificates).toHaveLength(0);
  expectType(keys[0]!.privateKey, row.keyType);
  await expect(read(row)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CERTIFICATE_MISSING' });
}

function expectType(key: KeyObject, type: string): void {
  const [kind, size, explicit] = type.split('-');
  const details = key.asymmetricKeyDetails!;
  expect(key.asymmetricKeyType).toBe(kind!.toLowerCase());
  if (kind === 'EC' && explicit === undefined) expect(details.namedCurve).toBe(curves[size!] ?? size);
  else if (size !== undefined && kind !== 'EC') expect(details.modulusLength).toBe(Number(size));
}

function expectChain(leaf: X509Certificate, chain: X509Certificate[]): void {
  let below = leaf;
  for (const each of chain) {
    expect(below.checkIssued(each)).toBe(true);
    expect(each.subject).not.toBe(each.issuer);
    below = each;
  }
}
