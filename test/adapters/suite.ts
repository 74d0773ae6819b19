import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdapterUnderTest } from './adapter.ts';
import { conflicts } from './cases/conflicts.ts';
import { identity } from './cases/identity.ts';
import { lifetime } from './cases/lifetime.ts';
import { proxies } from './cases/proxies.ts';
import { redirects } from './cases/redirects.ts';
import { secrets } from './cases/secrets.ts';
import { servers } from './cases/servers.ts';
import { transfers } from './cases/transfers.ts';
import { ways } from './cases/ways.ts';
import { removeBuilt } from './child.ts';
import { type Case, createGround, createPeople, type People } from './ground.ts';

const groups = {
  'which certificate a server sees': identity,
  'which server a certificate is for': servers,
  redirects,
  proxies,
  'attack: identities that mix': ways,
  'what the caller brings': conflicts,
  'streams, aborts and timeouts': transfers,
  secrets,
  'renewal and the end': lifetime,
};

/** Runs every case over one adapter; what it declares unsupported is listed with its reason. */
export function describeAdapter(adapter: AdapterUnderTest): void {
  afterAll(removeBuilt); // at the end of the file: its adapters share what is built
  describe(adapter.name, () => {
    let people: People;
    beforeAll(async () => {
      people = await createPeople();
    });
    afterAll(() => people.remove());

    for (const [group, cases] of Object.entries<Record<string, Case>>(groups)) {
      describe(group, () => {
        for (const [name, run] of Object.entries(cases)) {
          const reason = adapter.unsupported?.[name];
          if (reason === undefined) {
            it(name, async () => {
              await using ground = await createGround(adapter, people);
              await run(ground);
            });
          } else it.skip(`${name} (${adapter.name}: ${reason})`, () => {});
        }
      });
    }

    it('declares unsupported only what is a case, with a reason', () => {
      const names = Object.values(groups).flatMap((cases) => Object.keys(cases));
      for (const [name, reason] of Object.entries(adapter.unsupported ?? {})) {
        expect(names).toContain(name);
        expect(reason).toMatch(/\w/);
      }
    });
  });
}
