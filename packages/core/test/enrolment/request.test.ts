import { createPublicKey, X509Certificate } from 'node:crypto';
import { createAuthority } from '@clientcert/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDerRequest } from '../../../vault/test/engine.ts';
import { secondsOf } from '../../src/enrolment/option-check.ts';
import {
  clientExtensions,
  commonName,
  createKey,
  createRequest,
  isFor,
  keyTypeOf,
  keyTypes,
  kindOf,
  partsOf,
} from '../../src/enrolment.ts';

const key = await createKey('p-256');
const requested = (names: string[]) =>
  readDerRequest(createRequest(key, commonName('me.example'), clientExtensions(names)));

describe('createRequest()', () => {
  it.each(keyTypes.filter((type) => !/^rsa-[34]/.test(type)))(
    'signs with a key of the type %s',
    async (type) => {
      const made = await createKey(type);
      const { publicKey } = readDerRequest(createRequest(made, commonName('x'), clientExtensions([])));
      expect(publicKey.equals(createPublicKey(made))).toBe(true);
      expect(keyTypeOf(publicKey)).toBe(type);
    },
  );

  it('says what is to stand in the certificate', () => {
    expect(requested(['a.example', '192.0.2.1', 'spiffe://me.example/a', 'me@me.example'])).toMatchObject({
      commonName: 'me.example',
      names: ['82 a.example', '87 c0000201', '86 spiffe://me.example/a', '81 me@me.example'],
    });
  });

  it('encodes every IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const [, hex] = requested([address]).names[0]!.split(' ');
        const { hostname } = new URL(`http://[${hex!.match(/.{4}/g)!.join(':')}]`);
        expect(hostname).toBe(new URL(`http://[${address}]`).hostname);
      }),
      { numRuns: 50 },
    );
  });

  it('takes names and usages over from a certificate', async () => {
    const authority = await createAuthority();
    const issued = await authority.issue({ name: 'Ünal', hosts: ['a.example', '192.0.2.1'], usage: 'both' });
    const certificate = new X509Certificate(issued.cert);
    const { subject, extensions } = partsOf(certificate.raw);
    const { commonName: name, names } = readDerRequest(
      createRequest(key, subject, clientExtensions([], extensions)),
    );
    expect({ name, names }).toEqual({ name: 'Ünal', names: ['82 a.example', '87 c0000201'] });
    expect(clientExtensions([], extensions).get('2.5.29.37')).toEqual(extensions.get('2.5.29.37'));
    const wanted = [['a.example'], ['192.0.2.1', 'a.example'], [], ['b.example'], ['192.0.2.2']];
    expect(wanted.map((each) => isFor(certificate, 'Ünal', each))).toEqual([true, true, true, false, false]);
    expect(isFor(certificate, 'Ün', [])).toBe(false);
  });

  it('tells names apart by their form', () => {
    const names = ['::1', 'urn:a:b', 'https://a.example/b', 'a@b.example', 'a.example:443', 'a.example'];
    expect(names.map(kindOf)).toEqual(['ip', 'uri', 'uri', 'email', 'host', 'host']);
  });
});

it('reads durations', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(59), fc.nat(59), (h, m, s) => {
      expect(secondsOf(`${h}h${m}m${s}s`)).toBe(h * 3600 + m * 60 + s);
    }),
  );
  const written = ['90', 90, '1.5h', '2d', '', 'h', '1w', '-1h'];
  const none = [undefined, undefined, undefined, undefined];
  expect(written.map(secondsOf)).toEqual([90, 90, 5400, 172_800, ...none]);
});
