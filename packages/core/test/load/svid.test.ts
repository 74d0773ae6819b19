import { X509Certificate } from 'node:crypto';
import { createAuthority } from '@clientcert/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode, OCTET_STRING } from '../../src/load/der.ts';
import { readSvid } from '../../src/load/svid.ts';
import { dns, type ExtensionParts, extensions, longTag, makeSvid, TRUE, uri } from './made-svid.ts';

const { names, keyUsage, constraints } = extensions;
const id = 'spiffe://bank.example/payments';
const read = (...given: ExtensionParts[]) => readSvid(makeSvid(...given).raw);
const found = { id, trustDomain: 'bank.example', path: '/payments' };

describe('the id of an X509-SVID', () => {
  it('is the one URI of its subjectAltName, whatever names stand beside it', async () => {
    const authority = await createAuthority();
    const issued = await authority.issue({ name: 'payments', hosts: ['a.example', '::1'], uris: [id] });
    expect(readSvid(new X509Certificate(issued.cert).raw)).toEqual(found);
    expect(read(names(dns('evil.example'), uri(id)))).toEqual(found);
    expect(read(names(uri(id)), keyUsage(0x80 | 0x20 | 0x08), constraints())).toEqual(found);
    expect(read(names(uri(id)), constraints(encode(0x01, Buffer.from([0]))))).toEqual(found);
  });

  it.each<[string, ExtensionParts[], RegExp]>([
    ['nowhere, the subject apart', [], /without a SPIFFE ID/],
    ['in a DNS name', [names(dns(id))], /without a SPIFFE ID/],
    ['in a DNS name with a comma', [names(dns(`a.example, URI:${id}`))], /without a SPIFFE ID/],
    ['in an e-mail address', [names(encode(0x81, Buffer.from(id)))], /without a SPIFFE ID/],
    [
      'in an otherName',
      [names(encode(0xa0, encode(0x06, Buffer.from([42])), encode(0xa0, uri(id))))],
      /without/,
    ],
    ['beside another', [names(uri(id), uri('spiffe://bank.example/other'))], /2 URIs/],
    ['twice', [names(uri(id), uri(id))], /2 URIs/],
    ['beside a URI that is none', [names(uri('https://bank.example'), uri(id))], /2 URIs/],
    ['in a second subjectAltName', [names(dns('a.example')), names(uri(id)), names(uri(id))], /2 URIs/],
    ['without its scheme', [names(uri('https://bank.example/payments'))], /not a SPIFFE ID/],
    ['in upper case', [names(uri('SPIFFE://bank.example/payments'))], /not a SPIFFE ID/],
    ['of a trust domain in upper case', [names(uri('spiffe://Bank.example/payments'))], /not a SPIFFE ID/],
    ['with a slash at its end', [names(uri(`${id}/`))], /not a SPIFFE ID/],
    ['with percent-encoding', [names(uri('spiffe://bank.example/pay%6dents'))], /not a SPIFFE ID/],
    ['with a comma', [names(uri(`${id}, URI:spiffe://bank.example/x`))], /not a SPIFFE ID/],
    ['with a quotation mark', [names(uri(`"${id}"`))], /not a SPIFFE ID/],
    ['with a NUL', [names(uri(`${id}\0.evil.example`))], /not a SPIFFE ID/],
    ['with a newline', [names(uri(`${id}\n`))], /not a SPIFFE ID/],
    ['with a byte above ASCII', [names(uri(`${id}\u00e9`))], /not a SPIFFE ID/],
    ['empty', [names(uri(''))], /not a SPIFFE ID/],
    ['too long', [names(uri(`${id}/${'x'.repeat(2048)}`))], /not a SPIFFE ID/],
    ['without a path', [names(uri('spiffe://bank.example'))], /whole trust domain/],
    ['in pieces', [names(encode(0xa6, encode(0x16, Buffer.from(id))))], /cannot be read/],
    [
      'with something behind it',
      [['2.5.29.17', Buffer.concat([names(uri(id))[1], uri(id)])]],
      /cannot be read/,
    ],
    // As OpenSSL reads it, [6] and BOOLEAN.
    ['beside another, of a tag that is longer', [names(uri(id), longTag(uri(id)))], /cannot be read/],
    ["of an authority's, by a tag that is longer", [names(uri(id)), constraints(longTag(TRUE))], /cannot/],
    ["of an authority's, by one longer still", [names(uri(id)), constraints(longTag(TRUE, 0x80))], /cannot/],
    ['in something else than a list', [['2.5.29.17', uri(id)]], /cannot be read/],
    ['cut off', [['2.5.29.17', names(uri(id))[1].subarray(0, -1)]], /cannot be read/],
    ["of an authority's", [names(uri(id)), constraints(TRUE)], /authority/],
    ["of an authority's, odd", [names(uri(id)), constraints(encode(0x01, Buffer.from([1])))], /authority/],
    [
      "of an authority's, behind its path length",
      [names(uri(id)), constraints(encode(2, Buffer.from([0])), TRUE)],
      /authority/,
    ],
    ['of an authority, said once of twice', [constraints(), names(uri(id)), constraints(TRUE)], /authority/],
    ['that signs certificates', [names(uri(id)), keyUsage(0x84)], /sign others/],
    ['that signs revocation lists', [names(uri(id)), keyUsage(0x82)], /sign others/],
    ['that signs, said once of twice', [keyUsage(0x04), names(uri(id)), keyUsage(0x80)], /sign others/],
    [
      'with a key usage that is none',
      [names(uri(id)), ['2.5.29.15', encode(OCTET_STRING)]],
      /cannot be read/,
    ],
  ])('is not what stands %s', (_, given, fault) => {
    expect(read(...given)).toMatchObject({ fault: expect.stringMatching(fault) });
  });

  it('is not found in an authority of the tests, nor in what is no certificate', async () => {
    const { certificate } = await createAuthority();
    expect(readSvid(new X509Certificate(certificate).raw)).toMatchObject({
      fault: expect.stringMatching(/authority/),
    });
    for (const bytes of [Buffer.alloc(0), Buffer.from([0x30, 0]), Buffer.from('nonsense')]) {
      expect(readSvid(bytes)).toMatchObject({ fault: expect.stringMatching(/cannot be read/) });
    }
  });

  it('is never another than the one that was signed, whichever byte of it is changed', () => {
    const { raw } = makeSvid(names(dns('a.example'), uri(id)), keyUsage(0x80));
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(raw);
        changed[at] = byte;
        const svid = readSvid(changed);
        if ('fault' in svid) return;
        expect(changed.includes(svid.id)).toBe(true);
        expect(svid.id).toMatch(/^spiffe:\/\/[a-z0-9._-]+\/[A-Za-z0-9._/-]+$/);
      }),
      { numRuns: 2000 },
    );
  });
});
