import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import dependencies from '../docs/reference/dependencies.data.ts';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const packages = readdirSync(new URL('packages/', root));
const licences = ['MIT', 'ISC', 'Apache-2.0', '0BSD', 'BSD-3-Clause', '(BSD-3-Clause OR GPL-2.0)'];

describe('what is installed', () => {
  const rows = dependencies.load();

  it('is core’s own four dependencies with each adapter, and what these need', () => {
    const core = rows.find(({ name }) => name === '@clientcert/core')!.dependencies;
    const direct = core.filter((each) => each.direct).map(({ name }) => name);
    expect(direct).toEqual(['node-forge', 'proxy-from-env', 'tldts', 'valibot']);
    expect(core.length).toBeLessThanOrEqual(direct.length + 1);
    for (const adapter of ['axios', 'est', 'got', 'soap', 'spiffe', 'step', 'undici', 'vault']) {
      const { dependencies: installed } = rows.find(({ name }) => name === `@clientcert/${adapter}`)!;
      expect(installed.map(({ name }) => name)).toEqual(core.map(({ name }) => name));
    }
  });

  it.each(rows)(
    '$name comes under licences that ask for no more than to be named',
    ({ dependencies: all }) => {
      expect(all.filter(({ licence }) => !licences.includes(licence))).toEqual([]);
    },
  );

  it('runs no script when it is installed', () => {
    const { packages: locked } = JSON.parse(read('package-lock.json'));
    const names = new Set(rows.flatMap(({ dependencies: all }) => all.map(({ name }) => name)));
    const withScripts = Object.entries<{ hasInstallScript?: boolean }>(locked)
      .filter(
        ([path, { hasInstallScript }]) => hasInstallScript && names.has(path.split('node_modules/').at(-1)!),
      )
      .map(([path]) => path);
    expect(withScripts).toEqual([]);
  });
});

describe.each(packages)('packages/%s', (name) => {
  const manifest = JSON.parse(read(`packages/${name}/package.json`));

  it('is published for everybody, under the licence that it holds', () => {
    expect(manifest.publishConfig).toEqual({ access: 'public' });
    expect(read(`packages/${name}/LICENSE`)).toBe(read('LICENSE'));
  });

  it('has no script that npm runs where it is installed', () => {
    const scripts = Object.keys(manifest.scripts ?? {});
    expect(scripts.filter((script) => /^(?:pre|post)?install$|^prepare$/.test(script))).toEqual([]);
  });
});

describe.each(readdirSync(new URL('.github/workflows/', root)))('.github/workflows/%s', (file) => {
  const text = read(`.github/workflows/${file}`);

  it('uses actions by the commit, with the version beside it', () => {
    const uses = text.split('\n').filter((line) => line.includes('uses:'));
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('may do no more than read, unless a job says so', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read$/m);
  });
});
