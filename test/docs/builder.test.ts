import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Answers, build, findMistakes, start } from '../../docs/.vitepress/theme/builder.ts';
import { checkConfig } from '../../packages/core/src/config/check.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../packages/core/schema/clientcert.schema.json', import.meta.url), 'utf8'),
);
const validate = new Ajv({ strict: false }).compile(schema);

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/);
const host = fc
  .tuple(fc.boolean(), label, label, fc.constantFrom('', ':8443', ':*', ':1'))
  .map(([wildcard, a, b, port]) => `${wildcard ? '*.' : ''}${a}.${b}.example${port}`);
const service = fc
  .tuple(fc.stringMatching(/^[A-Z][A-Za-z.]{0,12}[a-z]$/), fc.array(host, { maxLength: 2 }))
  .map(([name, hosts]) => (hosts.length > 0 ? `${name}: ${hosts.join(', ')}` : name));

const answers: fc.Arbitrary<Answers> = fc.record({
  client: fc.constantFrom('axios', 'got', 'soap', 'undici', 'fetch', 'https'),
  name: fc.stringMatching(/^[a-z][a-z0-9]{0,4}(?:[.-][a-z0-9]{1,3}){0,2}$/),
  kind: fc.constantFrom('pfx', 'pair', 'pem', 'jks', 'directory'),
  encrypted: fc.boolean(),
  privateRoot: fc.boolean(),
  hosts: fc.uniqueArray(host, { maxLength: 4 }).map((hosts) => hosts.join('\n')),
  services: fc.array(service, { maxLength: 3 }).map((services) => services.join('\n')),
  tls: fc.constantFrom('default', 'TLSv1.2', 'TLSv1.3', 'legacy'),
  proxy: fc.constantFrom('unset', 'env', 'false'),
});

it('what the builder shows is valid against the published schema, and core takes it', async () => {
  await fc.assert(
    fc.asyncProperty(answers, async (given) => {
      fc.pre(Object.keys(findMistakes(given)).length === 0);
      const { config, json, esm, commonjs, install } = build(given);
      expect(JSON.parse(json)).toEqual(config);
      expect([validate(config), validate.errors]).toEqual([true, null]);
      await checkConfig(config);
      // Both are JavaScript, and say the same.
      const asScript = esm.replaceAll(/^import .*$/gm, '').replace('await ', '');
      for (const code of [`async () => {\n${asScript}\n}`, commonjs])
        expect(() => new Script(code)).not.toThrow();
      for (const code of [esm, commonjs]) expect(literalOf(code)).toEqual(config);
      expect(install).toMatch(/^npm install @clientcert\//);
      expect(json + esm + commonjs).not.toMatch(/BEGIN|secret"/);
    }),
    { numRuns: 300 },
  );
});

/** The object that `loadCredentials` is called with. */
function literalOf(code: string): unknown {
  const [, written] = /loadCredentials\(([\s\S]*?)\)(?:;|\.then)/.exec(code)!;
  return JSON.parse(JSON.stringify(new Script(`(${written})`).runInNewContext()));
}

it.each<[keyof Answers, string]>([
  ['hosts', 'https://api.bank.example'],
  ['hosts', 'api.bank.example/accounts'],
  ['hosts', 'api.bank.example:99999'],
  ['hosts', 'api.*.example'],
  ['hosts', '*.com'],
  ['hosts', '*.192.0.2.1'],
  ['hosts', 'api.bank.example\nAPI.bank.example:443'],
  ['hosts', ''],
  ['name', ''],
  ['name', 'a b'],
  ['services', ': api.bank.example'],
  ['services', 'Billing: https://api.bank.example'],
])('a mistake in %s is told at that field: %j', (field, value) => {
  expect(Object.keys(findMistakes({ ...start, [field]: value }))).toEqual([field]);
});
