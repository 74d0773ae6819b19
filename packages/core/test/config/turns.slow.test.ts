import { setImmediate } from 'node:timers';
import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../src/config/check.ts';
import { buildTable } from '../../src/pin/table.ts';

describe('attack: files that stop the process', () => {
  const size = 20_000;
  const many = (entry: (index: number) => [string, unknown]) =>
    Object.fromEntries(Array.from({ length: size }, (_, index) => entry(index)));

  it.each([
    ['rules', { hosts: many((index) => [`h${index}.bank.example`, false]) }],
    ['wildcards', { hosts: many((index) => [`*.h${index}.bank.example`, { certificate: false }]) }],
    ['services', { services: many((index) => [`s${index}`, { certificate: false, hosts: ['a.example'] }]) }],
    [
      'hosts of one service',
      {
        services: {
          s: { hosts: Object.keys(many((index) => [`h${index}.bank.example`, 0])), certificate: false },
        },
      },
    ],
    ['rules with a mistake', { hosts: many((index) => [`h${index}.bank.example`, { certificat: 'bank' }]) }],
  ])(
    'a config of twenty thousand %s leaves the event loop its turns',
    async (_, config) => {
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
      // Each stretch is 5 ms long; all in one go there would be a handful, for the imports.
      expect(turns).toBeGreaterThan(20);
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
