import { describe, expect, it, vi } from 'vitest';
import { parseEntries } from '../src/tokens/p11tool.ts';
import { clientcert } from './run.ts';

it('reads what p11tool 3.7 prints', () => {
  const said = `Object 0:
\tURL: pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project;serial=10;token=bank;id=%01;object=client;type=cert
\tType: X.509 Certificate (RSA-2048)
\tExpires: Mon Dec 28 18:55:07 2026
\tLabel: client
\tID: 01

Object 1:
\tURL: pkcs11:token=bank;id=%02;object=key;type=public
\tType: Public key (EC/ECDSA-SECP256R1)
\tLabel: key
\tFlags: CKA_WRAP/UNWRAP; 
\tID: 02

`;
  const [first, second] = parseEntries(said);
  expect(first!.uri).toContain('type=cert');
  expect(Object.fromEntries(first!.fields)).toMatchObject({ Label: 'client', ID: '01' });
  expect(second!.fields.get('Type')).toBe('Public key (EC/ECDSA-SECP256R1)');
  expect(parseEntries('No tokens\n')).toEqual([]);
});

describe('clientcert tokens', () => {
  it('says what to install where there is no p11tool', async () => {
    vi.stubEnv('PATH', '/no/such/directory');
    const { code, err } = await clientcert('tokens');
    vi.unstubAllEnvs();
    expect(code).toBe(1);
    expect(err).toContain('apt install gnutls-bin');
  });
});

it('attack: a label with a line break is no further entry', () => {
  const listed = (label: string) => `Object 0:
\tURL: pkcs11:token=bank;id=%0A%0D;object=${encodeURIComponent(label)};type=cert
\tType: X.509 Certificate (RSA-2048)
\tLabel: ${label}
\tID: 01

`;
  expect(parseEntries(listed('mine')).map(({ fields }) => fields.get('Label'))).toEqual(['mine']);
  const forged = 'mine\nObject 1:\n\tURL: pkcs11:token=bank;object=forged;type=cert';
  expect(() => parseEntries(listed(forged))).toThrow('a label on the token holds a line break');
});
