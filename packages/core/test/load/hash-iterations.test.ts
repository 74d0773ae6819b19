import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { iterateHash } from '../../src/load/hash-iterations.ts';
import { pkcs12Kdf } from '../../src/load/kdf.ts';

function expected(hash: string, digest: Buffer, rounds: number): Buffer {
  let value = digest;
  for (let round = 0; round < rounds; round++) value = createHash(hash).update(value).digest();
  return value;
}

describe('rounds of a hash', () => {
  it.for(['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha3-256'])(
    '%s as Node computes it',
    async (hash) => {
      for (const rounds of [0, 1, 2, 499, 500, 1_203]) {
        const digest = createHash(hash).update(randomBytes(8)).digest();
        const want = expected(hash, digest, rounds);
        await iterateHash(hash, digest, rounds);
        expect(digest.equals(want)).toBe(true);
      }
    },
  );

  it.for(['sha1', 'sha256'])(
    '%s: counts of different lengths that share the lanes, and come while others run',
    async (hash) => {
      const counts = Array.from({ length: 11 }, (_, index) => {
        const digest = createHash(hash).update(String(index)).digest();
        return { digest, rounds: 1 + index * 377, want: expected(hash, digest, 1 + index * 377) };
      });
      await Promise.all(
        counts.map(async ({ digest, rounds }, index) => {
          if (index % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
          await iterateHash(hash, digest, rounds);
        }),
      );
      for (const { digest, want } of counts) expect(digest.equals(want)).toBe(true);
    },
  );
});

describe('attack: files that stop the process', () => {
  it.for([['sha1'], ['sha256'], ['md5', 'passphrase']] as const)(
    'long counts of %s run beside the event loop, and come to the same',
    async ([hash, text]) => {
      const suffix = text === undefined ? undefined : Buffer.from(text);
      const start = createHash(hash).update('start').digest();
      const rounds = 45_000;
      let want = start;
      for (let round = 0; round < rounds; round++)
        want = createHash(hash)
          .update(want)
          .update(suffix ?? '')
          .digest();
      let idle = 0;
      // Where it ran here the loop had nothing to wait for. A thread takes a while, unless the machine is so busy that
      // it has ended before this one goes on.
      for (let times = 0; times < 10 && idle === 0; times++) {
        const digests = [Buffer.from(start), Buffer.from(start), Buffer.from(start)];
        const held = performance.eventLoopUtilization();
        await Promise.all(digests.map((digest) => iterateHash(hash, digest, rounds, suffix)));
        for (const digest of digests) expect(digest.equals(want)).toBe(true);
        idle = performance.eventLoopUtilization(held).idle;
      }
      expect(idle).toBeGreaterThan(0);
    },
  );
});

describe('the key derivation of PKCS#12 (RFC 7292 appendix B)', () => {
  // Published with the PKCS#12 tests of several libraries: password "smeg".
  it.for([
    ['key', '0a58cf64530d823f', 1, 24, '8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3'],
    ['iv', '0a58cf64530d823f', 1, 8, '79993dfe048d3b76'],
    ['mac', '3d83c0e4546ac140', 1, 20, '8d967d88f6caa9d714800ab3d48051d63f73a312'],
  ] as const)('%s', async ([purpose, salt, rounds, length, want]) => {
    const password = Buffer.from('0073006d006500670000', 'hex');
    const derived = await pkcs12Kdf('sha1', password, Buffer.from(salt, 'hex'), rounds, purpose, length);
    expect(derived.toString('hex')).toBe(want);
  });
});
