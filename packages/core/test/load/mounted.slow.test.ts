import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readCertificate } from '../../src/load/index.ts';
import { ecKey, ecLeaf, keyPem, leaf, pem } from './material.ts';

const directory = mkdtempSync(join(tmpdir(), 'clientcert-mounted-'));
afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, contents: string): void {
  const path = join(directory, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, contents, { mode: 0o600 });
}

describe.skipIf(process.platform === 'win32')(
  'a mounted secret, read hundreds of times while it moves',
  () => {
    it('never mixes two versions while ..data moves', async () => {
      const mount = join(directory, 'mount');
      const versions = [
        { name: '..1', crt: pem(leaf), key: keyPem },
        { name: '..2', crt: pem(ecLeaf), key: ecKey.export({ format: 'pem', type: 'pkcs8' }).toString() },
      ];
      for (const { name, crt, key } of versions) {
        write(`mount/${name}/tls.crt`, crt);
        write(`mount/${name}/tls.key`, key);
      }
      symlinkSync('..1', join(mount, '..data'));
      const beside = join(directory, 'beside');
      mkdirSync(beside);
      for (const name of ['tls.crt', 'tls.key']) {
        symlinkSync(`..data/${name}`, join(mount, name));
        symlinkSync(`../mount/${name}`, join(beside, name));
      }
      let flips = 0;
      let done = false;
      const flipping = (async () => {
        while (!done) {
          symlinkSync(versions[++flips % 2]!.name, join(mount, '..tmp'));
          renameSync(join(mount, '..tmp'), join(mount, '..data'));
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      const seen = new Set<string>();
      for (let round = 0; round < 100; round++)
        for (const source of [
          { dir: mount },
          { cert: join(mount, 'tls.crt'), key: join(mount, 'tls.key') },
          { cert: join(beside, 'tls.crt'), key: join(beside, 'tls.key') },
        ])
          seen.add((await readCertificate(source)).certificate.subject);
      done = true;
      await flipping;
      expect(seen.size).toBe(2);
      expect(flips).toBeGreaterThan(100);
    }, 180_000);

    it('finds the next version where the one it was about to read is removed', async () => {
      const mount = join(directory, 'removed');
      const flip = (version: number) => {
        write(`removed/..${version}/tls.crt`, pem(leaf));
        write(`removed/..${version}/tls.key`, keyPem);
        symlinkSync(`..${version}`, join(mount, '..tmp'));
        renameSync(join(mount, '..tmp'), join(mount, '..data'));
        rmSync(join(mount, `..${version - 1}`), { recursive: true, force: true });
      };
      flip(1);
      for (const name of ['tls.crt', 'tls.key']) symlinkSync(`..data/${name}`, join(mount, name));
      for (let version = 2; version < 200; version++) {
        const reading = readCertificate({ dir: mount });
        reading.catch(() => {}); // until it is awaited
        // Once during each reading, a little later each time.
        for (let turn = 0; turn < version % 12; turn++) await new Promise((resolve) => setImmediate(resolve));
        flip(version);
        expect((await reading).certificate.fingerprint256).toBe(leaf.fingerprint256);
      }
    });
  },
);
