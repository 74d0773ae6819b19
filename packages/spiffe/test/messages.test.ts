import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ClientCertificateError } from '../src/index.ts';
import { readIdentities } from '../src/messages.ts';
import { encode, field, varint } from './agent.ts';

const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((each) => Buffer.from(each));
const svid = fc.record({
  spiffe_id: fc.string({ minLength: 1 }),
  x509_svid: bytes,
  x509_svid_key: bytes,
  bundle: bytes,
  hint: fc.string(),
});
const svids = fc.array(svid, { minLength: 1, maxLength: 5 });
const federated = fc.dictionary(fc.string({ minLength: 1 }), bytes, { maxKeys: 5 });

it('reads what was written', () => {
  fc.assert(
    fc.property(svids, federated, (given, roots) => {
      const read = readIdentities(encode({ svids: given, federated: roots }));
      expect(read.svids).toEqual(
        given.map((each) => ({
          id: each.spiffe_id,
          chain: each.x509_svid,
          key: each.x509_svid_key,
          bundle: each.bundle,
          hint: each.hint,
        })),
      );
      expect([...read.federated]).toEqual(Object.entries(roots));
    }),
  );
});

it('passes over what is not known here, of every type, before, between and behind', () => {
  const unknown = [
    Buffer.concat([varint(100 * 8), varint(2 ** 40)]),
    Buffer.concat([varint(100 * 8 + 1), Buffer.alloc(8)]),
    Buffer.concat([varint(100 * 8 + 5), Buffer.alloc(4)]),
    field(100, 'text'),
    // A number that is known, of another type than it has.
    Buffer.concat([varint(1 * 8), varint(7)]),
    // Negative numbers have ten bytes.
    Buffer.concat([varint(100 * 8), Buffer.alloc(9, 0xff), Buffer.from([1])]),
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...unknown)), svid, (others, given) => {
      const own = encode({ svids: [given] });
      const read = readIdentities(Buffer.concat([...others, own, ...others]));
      expect(read).toEqual(readIdentities(own));
    }),
  );
});

it('says of whatever else comes that it is none, and nothing else', () => {
  const damaged = fc
    .tuple(svids, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean())
    .map(([given, place, byte, isCut]) => {
      const message = encode({ svids: given });
      const at = place % message.length;
      if (isCut) return message.subarray(0, at);
      message[at] = byte;
      return message;
    });
  fc.assert(
    fc.property(fc.oneof(bytes, damaged), (message) => {
      try {
        readIdentities(message);
      } catch (error) {
        expect(error).toBeInstanceOf(ClientCertificateError);
        expect(error).toMatchObject({ hint: expect.any(String) });
      }
    }),
    { numRuns: 1000 },
  );
});
