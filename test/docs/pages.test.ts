import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const docs = join(root, 'docs');

const pages = readdirSync(docs, { recursive: true, encoding: 'utf8' })
  .filter(
    (path) => path.endsWith('.md') && !path.startsWith('.') && !path.startsWith(join('reference', 'api')),
  )
  .map((path) => [path.replaceAll('\\', '/'), readFileSync(join(docs, path), 'utf8')] as const);

/** The tests that run examples. */
const tests = [
  'examples/test',
  'examples/sdks/test',
  'test/adapters',
  'test/consumers',
  'packages/vault/test',
]
  .map((folder) => join(root, folder))
  .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
  .filter((path) => /(\.test\.ts|run\.mjs)$/.test(path))
  .map((path) => readFileSync(path, 'utf8'));

/** Whether one of them names each part of the example's path: `coming-from`, `got`, `after`. */
function isRun(path: string): boolean {
  const parts = path.replace(/(\.test)?\.\w+$/, '').split('/');
  return tests.some((text) => parts.every((part) => new RegExp(`(?<![\\w-])${part}(?![\\w-])`).test(text)));
}

const read = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const manifest = read('package.json');
const known = [
  ...Object.keys(manifest.devDependencies),
  ...readdirSync(join(root, 'packages')).flatMap((name): string[] => {
    const { name: its, peerDependencies = {} } = read(`packages/${name}/package.json`);
    return [its, ...Object.keys(peerDependencies)];
  }),
];
const commands = [
  'inspect',
  'check',
  'explain',
  'probe',
  'convert',
  'csr',
  'import',
  'export',
  'migrate',
  'tokens',
  'console',
  'demo',
  'completion',
];

describe.each(pages)('docs/%s', (_, text) => {
  it('shows no code that is typed into it: examples and commands only', () => {
    const languages = [...text.matchAll(/^```(\S*)$/gm)].map(([, language]) => language).filter(Boolean);
    expect(new Set(languages)).toEqual(new Set(languages.length > 0 ? ['sh'] : []));
  });

  it('has a title over each column of a table', () => {
    const titles = [...text.matchAll(/^(\|.*\|)\n\|[-:| ]+\|$/gm)].map(([, line]) => line!);
    expect(titles.filter((line) => /\|\s*\|/.test(line))).toEqual([]);
  });

  it('includes only files that are there, and that a test runs', () => {
    for (const [, path, region] of text.matchAll(/^<<< @\/\.\.\/(\S+?)(?:#([\w-]+))?$/gm)) {
      expect(existsSync(join(root, path!)), path).toBe(true);
      if (region) expect(readFileSync(join(root, path!), 'utf8')).toContain(`#region ${region}\n`);
      const example = path!.replace(/^examples\//, '');
      // A test of an example that is a test itself: vitest finds it.
      expect(isRun(example) || example.endsWith('.test.ts'), path).toBe(true);
    }
  });

  it('names no command, script or package that is not there', () => {
    for (const [, block] of text.matchAll(/^```sh\n([^`]+)^```$/gm)) {
      for (const line of block!.split('\n')) {
        const [, command] = /npx clientcert (\w+)/.exec(line) ?? [];
        if (command) expect(commands).toContain(command);
        const [, script] = /npm run ([\w:]+)/.exec(line) ?? [];
        if (script) expect(Object.keys(manifest.scripts)).toContain(script);
        const [, file] = /node (?:--\S+ )*(test\S+)/.exec(line) ?? [];
        if (file) expect(existsSync(join(root, file)), file).toBe(true);
        const [, installed = ''] = /npm install (?:--save-dev )?(.*)/.exec(line) ?? [];
        for (const name of installed.split(' ').filter(Boolean)) expect(known, line).toContain(name);
      }
    }
  });

  it('points to files of the repository that are there', () => {
    for (const [, path] of text.matchAll(
      /github\.com\/clientcert\/clientcert\/(?:tree|blob)\/main\/([^)\s'#]+)/g,
    ))
      expect(existsSync(join(root, path!)), path).toBe(true);
  });

  it('begins with one heading of the first level', () => {
    expect(text.match(/^# /gm)).toHaveLength(1);
  });
});

it('client pages have the same headings, in the same order', () => {
  const headings = (text: string) => [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
  const expected = [
    'Install',
    'Before and after',
    'Variants',
    'Pinning to hosts and services',
    'TLS version',
    'Proxies',
    'Testing',
    'Limits',
    'Supported versions',
  ];
  for (const [path, text] of pages)
    if (path.startsWith('clients/'))
      // What only one client has stands between them.
      expect([path, headings(text).filter((heading) => expected.includes(heading!))]).toEqual([
        path,
        expected,
      ]);
});

it('the glossary is in order, and every term of it is linked from somewhere', () => {
  const [, glossary = ''] = pages.find(([path]) => path === 'glossary.md')!;
  const terms = [...glossary.matchAll(/^## (.+)$/gm)].map(([, term]) => term!);
  const plain = (term: string) => term.toLowerCase().replaceAll(/[^a-z0-9 ]/g, '');
  expect(terms).toEqual(terms.toSorted((a, b) => (plain(a) < plain(b) ? -1 : 1)));
  const everything = pages.map(([, text]) => text).join('\n');
  const anchors = terms.map((term) => term.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'));
  const isLinked = (anchor: string) => new RegExp(`\\((/glossary)?#${anchor}\\)`).test(everything);
  expect(anchors.filter((anchor) => !isLinked(anchor))).toEqual([]);
});

it('every code and every warning is in the reference, and no other', () => {
  const reference = readFileSync(join(docs, 'reference/errors.md'), 'utf8');
  const source = (path: string) => readFileSync(join(root, 'packages/core/src', path), 'utf8');
  const codes = [...source('errors.ts').matchAll(/^ {2}\| '(ERR_CLIENTCERT_\w+)'/gm)].map(([, code]) => code);
  const told = [...reference.matchAll(/^### (ERR_CLIENTCERT_\w+)$/gm)].map(([, code]) => code);
  expect(told.toSorted()).toEqual(codes.toSorted());
  const [, union = ''] = /export type WarningCode =([^;]+);/.exec(source('types.ts')) ?? [];
  const warnings = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
  const warned = [...reference.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code);
  expect(warned.toSorted()).toEqual(warnings.toSorted());
});
