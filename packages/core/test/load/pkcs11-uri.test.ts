import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyString } from '../../../../test/any-string.ts';
import {
  formatPkcs11Uri,
  isPkcs11Uri,
  labelOfPkcs11Uri,
  parsePkcs11Uri,
  showPkcs11Uri,
} from '../../src/load/pkcs11-uri.ts';

const bytes = fc
  .uint8Array({ minLength: 1, maxLength: 24 })
  .map((each) => Buffer.from(each).toString('latin1'));

describe('a PKCS#11 URI', () => {
  it('is read as it was written, whatever bytes are in it', () => {
    const names = fc.constantFrom('object', 'id', 'serial', 'manufacturer', 'slot-id', 'x-vendor');
    const path = fc
      .dictionary(names, bytes)
      .map((each) => new Map([['token', 'a b'], ...Object.entries(each)]));
    const query = fc
      .dictionary(fc.constantFrom('pin-value', 'pin-source', 'module-path'), bytes)
      .map((each) => new Map(Object.entries(each)));
    fc.assert(
      fc.property(fc.record({ path, query }), (uri) => {
        expect(parsePkcs11Uri(formatPkcs11Uri(uri))).toEqual(uri);
      }),
    );
  });

  it('is shown without its PIN, and without what may be one', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{12,20}$/);
    const place = fc.constantFrom(
      '?pin-value=',
      ';pin-value=',
      '?pin-source=file:/',
      ';pin=',
      ';pinvalue=',
      '?x=',
      '?module-path=/a&pin-value=',
    );
    fc.assert(
      fc.property(secret, place, (pin, before) => {
        const text = `pkcs11:token=bank;object=client${before}${pin}`;
        expect(labelOfPkcs11Uri(text)).toBe('pkcs11:token=bank;object=client');
        expect(labelOfPkcs11Uri(`${text}&${text}`)).not.toContain(pin);
      }),
    );
  });

  it('is none where it is longer than any', () => {
    expect(() => parsePkcs11Uri(`pkcs11:token=a${'!'.repeat(20_000)}`)).toThrow('is longer than any');
  });

  it('throws nothing of what was written', () => {
    fc.assert(
      fc.property(anyString, (rest) => {
        const text = `pkcs11:${rest}Sesame4711`;
        try {
          showPkcs11Uri(parsePkcs11Uri(text));
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_CLIENTCERT_CONFIG_INVALID' });
          expect(`${(error as Error).message}`).not.toContain('Sesame4711');
        }
      }),
    );
  });

  it.each([
    ['pkcs11:', 'names neither a token nor an object'],
    ['pkcs11:model=x', 'names neither a token nor an object'],
    ['pkcs11:token=a;token=b', 'says "token" twice'],
    ['pkcs11:token=a b', 'not percent-encoded'],
    ['pkcs11:token=%g0', 'not percent-encoded'],
    ['pkcs11:token', 'not written as name=value'],
    ['pkcs11:token=a;type=cert', 'has a "type" that is not "private"'],
  ])('%s is none', (text, what) => {
    expect(isPkcs11Uri(text)).toBe(true);
    expect(() => parsePkcs11Uri(text)).toThrow(what);
  });

  it.each([
    // RFC 7512, section 3
    'pkcs11:object=my-pubkey;type=private',
    'pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;type=private;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin',
    'pkcs11:token=bank?pin-source=%7Cprompt&module-name=x',
  ])('%s is one', (text) => {
    const uri = parsePkcs11Uri(text);
    expect(parsePkcs11Uri(formatPkcs11Uri(uri))).toEqual(uri);
  });
});
