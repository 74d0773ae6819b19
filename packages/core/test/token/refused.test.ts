import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createAuthority } from '@clientcert/testing';
import { describe, expect, it } from 'vitest';
import { loadCredentials, readCertificate } from '../../src/index.ts';
import { wrapPkcs11Uri } from '../../src/load/provider-pem.ts';

const authority = await createAuthority();
const { cert, key } = await authority.issue({ name: 'alice' });
const secret = 'Sesame4711';
const uri = 'pkcs11:token=bank;object=client';
const byEngine = { cert, key: uri, pin: '1', engine: '/no/such/pkcs11.so' };

async function fails(promise: Promise<unknown>): Promise<Error & { code: string; hint: string }> {
  const error = await promise.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(inspect(error, { depth: null, showHidden: true })).not.toContain(secret);
  return error;
}

describe('a key on a token, in a process without a provider', () => {
  it.each([
    ['a URI', uri],
    ['a PEM block', wrapPkcs11Uri(uri)],
  ])('%s says how to load one', async (_, key) => {
    const error = await fails(readCertificate({ cert, key }));
    expect(error.code).toBe('ERR_CLIENTCERT_PROVIDER_MISSING');
    expect(error.hint).toContain('node --openssl-config=openssl.cnf');
    expect(error.hint).toContain('pkcs11-module-path = ');
  });
});

describe('attack: rules that are weakened', () => {
  it.each([
    ['key', (block: string) => ({ cert, key: block })],
    ['certificate', (block: string) => ({ cert: cert + block })],
  ])('the file of a %s does not say which module is loaded into the process', async (_, sourceOf) => {
    const block = wrapPkcs11Uri(`${uri}?module-path=%2Ftmp%2Fmodule.so`);
    const error = await fails(readCertificate({ ...sourceOf(block), pin: '1', engine: byEngine.engine }));
    expect(error.code).toBe('ERR_CLIENTCERT_CONFIG_INVALID');
    expect(error.message).toContain('no file says which code this process loads');
  });
});

describe('attack: files that stop the process', () => {
  it.skipIf(process.platform === 'win32')(
    'a hundred keys on tokens are counted before any is looked for',
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'clientcert-engine-'));
      const engine = join(directory, 'pkcs11.so');
      writeFileSync(engine, '');
      const error = await fails(
        readCertificate({ cert: cert + wrapPkcs11Uri(uri).repeat(101), pin: '1', engine }),
      );
      rmSync(directory, { recursive: true });
      expect(error.code).toBe('ERR_CLIENTCERT_FILE_TOO_LARGE');
    },
  );
});

describe('attack: secrets that show', () => {
  it.each([
    ['pin-value in the query', { cert, key: `${uri}?pin-value=${secret}` }],
    ['pin-value in the path', { cert, key: `${uri};pin-value=${secret}` }],
    ['pin-value in a URI that is none', { cert, key: `pkcs11:pin-value=${secret}` }],
    ['a PIN under another name', { cert, key: `${uri};pin=${secret}` }],
    ['pin-value in a PEM', { cert, key: wrapPkcs11Uri(`${uri}?pin-value=${secret}`) }],
    ['pin', { cert, key: uri, pin: secret }],
    ['pin from a function', { cert, key: uri, pin: () => secret }],
    ['a PIN twice', { cert, key: `${uri}?pin-value=${secret}`, pin: secret }],
    ['a URI as the certificate', { cert: `${uri}?pin-value=${secret}` }],
    ['a URI as a PFX', { pfx: `${uri}?pin-value=${secret}` }],
    ['a URI among roots', { cert, key, ca: [`${uri}?pin-value=${secret}`] }],
    ['a PIN for a file', { cert, key, pin: secret }],
    ['a PIN without a certificate', { pfx: 'a.pfx', pin: secret }],
    ['a PIN for an engine', { cert, key: uri, pin: secret, engine: '/no/such/pkcs11.so' }],
    [
      'a PIN in a URI for an engine',
      { cert, key: `${uri}?pin-value=${secret}`, engine: '/no/such/pkcs11.so' },
    ],
    ['a PIN as an engine', { cert, key: uri, pin: '1', engine: secret }],
    [
      'a PIN as a module',
      { cert, key: `${uri}?module-path=%2F${secret}%2F`, pin: '1', engine: '/no/such/pkcs11.so' },
    ],
  ])('%s is in no error', async (_, source) => {
    const one = { certificates: { bank: source as never }, hosts: { 'a.example': 'bank' as never } };
    expect(await fails(loadCredentials(one))).toMatchObject({
      code: expect.stringMatching(/^ERR_CLIENTCERT_/),
    });
    expect(await fails(readCertificate(source as never))).toMatchObject({
      code: expect.stringMatching(/^ERR_CLIENTCERT_/),
    });
  });
});

describe('a config that says too much or too little', () => {
  it.each([
    ['a PIN and a key in a file', { cert, key, pin: '1' }, 'has a `pin`, and its key is on no token'],
    ['a PIN beside a PFX', { pfx: 'a.pfx', pin: '1' }, '`pin` stands beside `cert` only'],
    [
      'a URI that is none',
      { cert, key: 'pkcs11:x' },
      'certificates["bank"].key: the PKCS#11 URI has an attribute',
    ],
    ['a PIN that is empty', { cert, key: uri, pin: '' }, 'its PIN is not there: `pin` is empty'],
    ['a variable that is not set', { cert, key: uri, pin: { env: 'NO_SUCH_PIN' } }, 'NO_SUCH_PIN is not set'],
    ['two PINs', { cert, key: `${uri}?pin-value=1`, pin: '1' }, 'has a PIN in its URI and one in `pin`'],
    [
      'an engine and a key in a file',
      { cert, key, engine: '/a/pkcs11.so' },
      'has an `engine`, and its key is on no token',
    ],
    [
      'an engine beside a PFX',
      { pfx: 'a.pfx', engine: '/a/pkcs11.so' },
      '`engine` stands beside `cert` only',
    ],
    ['an engine that is not there', { ...byEngine }, 'the engine /no/such/pkcs11.so is not there'],
    ['an engine that is another', { ...byEngine, engine: '/a/afalg.so' }, 'is not called pkcs11.so'],
    ['an engine that is no path', { ...byEngine, engine: 7 }, 'must be a path'],
    [
      'an engine without a PIN',
      { cert, key: uri, engine: byEngine.engine },
      'an engine that is given no PIN asks',
    ],
    ['a PIN that an engine would cut off', { ...byEngine, pin: '1'.repeat(33) }, 'longer than 32 bytes'],
    ['a PIN of two lines for an engine', { ...byEngine, pin: '1\n2' }, 'has several lines'],
    [
      'a URI that an engine does not know',
      { ...byEngine, key: `${uri};slot-id=1` },
      'that the engine does not know',
    ],
    ['a command', { cert, key: `${uri}?pin-source=%7Cid` }, 'its `pin-source` is not a file'],
  ])('%s', async (_, source, what) => {
    const error = await fails(
      loadCredentials({ certificates: { bank: source as never }, hosts: { 'a.example': 'bank' as never } }),
    );
    expect(error.message).toContain(what);
  });

  it('a `pin-source` that is not there is named', async () => {
    const error = await fails(readCertificate({ cert, key: `${uri}?pin-source=file:/no/such/pin.txt` }));
    expect(error).toMatchObject({
      code: 'ERR_CLIENTCERT_FILE_NOT_FOUND',
      message: expect.stringContaining('pin-source'),
    });
  });
});
