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
});
