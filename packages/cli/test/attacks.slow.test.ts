import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportOn } from '../src/inspect/read.ts';
import { makePlan } from '../src/migrate/plan.ts';
import { assemble } from '../src/other/assemble.ts';
import { readBruno } from '../src/other/bruno.ts';
import { readCurl } from '../src/other/curl.ts';
import { readCypress } from '../src/other/cypress.ts';
import { readInsomnia } from '../src/other/insomnia.ts';
import { readK6 } from '../src/other/k6.ts';
import { importMendix } from '../src/other/mendix.ts';
import { readPostman } from '../src/other/read.ts';
import { readSpring } from '../src/other/spring.ts';

describe('attack: files that stop the process', () => {
  it('a file of hundreds of identities is looked at as often as somebody reads of', {
    timeout: 60_000,
  }, async () => {
    const authority = await createAuthority();
    const issued = await Promise.all(
      Array.from({ length: 60 }, (_, index) => authority.issue({ name: `bank-${index}` })),
    );
    const bytes = Buffer.from(issued.map(({ cert, key }) => `${key}${cert}`).join(''));
    const report = await reportOn('many.pem', {}, bytes);
    // Each was read with all of the others: four hundred took two minutes.
    expect(report.identities).toHaveLength(20);
    expect(report.skipped).toEqual(['40 further private keys']);
  });

  /** Some hundred kilobytes of each took minutes and more. */
  describe('settings of other tools that ask for more than they are worth', () => {
    const many = 40_000;
    const each = (line: (index: number) => unknown) =>
      Array.from({ length: many }, (_, index) => line(index));
    const settings: Record<string, () => unknown> = {
      'constants whose type never ends': () => readK6('const tlsAuth : a '.repeat(many)),
      'a list within a list': () => readK6('tlsAuth: ['.repeat(many)),
      'a name again and again': () => readK6('tlsAuth: [] '.repeat(many)),
      'comments that never end': () => readK6('tlsAuth: /* '.repeat(many)),
      'strings that never end': () => readK6("tlsAuth: ' ".repeat(many)),
      'names of constants': () => readK6(`tlsAuth: [${each((index) => `v${index}`).join(',')}]`),
      'constants of constants': () =>
        readK6(
          `${Array.from({ length: 9 }, (_, index) => `let b${index}=[${Array(20).fill(index ? `b${index - 1}` : '1')}];`).join('')}tlsAuth: b8`,
        ),
      'calls that are left out': () =>
        readCurl(each((index) => `curl --cert a.pem http://h${index}`).join('\n')),
      'options that begin with dashes': () => readCurl(`cert = a\n${'-'.repeat(many)}\u2028`),
      'a config that is no pass': () =>
        readCurl(`curl --cert a.p12 --config <(${'pass '.repeat(many)}) https://h`),
      'certificates of one name': () =>
        assemble(
          readPostman(
            JSON.stringify(
              each((index) => ({
                ...{
                  name: 'ü',
                  matches: [`https://h${index}/*`],
                  pfx: { src: `${index}.p12` },
                  passphrase: 'x',
                },
              })),
            ),
          ),
          String,
        ),
      'options that are not known': () =>
        readInsomnia(
          each((index) => JSON.stringify({ _id: index, host: `h${index}`, pfx: 'x', z: 1 })).join('\n'),
        ),
      'certificates of one host': () =>
        readCypress(JSON.stringify([{ url: 'https://h', certs: each((index) => ({ pfx: `${index}` })) }])),
      'properties of dots': () => readSpring(`spring.ssl.bundle.jks.${'a.'.repeat(many)}!=1`, 'a.properties'),
      'blanks that lead to a return': () => readSpring(`a${' '.repeat(many)}\rx`, 'a.properties'),
      'lines that are empty': () => readSpring(`${'\n'.repeat(many)}x`, '-'),
      'a list in properties': () =>
        readSpring(each((index) => `spring.ssl.bundle.jks.b.x[${index}]=y`).join('\n'), 'a.properties'),
      'braces in a domain': () =>
        readBruno(
          JSON.stringify({
            certs: [{ domain: `{{${'}}'.repeat(many)}::`, pfxFilePath: '{{'.repeat(many) }],
          }),
        ),
      'keys of YAML': () => readBruno(each((index) => `k${index}: 1`).join('\n')),
      'aliases of YAML': () => readBruno(`a: &a [1]\n${each((index) => `b${index}: *a`).join('\n')}`),
      'anchors of YAML': () => readBruno('&a '.repeat(many)),
      'blanks within a value': () => importMendix(`a=x${' '.repeat(many)}y`, String),
      'files of one name': () =>
        importMendix(
          JSON.stringify({
            ClientCertificates: each((index) => `${index}/a.pfx`).join(','),
            ClientCertificateUsages: Object.fromEntries(
              each((index) => [`h${index}`, `${index}/a.pfx`]) as [],
            ),
          }),
          String,
        ),
    };
    it.each(Object.keys(settings))('%s', { timeout: 120_000 }, async (name) => {
      const begin = performance.now();
      try {
        await settings[name]!();
      } catch (error) {
        expect(error).toMatchObject({ message: expect.any(String) });
        expect(error).not.toBeInstanceOf(RangeError);
      }
      expect(performance.now() - begin).toBeLessThan(30_000);
    });
  });

  /** A repository may be anybody's. A few of these lines never ended, and took all memory. */
  describe('code that asks for more than it is worth', () => {
    let directory: string;
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'clientcert-hostile-'));
    });
    afterAll(() => rm(directory, { recursive: true }));
    const head = "import https from 'node:https';\nimport fs from 'node:fs';\n";
    const levels = (line: (before: string, own: string) => string) =>
      Array.from({ length: 18 }, (_, at) => line(`c${at}`, `c${at + 1}`)).join('\n');
    const use = (options: string) =>
      `\nhttps.get('https://a.example/', { agent: new https.Agent(${options}) });`;
    const all =
      "\nconst password = c18;\nhttps.get('https://' + c18, { agent: new https.Agent({ pfx: fs.readFileSync(c18), passphrase: c18 }) });";
    const code: Record<string, string> = {
      'objects that spread others again and again': `const c0 = {};\n${levels(
        (before, own) => `const ${own} = {${`...${before},`.repeat(50)}};`,
      )}${use('{ ...c18, pfx }')}`,
      'texts of texts': `const c0 = 'x';\n${levels(
        (before, own) => `const ${own} = \`${`\${${before}}`.repeat(50)}\`;`,
      )}${all}`,
      'sums of sums': `const c0 = 'x';\n${levels(
        (before, own) => `const ${own} = ${Array(50).fill(before).join(' + ')};`,
      )}${all}`,
      'paths of paths': `import path from 'node:path';\nconst c0 = 'x';\n${levels(
        (before, own) => `const ${own} = path.join(${Array(50).fill(before).join()});`,
      )}${all}`,
      'texts in a ring': `${levels((before, own) => `const ${before} = \`${`\${${own}}`.repeat(50)}\`;`)}\nconst c18 = c0;${all}`,
      'parameters without end': `function f(${Array.from({ length: 30_000 }, (_, at) => `a${at}`)}) {}${use("{ pfx: fs.readFileSync('a') }")}`,
      'names of one pattern': `const {${Array.from({ length: 30_000 }, (_, at) => `a${at}`)}} = fs;${use("{ pfx: fs.readFileSync('a') }")}`,
      'blocks in blocks': `${'{ let b;'.repeat(300)}${'a;'.repeat(50_000)}${'}'.repeat(300)}${use("{ pfx: fs.readFileSync('a') }")}`,
      'members of members': `a${'.b'.repeat(100_000)};${use("{ pfx: fs.readFileSync('a') }")}`,
      'a comment, and blanks without end': `/* a */${' '.repeat(400_000)}\n\nconst agent = new https.Agent({ pfx: fs.readFileSync('a') });\nhttps.get('https://a.example/', { agent });`,
      'a text that is long': `const c = \`${'a'.repeat(900_000)}\`;${use('{ pfx: fs.readFileSync(c) }')}`,
    };
    it.each(Object.keys(code))('%s', { timeout: 120_000 }, async (name) => {
      const place = await mkdtemp(join(directory, 'code-'));
      await writeFile(join(place, 'program.mjs'), head + code[name]);
      const begin = performance.now();
      const { changes, left, skipped } = await makePlan({
        paths: [place],
        config: join(place, 'clientcert.json'),
        hosts: [],
        from: place,
      });
      expect(performance.now() - begin).toBeLessThan(40_000);
      expect(changes.length + left.length + skipped.length).toBeGreaterThan(0);
    });
  });
});
