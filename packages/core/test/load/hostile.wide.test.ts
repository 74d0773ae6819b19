import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientCertificateError } from '../../src/errors.ts';
import { inspectFile, readCertificate, readRoots } from '../../src/load/index.ts';
import { bytesOf, rows } from './manifest.ts';
import { chain, codeOf, identityPem, passphrase, pkcs8, rsaKey } from './material.ts';
import {
  bag,
  certificateBag,
  encryptedSafe,
  macData,
  octets,
  pbes2,
  pbes2Scrypt,
  pfx,
  safe,
  sequence,
  shroudedBag,
} from './write.ts';

const bombs: Record<string, () => Buffer> = {
  'a MAC of 2^31-1 rounds': () => pfx([safe()], macData(2 ** 31 - 1)),
  'a MAC of 2^200 rounds': () => pfx([safe()], macData(2n ** 200n)),
  'an encrypted safe of 6,000,000 rounds': () => pfx([encryptedSafe(pbes2(6_000_000), Buffer.alloc(32))]),
  'a shrouded key of 6,000,000 rounds': () =>
    pfx([safe(shroudedBag(sequence(pbes2(6_000_000), octets(Buffer.alloc(32)))))]),
  'parts of 2,000,000 rounds each, too many together': () =>
    pfx(
      [
        encryptedSafe(pbes2(2_000_000), Buffer.alloc(32)),
        safe(shroudedBag(sequence(pbes2(2_000_000), octets(Buffer.alloc(32))))),
      ],
      macData(2_000_000),
    ),
  'an encrypted PKCS#8 key': () => sequence(pbes2(6_000_000), octets(Buffer.alloc(32))),
  'encrypted PKCS#8 keys in PEM, too many together': () =>
    Buffer.from(
      `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${sequence(pbes2(3_000_000), octets(Buffer.alloc(32))).toString('base64')}\n-----END ENCRYPTED PRIVATE KEY-----\n`.repeat(
        2,
      ),
    ),
  'scrypt that takes 2 GiB': () => sequence(pbes2Scrypt(2 ** 21, 8, 1), octets(Buffer.alloc(32))),
  'scrypt of 2^60': () => sequence(pbes2Scrypt(2n ** 60n, 8, 1), octets(Buffer.alloc(32))),
  'scrypt with p of 1,000': () => sequence(pbes2Scrypt(16_384, 8, 1_000), octets(Buffer.alloc(32))),
};

describe("key derivation is the attacker's to choose", () => {
  it.for(Object.entries(bombs))('%s is refused before it starts', async ([, make]) => {
    const began = process.cpuUsage();
    expect(await codeOf(readCertificate({ pfx: make(), passphrase }))).toBe('KDF_TOO_EXPENSIVE');
    // Any one of these would take seconds; this is no measurement.
    const { user } = process.cpuUsage(began);
    expect(user).toBeLessThan(1_000_000);
  });

  it('maxIterations moves the cap, both ways', async () => {
    const file = bytesOf('pfx/aes128-sha256.p12');
    expect(await codeOf(readCertificate({ pfx: file, passphrase, maxIterations: 4_095 }))).toBe(
      'KDF_TOO_EXPENSIVE',
    );
    expect(await codeOf(readCertificate({ pfx: file, passphrase, maxIterations: 20_000 }))).toBe('none');
    const dear = sequence(pbes2(5_000_001), octets(Buffer.alloc(32)));
    expect(await codeOf(inspectFile(dear, { maxIterations: 6_000_000 }))).toBe('PASSPHRASE_MISSING');
  });

  it('a legal count never holds the event loop for long', async () => {
    const reading = readCertificate({ pfx: bytesOf('pfx/nss-rc2-ec.p12'), passphrase });
    let turns = 0;
    let busy = true;
    void reading.finally(() => {
      busy = false;
    });
    while (busy) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
    await reading;
    expect(turns).toBeGreaterThan(5);
  });
});

describe('shapes that break parsers', () => {
  it('20,000 levels of nesting', async () => {
    const deep = Buffer.concat([Buffer.alloc(40_000, Buffer.from('3080', 'hex')), Buffer.alloc(40_000)]);
    expect(await codeOf(readCertificate({ pfx: deep, passphrase }))).toBe('FILE_CORRUPT');
    let nested = certificateBag(chain[0]!.raw);
    for (let level = 0; level < 100; level++) nested = bag(6, sequence(nested));
    expect(await codeOf(readCertificate({ pfx: pfx([safe(nested)]), passphrase }))).toBe('FILE_CORRUPT');
  });

  it('megabytes of what looks like the beginning of something', async () => {
    for (const unit of [
      '-----BEGIN ',
      '-----BEGIN CERTIFICATE-----\n',
      '-----',
      ' ',
      '\\n',
      'MII',
      '0\x80',
      '<',
      'a:\n',
      '{"a":',
    ])
      expect(await codeOf(readCertificate({ pfx: Buffer.from(unit.repeat(2 ** 21 / unit.length)) }))).toMatch(
        /^[A-Z_]+$/,
      );
  });
});

/** The distinct files of the manifest that take little time, with their passphrases. */
const slow = /nss|gnutls|bouncy|iter600k|scrypt\.key|jceks|null-aes|emptyct/;
const files = [...new Map(rows.map((row) => [row.file, row])).values()]
  .filter(({ file }) => !slow.test(file))
  .map(({ file, passphrase: text }) => ({ bytes: bytesOf(file), passphrase: text }));
files.push({ bytes: Buffer.from(identityPem), passphrase });

const anyFile = fc.constantFrom(...files);
const position = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

/** Reads in every way; anything but an identity or our own error fails, and so does an error that carries a secret. */
async function expectOursOnly(bytes: Buffer, text: string | undefined): Promise<void> {
  for (const read of [
    () => readCertificate({ pfx: bytes, passphrase: text, maxIterations: 50_000 }, { key: 'optional' }),
    () => readRoots(bytes, { passphrase: text, maxIterations: 50_000 }),
  ])
    try {
      await read();
    } catch (error) {
      expect(error).toBeInstanceOf(ClientCertificateError);
      expect((error as Error).message.length).toBeLessThan(2_000);
      // A slip of our own would be reported as a corrupt file: it must not hide there.
      const { cause } = error as Error;
      if (cause instanceof TypeError || cause instanceof ReferenceError) expect(cause).toBe('a bug');
    }
}

describe('whatever the bytes are, only ClientCertificateError is thrown', () => {
  it('bit flips', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyFile,
        fc.array(fc.tuple(position, fc.integer({ min: 0, max: 7 })), { minLength: 1, maxLength: 4 }),
        async ({ bytes, passphrase: text }, flips) => {
          const changed = Buffer.from(bytes);
          for (const [at, bit] of flips) changed[Math.floor(at * changed.length)]! ^= 1 << bit;
          await expectOursOnly(changed, text);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('bit flips in the headers, where structure is', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyFile,
        fc.integer({ min: 0, max: 160 }),
        fc.integer({ min: 0, max: 255 }),
        async ({ bytes, passphrase: text }, at, value) => {
          const changed = Buffer.from(bytes);
          changed[at % changed.length] = value;
          await expectOursOnly(changed, text);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('truncations', async () => {
    await fc.assert(
      fc.asyncProperty(anyFile, position, async ({ bytes, passphrase: text }, at) => {
        await expectOursOnly(bytes.subarray(0, Math.floor(at * bytes.length)), text);
      }),
      { numRuns: 300 },
    );
  });

  it('splices of two files', async () => {
    await fc.assert(
      fc.asyncProperty(anyFile, anyFile, position, position, async (first, second, from, to) => {
        const head = first.bytes.subarray(0, Math.floor(from * first.bytes.length));
        const tail = second.bytes.subarray(Math.floor(to * second.bytes.length));
        await expectOursOnly(Buffer.concat([head, tail]), first.passphrase);
      }),
      { numRuns: 300 },
    );
  });

  it('bytes, text and base64 of nothing in particular', async () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ maxLength: 300 }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(Buffer.from(bytes).toString('base64'))),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => sequence(bytes)),
      fc
        .uint8Array({ maxLength: 200 })
        .map((bytes) => Buffer.concat([Buffer.from('cececece00000002', 'hex'), bytes])),
    );
    await fc.assert(
      fc.asyncProperty(noise, (bytes) => expectOursOnly(bytes, passphrase)),
      { numRuns: 500 },
    );
  });

  it('a truncated PFX is corrupt at every length', async () => {
    const file = pfx([safe(certificateBag(chain[0]!.raw), bag(1, pkcs8(rsaKey)))]);
    for (let length = 4; length < file.length; length += 7)
      expect([length, await codeOf(readCertificate({ pfx: file.subarray(0, length), passphrase }))]).toEqual([
        length,
        'FILE_CORRUPT',
      ]);
  });
});
