import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGround, createPeople, nameOf, type People, until } from '../adapters/ground.ts';
import { expectClear, outcomeOf } from './clear.ts';
import { clients } from './clients.ts';
import { type Break, startGate } from './gate.ts';

/** Every point of a handshake, and of the answer behind it. */
const POINTS: readonly Omit<Break, 'how'>[] = [
  ...[0, 1, 2, 3, 4, 5, 6].map((after) => ({ of: 'server', after, unit: 'records' }) as const),
  ...[3, 80, 700, 3000].map((after) => ({ of: 'server', after, unit: 'bytes' }) as const),
  ...[0, 1, 2, 3].map((after) => ({ of: 'client', after, unit: 'records' }) as const),
  ...[3, 300].map((after) => ({ of: 'client', after, unit: 'bytes' }) as const),
];
/** Of those, what other clients than Node's own have: the handshake is Node's in all of them. */
const FEW = POINTS.filter((_, index) => [0, 2, 5, 9, 12, 13].includes(index));
const WAYS = ['fin', 'rst', 'stall'] as const;
const LENGTH = 200_000;

let people: People;
beforeAll(async () => {
  people = await createPeople();
});
afterAll(() => people.remove());

// Most of the time they wait for what is stalled.
describe.concurrent.each(['TLSv1.2', 'TLSv1.3'] as const)('a connection that breaks, %s', (tls) => {
  it.each(clients.map((client) => [client.name, client] as const))(
    '%s',
    { timeout: 300_000 },
    async (name, client) => {
      await using ground = await createGround(client, people);
      const server = await ground.bank({
        tls,
        handler: (_, response) => {
          response.setHeader('connection', 'close');
          return false;
        },
      });
      await using gate = await startGate(server.port);
      const credentials = await ground.load(server, { hosts: { [`localhost:${gate.port}`]: 'alice' } });
      const api = ground.client(credentials, { connectTimeout: 2_000 });
      const url = `https://localhost:${gate.port}/large?bytes=${LENGTH}`;
      const failed: string[] = [];
      for (const point of name === 'https' ? POINTS : FEW)
        for (const how of WAYS) {
          gate.fault = { ...point, how };
          const broken = gate.broken;
          const began = performance.now();
          const outcome = await outcomeOf(api.send(url, { timeout: how === 'stall' ? 300 : 25_000 }));
          const where = `${how} after ${point.after} ${point.unit} of the ${point.of}`;
          if ('error' in outcome) {
            failed.push(where);
            expectClear(outcome.error, people);
            // A connection that was closed is no matter of waiting.
            if (how !== 'stall') expect(performance.now() - began, where).toBeLessThan(20_000);
          } else
            expect([where, outcome.answer.status, outcome.answer.length >= LENGTH]).toEqual([
              where,
              200,
              true,
            ]);
          if (gate.broken > broken) expect(failed, where).toContain(where);
          // The next one, with the same credentials and client, is as if nothing had been.
          gate.fault = undefined;
          const next = await outcomeOf(api.send(url, { timeout: 25_000 }));
          expect(next, where).toHaveProperty('answer.status', 200);
        }
      expect(failed.length).toBeGreaterThanOrEqual(name === 'https' ? 40 : 14);
      expect(new Set(server.requests.map(nameOf))).toEqual(new Set(['alice']));
      await api.close?.();
      await credentials.close();
      await until(() => gate.open === 0);
    },
  );
});
