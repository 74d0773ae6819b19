import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credentials } from '@clientcert/core';
import type { Authority, IssuedCertificate } from '@clientcert/testing';
import { kubernetes } from '../../packages/core/test/rotate/scene.ts';
import type { Told } from './servers.ts';

type Tell = (told: Told) => Promise<unknown>;

/** Two certificates on disk that are renewed again and again: one as the kubelet does it, one as one file of its own. */
export class Renewals {
  count = 0;
  /** Files in which no certificate was; the one in use had to stay. */
  garbled = 0;
  readonly #published: Record<string, string> = {};
  #turn = 0;

  readonly authority: Authority;
  readonly directory: string;
  readonly tell: Tell;

  constructor(authority: Authority, directory: string, tell: Tell) {
    this.authority = authority;
    this.directory = directory;
    this.tell = tell;
  }

  get paths(): { alice: string; bob: string } {
    return { alice: join(this.directory, 'alice'), bob: join(this.directory, 'bob.pem') };
  }

  async begin(): Promise<void> {
    await mkdir(this.paths.alice);
    for (const name of ['alice', 'bob'] as const) await this.#write(name, await this.#issue(name));
  }

  /** Tells the servers when all of these have taken a version into use. */
  watch(all: readonly Credentials[]): void {
    const taken = new Map<string, number>();
    for (const credentials of all) {
      credentials.on('rotate', ({ current }) => {
        const times = (taken.get(current) ?? 0) + 1;
        taken.set(current, times);
        if (times < all.length) return;
        taken.delete(current);
        const name = Object.keys(this.#published).find((each) => this.#published[each] === current);
        // Another may have been written meanwhile: then this one was never in use everywhere.
        if (name) void this.tell({ kind: 'published', name, fingerprint: current, at: Date.now() });
      });
    }
  }

  async next(): Promise<void> {
    const name = this.#turn++ % 2 === 0 ? 'alice' : 'bob';
    if (this.#turn % 9 === 0) await this.#garble();
    await this.#write(name, await this.#issue(name));
    this.count += 1;
  }

  async #issue(name: string): Promise<IssuedCertificate> {
    const issued = await this.authority.issue({ name });
    this.#published[name] = issued.fingerprint256;
    await this.tell({ kind: 'issued', name, fingerprint: issued.fingerprint256 });
    return issued;
  }

  async #write(name: 'alice' | 'bob', issued: IssuedCertificate): Promise<void> {
    if (name === 'alice') return await kubernetes(this.paths.alice, issued);
    await writeFile(`${this.paths.bob}.new`, issued.fullChain + issued.key, { mode: 0o600 });
    await rename(`${this.paths.bob}.new`, this.paths.bob);
  }

  /** Half of a file, for long enough to be read. */
  async #garble(): Promise<void> {
    const issued = await this.authority.issue({ name: 'bob' });
    await writeFile(`${this.paths.bob}.new`, (issued.fullChain + issued.key).slice(0, 700), { mode: 0o600 });
    await rename(`${this.paths.bob}.new`, this.paths.bob);
    this.garbled += 1;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
