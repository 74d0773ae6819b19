import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { loadCredentials } from '@clientcert/core';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientcert, json } from './run.ts';

let authority: Authority;
let alice: IssuedCertificate;
let server: Awaited<ReturnType<typeof startServer>>;
let directory: string;
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-import-'));
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
  server = await startServer({ authority, hosts: ['localhost'] });
  const files = {
    'bank.pfx': await alice.pfx('hunter2'),
    'alice.crt': alice.cert,
    'alice.key': alice.key,
    'locked.key': await encrypted(alice.key),
    'root.pem': authority.certificate,
    'bank.txt': 'hunter2',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(at(name), content, { mode: 0o600 });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.close();
  await rm(directory, { recursive: true });
});

async function encrypted(key: string): Promise<string> {
  const { createPrivateKey } = await import('node:crypto');
  return createPrivateKey(key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hunter2' })
    .toString();
}

interface Case {
  file: string;
  content: string;
  variables?: string[];
  omitted?: string[];
  hosts?: string[];
  /** The tool has no roots of its own: ours come from the test. */
  roots?: boolean;
}

async function imported(tool: string, { file, content }: Case, ...hosts: string[]) {
  await writeFile(at(file), content.replaceAll('PORT', String(server.port)));
  const out = at(`${file}.config.json`);
  const args = [
    'import',
    tool,
    at(file),
    '--out',
    out,
    '--force',
    ...hosts.flatMap((host) => ['--host', host]),
  ];
  const { code, err } = await clientcert(...args);
  expect({ code, err }).toEqual({ code: 0, err: expect.not.stringContaining('hunter2') });
  const written = await readFile(out, 'utf8');
  expect(written).not.toMatch(/hunter2|PRIVATE KEY/);
  const { file: path, variables, omitted } = await json(...args);
  expect(path).toBe(out);
  expect(variables.every((name: string) => err.includes(name))).toBe(true);
  const left = omitted.map(({ what }: { what: string }) => what);
  return { out, config: JSON.parse(written), variables, omitted: left, err };
}

/** Which certificate the server saw of a call with what was imported. */
async function seen(config: object, roots: boolean, path: string): Promise<string | null | undefined> {
  const whole = structuredClone(config) as { certificates: Record<string, object> };
  if (roots)
    for (const [name, source] of Object.entries(whole.certificates))
      whole.certificates[name] = { ca: authority.certificate, ...source };
  await writeFile(path, JSON.stringify(whole));
  await using credentials = await loadCredentials(path);
  const before = server.requests.length;
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) =>
    get(`https://localhost:${server.port}/`, { agent: credentials.agent() }, resolve).on('error', reject),
  );
  await text(response);
  return server.requests[before]?.clientCertificate?.commonName;
}

const CASES: Record<string, Record<string, Case>> = {
  cypress: {
    'cypress.config.ts': {
      file: 'cypress.config.ts',
      content: `import { defineConfig } from 'cypress'

export default defineConfig({
  e2e: { baseUrl: 'https://localhost:PORT', setupNodeEvents(on, config) { return config } },
  // clientCertificates: see below
  clientCertificates: [
    {
      url: 'https://localhost:PORT/api/*',
      ca: ['root.pem'],
      certs: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }],
    },
    { url: 'https://*.tax.example', certs: [{ cert: "alice.crt", key: \`alice.key\`, }], },
  ],
})
`,
      omitted: ['the path of entry 1', '*.tax.example:* below the first label'],
      hosts: ['localhost:PORT', '*.tax.example:*'],
    },
    'cypress.json': {
      file: 'cypress.json',
      content: JSON.stringify({
        baseUrl: 'https://x',
        clientCertificates: [
          {
            url: 'https://localhost:PORT',
            ca: ['root.pem'],
            certs: [{ cert: 'alice.crt', key: 'locked.key', passphrase: 'bank.txt' }, { pfx: 'bank.pfx' }],
          },
        ],
      }),
      omitted: ['certificate 2 of entry 1'],
    },
  },
  playwright: {
    'playwright.config.ts': {
      file: 'playwright.config.ts',
      content: `import path from 'path';
import { defineConfig } from '@playwright/test';
export default defineConfig({
  use: {
    ignoreHTTPSErrors: true,
    clientCertificates: [{
      origin: 'https://localhost:PORT',
      pfxPath: path.join(__dirname, 'bank.pfx'),
      passphrase: process.env.PFX_SECRET ?? 'hunter2', // from CI
    }],
  },
});
`,
      roots: true,
      variables: ['PFX_SECRET'],
      omitted: ['"ignoreHTTPSErrors"'],
    },
    'of projects, with a constant': {
      file: 'playwright.projects.ts',
      content: `import fs from 'node:fs';
const clientCertificates: ClientCertificate[] = [
  { origin: 'https://localhost:PORT', cert: fs.readFileSync('./alice.crt'), key: fs.readFileSync('./locked.key'), passphrase: 'hunter2' },
]
export default { projects: [{ name: 'a', use: { clientCertificates } }, { use: { clientCertificates: clientCertificates } }] }
`,
      roots: true,
      variables: ['ALICE_PASSPHRASE'],
    },
  },
  newman: {
    'a list': {
      file: 'newman.json',
      content: JSON.stringify([
        {
          name: 'alice',
          matches: ['https://localhost:PORT/*', 'http://plain.example/*', 'https://*.tax.example/v1/*'],
          cert: { src: 'alice.crt' },
          key: { src: 'locked.key' },
          passphrase: 'hunter2',
          color: 'red',
        },
      ]),
      roots: true,
      variables: ['ALICE_PASSPHRASE'],
      omitted: [
        '"color" of entry 1',
        'http://plain.example of entry 1',
        'the path of *.tax.example in entry 1',
        '*.tax.example below the first label',
      ],
      hosts: ['localhost:PORT', '*.tax.example'],
    },
  },
  postman: {
    'a collection': {
      file: 'collection.json',
      content: JSON.stringify({
        info: { schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
        item: [
          {
            name: 'folder',
            item: [
              {
                request: { url: 'https://localhost' },
                certificate: {
                  name: 'alice',
                  matches: ['https://localhost:PORT/*'],
                  cert: { src: 'alice.crt' },
                  key: { src: 'alice.key' },
                },
              },
            ],
          },
        ],
      }),
      roots: true,
    },
  },
  bruno: {
    'bruno.json': {
      file: 'bruno.json',
      content: JSON.stringify({
        version: '1',
        name: 'bank',
        type: 'collection',
        proxy: { enabled: 'global', protocol: 'http', hostname: '', port: '' },
        clientCertificates: {
          enabled: true,
          certs: [
            { domain: 'localhost:PORT', type: 'pfx', pfxFilePath: 'bank.pfx', passphrase: 'hunter2' },
            {
              domain: '{{host}}',
              type: 'cert',
              certFilePath: 'alice.crt',
              keyFilePath: 'alice.key',
              passphrase: '',
            },
          ],
        },
      }),
      roots: true,
      variables: ['BANK_PASSPHRASE'],
      omitted: ['{{host}}:*', 'where certificate "alice" goes'],
    },
    'opencollection.yml': {
      file: 'opencollection.yml',
      content: `opencollection: 1.0.0
info:
  name: bank
config:
  proxy:
    inherit: true
    config:
      protocol: http
  clientCertificates:
    - domain: localhost
      type: pem
      certificateFilePath: alice.crt
      privateKeyFilePath: locked.key
      passphrase: "{{process.env.KEY_SECRET}}"
    - domain: other.example
      type: pkcs12
      pkcs12FilePath: bank.pfx
      disabled: true
`,
      roots: true,
      variables: ['KEY_SECRET'],
      omitted: ['entry 2'],
      hosts: ['localhost:*'],
    },
  },
  insomnia: {
    'insomnia.ClientCertificate.db': {
      file: 'insomnia.ClientCertificate.db',
      content: [
        { _id: 'crt_1', type: 'ClientCertificate', parentId: 'wrk_1', host: 'old.example', pfx: 'bank.pfx' },
        {
          ...{
            _id: 'crt_1',
            type: 'ClientCertificate',
            parentId: 'wrk_1',
            modified: 1,
            created: 1,
            isPrivate: false,
          },
          ...{
            host: 'localhost:PORT',
            passphrase: 'hunter2',
            cert: null,
            key: null,
            pfx: 'bank.pfx',
            disabled: false,
          },
        },
        { _id: 'crt_2', type: 'ClientCertificate', host: 'gone.example', pfx: 'bank.pfx' },
        { $$deleted: true, _id: 'crt_2' },
        { _id: 'crt_3', type: 'ClientCertificate', host: 'off.example', pfx: 'bank.pfx', disabled: true },
        { _id: 'crt_4', type: 'CaCertificate', parentId: 'wrk_1', path: 'root.pem', disabled: false },
      ]
        .map((line) => JSON.stringify(line))
        .join('\n'),
      variables: ['BANK_PASSPHRASE'],
      omitted: ['entry 2'],
    },
    'an old export': {
      file: 'insomnia-v4.json',
      content: JSON.stringify({
        _type: 'export',
        __export_format: 4,
        resources: [
          { _id: 'req_1', _type: 'request', url: 'https://localhost', name: 'x', method: 'GET' },
          {
            _id: 'wrk_1',
            _type: 'workspace',
            name: 'bank',
            certificates: [
              { host: 'https://localhost:PORT', passphrase: '', cert: 'alice.crt', key: 'alice.key' },
            ],
          },
        ],
      }),
      roots: true,
    },
  },
  k6: {
    'a script': {
      file: 'load.js',
      content: `import http from 'k6/http';
const key = open('./locked.key');
export const options = {
  tlsVersion: { min: http.TLS_1_2, max: http.TLS_1_3 },
  insecureSkipTLSVerify: true,
  tlsAuth: [
    { domains: ['localhost', '*.tax.example'], cert: open('./alice.crt'), key, password: __ENV.KEY_SECRET },
  ],
};
export default function () { http.get('https://localhost:PORT/'); }
`,
      roots: true,
      variables: ['KEY_SECRET'],
      omitted: ['*.tax.example:* below the first label', '"insecureSkipTLSVerify"'],
      hosts: ['localhost:*', '*.tax.example:*'],
    },
  },
  curl: {
    'a command line': {
      file: 'call.sh',
      content: `#!/bin/sh
# the accounts
$ curl -sS -X POST -H 'Accept: text/plain' -o out.txt --cert-type P12 --cert bank.pfx:"$PFX_SECRET" \\
  --cacert root.pem --tlsv1.2 --tls-max 1.3 -k --proxy http://user:hunter2@proxy.example:3128 \\
  "https://localhost:PORT/accounts?a=b" | jq .
`,
      variables: ['PFX_SECRET'],
      omitted: ['user and password of the proxy', '--insecure'],
    },
    '.curlrc': {
      file: '.curlrc',
      content: `# for the bank
cert = "alice.crt:hunter2"
--key locked.key
cacert: root.pem
user-agent = "us"
capath /etc/ssl
url = https://localhost:PORT/
`,
      variables: ['ALICE_PASSPHRASE'],
      omitted: ['--capath'],
    },
    'what export writes': {
      file: 'exported.sh',
      content: `# bank\ncurl --config <(printf 'pass = "%s"\\n' "$BANK_SECRET") --cert-type P12 --cert bank.pfx --cacert root.pem https://localhost:PORT/\n`,
      variables: ['BANK_SECRET'],
    },
  },
  spring: {
    'application.yml': {
      file: 'application.yml',
      content: `server:
  ssl:
    bundle: web
spring:
  http:
    serviceclient:
      accounts:
        base-url: https://localhost:PORT/api
        ssl:
          bundle: bank
  ssl:
    bundle:
      jks:
        bank:
          reload-on-update: true
          key:
            alias: "alice"
          keystore:
            location: "classpath:bank.pfx"
            password: "\${PFX_SECRET:hunter2}"
            type: "PKCS12"
          options:
            enabled-protocols: TLSv1.2,TLSv1.3
            ciphers: [TLS_AES_128_GCM_SHA256]
        web:
          keystore: { location: "classpath:web.p12", password: hunter2 }
      watch:
        file:
          quiet-period: 5s
`,
      roots: true,
      variables: ['PFX_SECRET'],
      omitted: ['options.ciphers of bundle "bank"', 'bundle "web"'],
    },
    'application.properties': {
      file: 'application.properties',
      content: `spring.ssl.bundle.pem.bank.keystore.certificate=file:alice.crt
spring.ssl.bundle.pem.bank.keystore.private-key=file:locked.key
spring.ssl.bundle.pem.bank.keystore.privateKeyPassword : hunter2
spring.ssl.bundle.pem.bank.truststore.certificate=classpath:root.pem
spring.ssl.bundle.pem.bank.reload-on-update=false
`,
      variables: ['BANK_PASSPHRASE'],
      hosts: ['localhost:PORT'],
    },
  },
};

describe.each(Object.keys(CASES))('import %s', (tool) => {
  it.each(Object.keys(CASES[tool]!))('%s', async (name) => {
    const { variables = [], omitted = [], hosts, roots = false, ...rest } = CASES[tool]![name]!;
    for (const each of ['PFX_SECRET', 'KEY_SECRET', 'BANK_SECRET', 'BANK_PASSPHRASE', 'ALICE_PASSPHRASE'])
      vi.stubEnv(each, 'hunter2');
    const extra = rest.file.endsWith('.properties') ? [`localhost:${server.port}`] : [];
    const result = await imported(tool, { ...rest }, ...extra);
    expect(result.variables).toEqual(variables);
    expect(result.omitted).toEqual(omitted);
    for (const what of omitted) expect(result.err.replace(/\s+/g, ' ')).toContain(what);
    const expected = hosts ?? ['localhost:PORT'];
    expect(Object.keys(result.config.hosts)).toEqual(
      expected.map((host) => host.replace('PORT', String(server.port))),
    );
    delete result.config.proxy; // there is none
    for (const source of Object.values<Record<string, unknown>>(result.config.certificates))
      delete source.alias;
    expect(await seen(result.config, roots, result.out)).toBe('alice');
  });
});

describe('import', () => {
  const save = (name: string, content: unknown) =>
    writeFile(at(name), typeof content === 'string' ? content : JSON.stringify(content));

  it('copies no key that stands in the settings, and names the variable for it', async () => {
    await save('inline.json', { tlsAuth: [{ domains: ['bank.example'], cert: alice.cert, key: alice.key }] });
    const result = await json('import', 'k6', at('inline.json'));
    expect(JSON.stringify(result)).not.toContain('PRIVATE KEY');
    const [name] = Object.keys(result.config.certificates);
    expect(result).toMatchObject({
      config: { certificates: { [name!]: { cert: alice.cert, key: { env: 'BANK_EXAMPLE_KEY' } } } },
      variables: ['BANK_EXAMPLE_KEY'],
    });
    vi.stubEnv('BANK_EXAMPLE_KEY', alice.key);
    await using credentials = await loadCredentials(result.config);
    expect(credentials.resolve('https://bank.example:8443').certificate).toBe(name);
  });

  it('gives each certificate a variable of its own, and one certificate for files that are the same', async () => {
    const entry = (name: string, host: string, src: string) => ({
      ...{ name, matches: [`https://${host}/*`], pfx: { src }, passphrase: 'hunter2' },
    });
    await save('names.json', [
      entry('the bank', 'a.example', 'a.pfx'),
      entry('the-bank', 'b.example', 'b.pfx'),
      entry('__proto__', 'c.example', 'c.pfx'),
      entry('the bank', 'd.example', 'a.pfx'),
      entry('the bank', 'A.example:443', 'a.pfx'),
      entry('other', 'a.example', 'b.pfx'),
    ]);
    const { config, variables, omitted } = await json('import', 'newman', at('names.json'));
    expect(Object.keys(config.certificates)).toEqual(['the bank', 'the-bank', '__proto__', 'other']);
    expect(config.hosts).toEqual({
      'a.example': 'the bank',
      'b.example': 'the-bank',
      'c.example': '__proto__',
      'd.example': 'the bank',
    });
    expect(new Set(variables).size).toBe(4);
    expect(omitted.map(({ what }: { what: string }) => what)).toEqual(['certificate "other" for a.example']);
  });

  it('takes a pattern for every host as the default', async () => {
    for (const [tool, settings] of [
      ['newman', [{ matches: ['<all_urls>'], pfx: { src: 'bank.pfx' } }]],
      ['cypress', { clientCertificates: [{ url: '*', certs: [{ pfx: 'bank.pfx' }] }] }],
      ['k6', { tlsAuth: [{ cert: alice.cert, key: alice.key }] }],
    ] as const) {
      await save('all.json', settings);
      const { config } = await json('import', tool, at('all.json'));
      expect(config.default).toBe(Object.keys(config.certificates)[0]);
    }
  });

  it('asks for hosts that the settings do not name, and takes them', async () => {
    await save(
      'bundles.yml',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in YAML
      'spring: {ssl: {bundle: {jks: {a: {keystore: {location: "a.p12"}}, b: {truststore: {location: "b.jks", password: "${B}"}}}}}}',
    );
    const bare = await json('import', 'spring', at('bundles.yml'));
    expect(bare.config.services).toEqual({
      a: 'a',
      b: { ca: { file: expect.stringMatching(/b\.jks$/), passphrase: { env: 'B' } }, trust: 'only' },
    });
    expect(bare.config.hosts).toBeUndefined();
    const named = await json(
      'import',
      'spring',
      at('bundles.yml'),
      '--host',
      'x.example=a',
      '--host',
      'y.example:8443=b',
    );
    expect(named.config.hosts).toEqual({ 'x.example': 'a', 'y.example:8443': named.config.services.b });
    for (const host of ['x.example', 'x.example=c', '=a']) {
      const { code, err } = await clientcert('import', 'spring', at('bundles.yml'), '--host', host);
      expect([code, err]).toEqual([1, expect.stringContaining('the names are a, b')]);
    }
    await save('nowhere.curlrc', 'cert = a.pem\n');
    expect((await json('import', 'curl', at('nowhere.curlrc'))).omitted).toEqual([
      { what: 'where certificate "a" goes', why: expect.stringContaining('--host') },
    ]);
    expect((await json('import', 'curl', at('nowhere.curlrc'), '--host', 'x.example')).config.hosts).toEqual({
      'x.example': 'a',
    });
  });

  // The cases of curl's own test of --cert (tests/unit/unit1394.c).
  it.each([
    ['foo:bar', 'foo', true],
    ['foo:bar:baz', 'foo', true],
    ['foo\\:bar', 'foo:bar', false],
    ['foo\\\\:bar', 'foo\\', true],
    ['foo\\bar\\baz', 'foo\\bar\\baz', false],
    ['foo\\\\bar', 'foo\\bar', false],
    ['foo\\::bar\\:', 'foo:', true],
    ['C:\\certs\\bank.pem:pass', 'C:\\certs\\bank.pem', true],
  ])('takes curl --cert %s apart as curl does', async (value, path, isProtected) => {
    await save('cert.sh', `curl -E '${value}' https://bank.example`);
    const { config } = await json('import', 'curl', at('cert.sh'));
    const [source] = Object.values<Record<string, string>>(config.certificates);
    // Written with slashes.
    expect(source!.cert!.endsWith(path.replaceAll('\\', path.startsWith('C:') ? '\\' : '/'))).toBe(true);
    expect('passphrase' in source!).toBe(isProtected);
  });

  it('reads curl commands: pins, versions, --next, letters in one, a URL that is a value', async () => {
    await save(
      'many.sh',
      [
        "curl -sSkE a.pem --pinnedpubkey 'sha256//AAAA;sha256//BBBB' -d https://body.example --tls-max 1.2 https://a.example --next",
        "  --cert=b.p12 --tlsv1.0 'https://user:hunter2@b.example:8443/?q#x' https://[::1]:9443/ http://c.example",
      ].join(' \\\n'),
    );
    const { config, omitted } = await json('import', 'curl', at('many.sh'));
    expect(config.hosts).toEqual({
      'a.example': { certificate: 'a', tls: { max: 'TLSv1.2' }, spki: ['sha256/AAAA', 'sha256/BBBB'] },
      'b.example:8443': { certificate: 'b', tls: { min: 'TLSv1', legacy: true } },
      '[::1]:9443': { certificate: 'b', tls: { min: 'TLSv1', legacy: true } },
    });
    expect(omitted.map(({ what }: { what: string }) => what)).toEqual(['--insecure', 'http://c.example']);
  });

  const left = ({ omitted }: { omitted: { what: string }[] }) => omitted.map(({ what }) => what);

  it.each([
    ['for h in a b; do curl --cert a.pem https://a.example; done', 'a loop'],
    ['if ! curl --cert a.pem https://a.example; then exit 1; fi', 'a condition'],
    ['TOKEN=$(curl --cert a.pem https://a.example)', 'a substitution'],
    ['echo "it is $(curl --cert a.pem "https://a.example")"', 'one in quotes'],
    ['x=`curl --cert a.pem https://a.example`', 'backticks'],
    ['(cd certs && curl --cert a.pem https://a.example)', 'a subshell'],
    ['call() { timeout 5 curl --cert a.pem https://a.example; }', 'a function'],
    ['curl --cert a.pem https://a.example > out.json 2>> err.log < in.json', 'redirects'],
    ['curl --cert a.pem https://a.example 2>&1 | jq .', 'a pipe'],
  ])('finds curl in %s', async (text) => {
    await save('script.sh', `#!/bin/sh\n${text}\n`);
    const result = await json('import', 'curl', at('script.sh'));
    expect([result.config.hosts, left(result)]).toEqual([{ 'a.example': 'a' }, []]);
  });

  it('tells calls of curl that it cannot take, proxies that become those of all, and what belongs to nothing', async () => {
    await save(
      'all.sh',
      `docker run --rm curlimages/curl:8.11.0 --cert /c/a.pem https://a.example
sh -c 'curl --cert b.pem https://b.example'
apt-get install curl
curl --cert c.pem -x http://proxy.example:3128 https://c.example
curl --cert d.pem -x http://other.example:3128 https://d.example`,
    );
    const all = await json('import', 'curl', at('all.sh'));
    expect(all.config).toMatchObject({ hosts: { 'c.example': 'c' }, proxy: 'http://proxy.example:3128' });
    expect(left(all)).toEqual([
      'the call of curl within "docker"',
      'the call of curl within "sh"',
      'the proxy other.example:3128',
    ]);
    expect(all.notes).toEqual([expect.stringContaining('proxy of the whole config')]);
    await save('docker.sh', 'docker run curl --cert a.pem https://a.example');
    const { code, err } = await clientcert('import', 'curl', at('docker.sh'));
    expect([code, err]).toEqual([1, expect.stringContaining('within "docker"')]);
    await save('own.curlrc', 'key = a.key\ncacert = root.pem\ntlsv1.2\nproxy = http://proxy.example:3128\n');
    const own = await json('import', 'curl', at('own.curlrc'));
    expect(left(own)).toEqual(['--key', '"ca", "trust", "tls"']);
    expect(own.notes).toEqual([]);
  });

  const YAML = `spring.ssl.bundle.jks.bank.keystore.location: classpath:bank.p12
---
spring: { config: { activate: { on-profile: test } }, ssl: { bundle: { jks: { bank: { keystore: { location: test.p12 } } } } } }
---
spring.config.activate.on-profile: dev
server.port: 8080
`;
  const PROPERTIES = `spring.ssl.bundle.jks.bank.keystore.location=classpath:bank.p12
#---
spring.config.activate.on-profile=test
spring.ssl.bundle.jks.bank.keystore.location=test.p12
`;
  it.each([
    ['profiles.yml', YAML],
    ['profiles.properties', PROPERTIES],
    ['what-standard-input-has', PROPERTIES],
  ])('leaves what holds under one profile of Spring, in %s', async (name, text) => {
    await save(name, text);
    const result = await json('import', 'spring', at(name));
    expect(result.config.certificates.bank.pfx).toMatch(/(?<!test)bank\.p12$/);
    expect(left(result)).toEqual(['the document for test']);
    expect(result.notes).toEqual([expect.stringMatching(/class path: bank\.p12/)]);
  });

  it.each([
    ['cypress', 'url', 'certs: [{ pfx: "a.pfx" }]'],
    ['playwright', 'origin', 'pfxPath: "a.pfx"'],
  ])('leaves an entry of %s whose URL is computed, and takes the others', async (tool, key, rest) => {
    const entry = (url: string) => `{ ${key}: ${url}, ${rest} }`;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in a program
    const entries = [entry('`https://${process.env.HOST}`'), entry('process.env.URL'), 'made()', '...others'];
    await save(
      'c.config.ts',
      `export default { clientCertificates: [${entries}, ${entry('"https://a.example:8443"')}] };`,
    );
    const result = await json('import', tool, at('c.config.ts'));
    expect(Object.keys(result.config.hosts)).toEqual(['a.example:8443']);
    expect(left(result)).toEqual(['entry 1', 'entry 2', 'entry 3', 'entry 4']);
  });

  it('takes hosts from the command line alone that a rule may name', async () => {
    await save('one.curlrc', 'cert = a.pem\n');
    for (const host of ['https://a.example', 'a.example/x', 'a b', 'me@a.example']) {
      const { code, err } = await clientcert('import', 'curl', at('one.curlrc'), '--host', host);
      expect([host, code, err]).toEqual([host, 1, expect.stringContaining('--host takes a host')]);
    }
  });

  it('says where Insomnia keeps what it does not export', async () => {
    await save(
      'insomnia.yaml',
      'type: collection.insomnia.rest/5.0\nname: x\ncertificates:\n  - path: root.pem\ncollection:\n  - url: https://x\n    name: y\n    method: GET\n',
    );
    const { code, err } = await clientcert('import', 'insomnia', at('insomnia.yaml'));
    expect([code, err]).toEqual([1, expect.stringContaining('insomnia.ClientCertificate.db')]);
  });

  it('is not taken in by YAML that grows without end', async () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (const letter of 'bcdefghij') {
      const before = String.fromCharCode(letter.charCodeAt(0) - 1);
      lines.push(`${letter}: &${letter} [${Array(9).fill(`*${before}`).join(', ')}]`);
    }
    await save('bomb.yml', lines.join('\n'));
    expect((await clientcert('import', 'spring', at('bomb.yml'))).code).toBe(1);
  });
});
