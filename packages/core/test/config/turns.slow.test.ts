import { setImmediate } from 'node:timers';
import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../src/config/check.ts';
import { buildTable } from '../../src/pin/table.ts';

describe('attack: files that stop the process', () => {
  const size = 20_000;
  const many = (entry: (index: number) => [string, unknown], length = size) =>
    Object.fromEntries(Array.from({ length }, (_, index) => entry(index)));

  it.each([
    ['rules', (size: number) => ({ hosts: many((index) => [`h${index}.bank.example`, false], size) })],
    [
      'wildcards',
      (size: number) => ({
        hosts: many((index) => [`*.h${index}.bank.example`, { certificate: false }], size),
      }),
    ],
    [
      'services',
      (size: number) => ({
        services: many((index) => [`s${index}`, { certificate: false, hosts: ['a.example'] }], size),
      }),
    ],
    [
      'hosts of one service',
      (size: number) => ({
        services: {
          s: { hosts: Object.keys(many((index) => [`h${index}.bank.example`, 0], size)), certificate: false },
        },
      }),
    ],
    [
      'rules with a mistake',
      (size: number) => ({
        hosts: many((index) => [`h${index}.bank.example`, { certificat: 'bank' }], size),
      }),
    ],
  ])(
    'a config of twenty thousand %s leaves the event loop its turns',
    async (_, config) => {
      // The first one takes those of the imports.
      await turnsDuring(config(2));
      const few = await turnsDuring(config(2));
      // A stretch is 5 ms long: how many there are depends on the machine, all in one go is none.
      expect(await turnsDuring(config(size))).toBeGreaterThan(few + 4);
    },
    60_000,
  );

  it('what twenty thousand rules say is read in turns, from the first on', async () => {
    let reads = 0;
    let most = 0;
    let checking = true;
    const turn = () => {
      most = Math.max(most, reads);
      reads = 0;
      if (checking) setImmediate(turn);
    };
    setImmediate(turn);
    const hosts = new Proxy(
      many((index) => [`h${index}.bank.example`, false]),
      {
        get(target, name) {
          reads += 1;
          // 40 ms for all of them, however quick the machine is: a stretch is 5 ms long.
          for (const end = performance.now() + 0.002; performance.now() < end; );
          return Reflect.get(target, name);
        },
      },
    );
    await checkConfig({ hosts });
    checking = false;
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(size);
  }, 60_000);

  const manyPorts = (host: string, pin: () => unknown) =>
    Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`${host}:${index + 1}`, pin()]));

  it('a host of sixty thousand ports is looked through once, however many services name it', async () => {
    const services = many((index) => [`s${index}`, { certificate: 'a', hosts: ['h.example:*'] }]);
    const config = {
      certificates: { a: { pfx: 'a.pfx' } },
      hosts: { ...manyPorts('h.example', () => false), 'h.example:*': { certificate: 'a' } },
      services,
    };
    const before = process.cpuUsage();
    await expect(checkConfig(config)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_RULE_CONFLICT' });
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(15);
  }, 120_000);

  it('of the pairs of a host and a shadowed port some are warned of, and the rest fill no memory', async () => {
    const hosts = manyPorts('*.bank.example', () => ({ tls: 'TLSv1.3' }));
    for (let index = 0; index < 5000; index++) hosts[`h${index}.bank.example:*`] = { tls: 'TLSv1.2' };
    const { warnings } = await checkConfig({ hosts });
    expect(warnings.length).toBeGreaterThan(1000);
    expect(warnings.length).toBeLessThanOrEqual(100_000);
  }, 120_000);
});

/** How often the event loop came round while a config was checked. */
async function turnsDuring(config: unknown): Promise<number> {
  let turns = 0;
  let checking = true;
  const turn = () => {
    turns += 1;
    if (checking) setImmediate(turn);
  };
  setImmediate(turn);
  try {
    const { pins } = await checkConfig(config);
    await buildTable(pins);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CLIENTCERT_CONFIG_INVALID' });
  }
  checking = false;
  return turns;
}
