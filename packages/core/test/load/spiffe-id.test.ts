import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  faultOfSpiffeId,
  faultOfTrustDomain,
  isTrustDomain,
  parseSpiffeId,
} from '../../src/load/spiffe-id.ts';

const longDomain = 'a'.repeat(255);

describe('a SPIFFE ID', () => {
  it.each([
    ['spiffe://bank.example', 'bank.example', ''],
    ['spiffe://bank.example/payments', 'bank.example', '/payments'],
    [
      'spiffe://k8s-west.bank_1.example/ns/Staging/sa/de.fault_2-3',
      'k8s-west.bank_1.example',
      '/ns/Staging/sa/de.fault_2-3',
    ],
    ['spiffe://1.2.3.4/...', '1.2.3.4', '/...'],
    [`spiffe://${longDomain}/${'b'.repeat(1783)}`, longDomain, `/${'b'.repeat(1783)}`],
  ])('%s', (text, trustDomain, path) => {
    expect(parseSpiffeId(text)).toEqual({ trustDomain, path });
    expect(faultOfSpiffeId(text)).toBeUndefined();
  });

  it.each([
    '',
    'spiffe://',
    'spiffe:///payments',
    'spiffe:/bank.example/payments',
    'bank.example/payments',
    'https://bank.example/payments',
    'SPIFFE://bank.example/payments',
    'spiffe://Bank.example/payments',
    'spiffe://bank.example/',
    'spiffe://bank.example/payments/',
    'spiffe://bank.example//payments',
    'spiffe://bank.example/a//b',
    'spiffe://bank.example/.',
    'spiffe://bank.example/a/../b',
    'spiffe://bank.example:443/payments',
    'spiffe://user@bank.example/payments',
    'spiffe://[::1]/payments',
    'spiffe://bank.example/pay%6dents',
    'spiffe://bank%2eexample/payments',
    'spiffe://bank.example/pay ments',
    'spiffe://bank.example/payments?x=1',
    'spiffe://bank.example/payments#x',
    'spiffe://bank.example/payménts',
    'spiffe://bänk.example/payments',
    'spiffe://bank.example/payments\n',
    '\nspiffe://bank.example/payments',
    'spiffe://bank.example\n/payments',
    'spiffe://bank.example/payments\0',
    'spiffe://bank.example/payments, DNS:evil.example',
    'spiffe://bank.example/*',
    'spiffe://*.bank.example',
    `spiffe://${longDomain}a/payments`,
    `spiffe://${longDomain}/${'b'.repeat(1784)}`,
  ])('is none: %j', (text) => {
    expect(parseSpiffeId(text)).toBeUndefined();
    expect(faultOfSpiffeId(text)).toContain('must be a SPIFFE ID such as');
  });

  it.each([
    ['bank.example/payments', 'spiffe://bank.example/payments'],
    ['spiffe://Bank.Example/Payments', 'spiffe://bank.example/Payments'],
    ['SPIFFE://bank.example', 'spiffe://bank.example'],
    ['spiffe:/bank.example/payments', 'spiffe://bank.example/payments'],
    ['spiffe://bank.example//payments/', 'spiffe://bank.example/payments'],
    [' spiffe://bank.example/ ', 'spiffe://bank.example'],
  ])('says what was meant by %j', (text, meant) => {
    expect(faultOfSpiffeId(text)).toContain(`did you mean "${meant}"?`);
  });

  it.each([
    'https://bank.example/payments',
    'spiffe://bank.example:443/payments',
    'AKIAIOSFODNN7EXAMPLE1/wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY',
    'x'.repeat(5000),
    'hunter2',
    `${'/'.repeat(50_000)}!`,
  ])('repeats nothing that is no id: %.40j', (text) => {
    expect(faultOfSpiffeId(text)).not.toContain('did you mean');
  });

  const domain = fc.stringMatching(/^[a-z0-9._-]{1,40}$/);
  const segment = fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/).filter((text) => text !== '.' && text !== '..');

  it('is taken apart into what it was put together from, and any other byte in it makes it none', () => {
    fc.assert(
      fc.property(
        domain,
        fc.array(segment, { maxLength: 5 }),
        fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code)),
        fc.nat(),
        (trustDomain, segments, byte, place) => {
          const path = segments.map((each) => `/${each}`).join('');
          const id = `spiffe://${trustDomain}${path}`;
          expect(parseSpiffeId(id)).toEqual({ trustDomain, path });
          expect(isTrustDomain(trustDomain)).toBe(true);
          const at = place % (id.length + 1);
          if (/[A-Za-z0-9._/-]/.test(byte)) return;
          expect(parseSpiffeId(id.slice(0, at) + byte + id.slice(at))).toBeUndefined();
        },
      ),
    );
  });

  it('is one alone in one spelling: what parses is what is put together again', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'spife:/.-_aA%'), maxLength: 30 }), (rest) => {
        for (const text of [rest, `spiffe://${rest}`]) {
          const found = parseSpiffeId(text);
          if (found) expect(`spiffe://${found.trustDomain}${found.path}`).toBe(text);
        }
      }),
    );
  });
});

describe('the name of a trust domain', () => {
  it.each(['bank.example', 'bank', '1.2.3.4', 'a_b-c', longDomain])('%s', (name) => {
    expect(faultOfTrustDomain(name)).toBeUndefined();
  });

  it.each([
    ['spiffe://bank.example', 'bank.example'],
    ['Bank.Example', 'bank.example'],
    ['bank.example/', 'bank.example'],
    ['spiffe://bank.example/payments', 'bank.example'],
  ])('is not %s', (name, meant) => {
    expect(faultOfTrustDomain(name)).toContain(`did you mean "${meant}"?`);
  });

  it.each(['', ' ', '*', 'bank.example:443', 'bänk', `${longDomain}a`])('is not %j', (name) => {
    expect(faultOfTrustDomain(name)).toContain('is not the name of a trust domain');
  });
});
