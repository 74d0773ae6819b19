import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../../packages/cli/src/command.ts';
import { unifiedDiff } from '../../../packages/cli/src/migrate/diff.ts';
import { makePlan } from '../../../packages/cli/src/migrate/plan.ts';
import { assemble } from '../../../packages/cli/src/other/assemble.ts';
import { readBruno } from '../../../packages/cli/src/other/bruno.ts';
import { readCurl } from '../../../packages/cli/src/other/curl.ts';
import { readCypress } from '../../../packages/cli/src/other/cypress.ts';
import type { Findings } from '../../../packages/cli/src/other/entry.ts';
import { readInsomnia } from '../../../packages/cli/src/other/insomnia.ts';
import { readK6 } from '../../../packages/cli/src/other/k6.ts';
import { importMendix } from '../../../packages/cli/src/other/mendix.ts';
import { readPlaywright, readPostman } from '../../../packages/cli/src/other/read.ts';
import { readSpring } from '../../../packages/cli/src/other/spring.ts';
import { PROGRAMS } from '../../../packages/cli/test/migrate-programs.ts';
import { checkConfig } from '../../../packages/core/src/config/check.ts';
import { json } from '../mutate/json.ts';
import { text } from '../mutate/text.ts';
import { hold, type Target } from '../target.ts';

/** Stands where each tool has its passphrase, and in nothing that is made of it. */
const canary = 'Tr0ub4dor&3';

type Reader = (written: string) => object | Promise<object>;

/** What a tool's settings are, in each of its forms, and who reads them. */
const TOOLS: Readonly<Record<string, readonly [Reader, ...string[]]>> = {
  bruno: [
    findingsOf(readBruno),
    JSON.stringify({
      version: '1',
      name: 'bank',
      proxy: { enabled: true, protocol: 'http', hostname: 'p.example', port: 3128 },
      clientCertificates: {
        enabled: true,
        certs: [
          { domain: 'a.example:8443', type: 'pfx', pfxFilePath: 'bank.pfx', passphrase: canary },
          { domain: '{{host}}', type: 'cert', certFilePath: 'a.crt', keyFilePath: 'a.key', passphrase: '' },
        ],
      },
    }),
    `opencollection: 1.0.0\nconfig:\n  clientCertificates:\n    - domain: localhost\n      type: pem\n      certificateFilePath: a.crt\n      privateKeyFilePath: a.key\n      passphrase: "{{process.env.KEY_SECRET}}"\n    - domain: b.example\n      type: pkcs12\n      pkcs12FilePath: b.pfx\n      passphrase: &x "${canary}"\n      other: *x\n`,
  ],
  curl: [
    findingsOf(readCurl),
    `#!/bin/sh\n$ curl -sS -X POST -H 'Accept: */*' --cert-type P12 --cert bank.pfx:"$PFX_SECRET" \\\n  --cacert root.pem --tlsv1.2 --tls-max 1.3 -k --proxy http://user:${canary}@proxy.example:3128 \\\n  "https://a.example:8443/a?b=$(cat x)" | jq .\ncurl --config <(printf 'pass = "%s"\\n' "$SECRET") -E a.pem --key a.key --resolve a.example:443:127.0.0.1 https://[::1]/{a,b}[1-3]; if true; then curl --next \`x\`; fi\n`,
    `# .curlrc\ncert = "a.crt:${canary}"\n--key a.key\ncacert: root.pem\ncapath /etc/ssl\nurl = https://a.example/\nnext\npinnedpubkey = "sha256//AAAA"\n`,
  ],
  cypress: [
    findingsOf(readCypress),
    `import { defineConfig } from 'cypress'\nexport default defineConfig({\n  // clientCertificates: []\n  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], certs: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'https://*.b.example', certs: [{ cert: "a.crt", key: \`a.key\`, }], },],\n})\n`,
    JSON.stringify({
      clientCertificates: [
        { url: 'https://a.example', certs: [{ cert: 'a.crt', key: 'a.key', passphrase: 'a.txt' }] },
      ],
    }),
  ],
  insomnia: [
    findingsOf(readInsomnia),
    [
      {
        _id: 'crt_1',
        type: 'ClientCertificate',
        host: 'a.example:8443',
        passphrase: canary,
        pfx: 'bank.pfx',
        disabled: false,
      },
      { $$deleted: true, _id: 'crt_1' },
      { _id: 'crt_4', type: 'CaCertificate', path: 'root.pem' },
    ]
      .map((line) => JSON.stringify(line))
      .join('\n'),
    JSON.stringify({
      _type: 'export',
      __export_format: 4,
      resources: [
        {
          _id: 'wrk_1',
          _type: 'workspace',
          certificates: [{ host: 'https://a.example:1', passphrase: canary, cert: 'a.crt', key: 'a.key' }],
        },
      ],
    }),
    `type: collection.insomnia.rest/5.0\ncertificates:\n  - host: a.example\n    cert: a.crt\n    key: a.key\n    passphrase: ${canary}\n`,
  ],
  k6: [
    findingsOf(readK6),
    `import http from 'k6/http';\nconst key = open('./a.key');\nexport const options = {\n  tlsVersion: { min: http.TLS_1_2, max: http.TLS_1_3 },\n  insecureSkipTLSVerify: true,\n  tlsAuth: [{ domains: ['a.example', '*.b.example'], cert: open('./a.crt'), key, password: __ENV.SECRET }, { cert: \`-----BEGIN\`, key, password: '${canary}' }],\n};\nexport default () => http.get('https://a.example/');\n`,
  ],
  mendix: [
    (written) => importMendix(written, (path) => path),
    JSON.stringify({
      ClientCertificates: 'C:\\bank.pfx, tax.pfx',
      ClientCertificatePasswords: `${canary}, x`,
      ClientCertificateUsages:
        '{"Billing.Archive": "C:\\\\bank.pfx", "a.example": "tax.pfx", "b.example": ""}',
      NoClientCertificateUsages: 'c.example,D.E',
      CACertificates: 'root.pem',
    }),
    `export MXRUNTIME_ClientCertificates='bank.pfx'\nMXRUNTIME_ClientCertificatePasswords="${canary}"\n# x\nMXRUNTIME_ClientCertificateUsages={"a.example": "bank.pfx"}\nhttp.proxyHost=p\n`,
  ],
  playwright: [
    findingsOf(readPlaywright),
    `import path from 'path';\nimport { defineConfig } from '@playwright/test';\nconst list = [{ origin: 'https://b.example', cert: fs.readFileSync('./a.crt'), key: fs.readFileSync("a.key") }]\nexport default defineConfig({ use: { ignoreHTTPSErrors: true, proxy: { server: 'p' }, clientCertificates: [{ origin: 'https://a.example:8443', pfxPath: path.join(__dirname, 'bank.pfx'), passphrase: process.env.PFX_SECRET ?? '${canary}' }, ...list] } });\n`,
    JSON.stringify({
      use: { clientCertificates: [{ origin: 'https://a.example', pfxPath: 'bank.pfx', passphrase: canary }] },
    }),
  ],
  postman: [
    findingsOf(readPostman),
    JSON.stringify([
      {
        name: 'bank',
        matches: ['https://a.example:8443/*', 'http://b.example/*', '<all_urls>', 'https://*.c.example/*'],
        pfx: { src: 'bank.pfx' },
        passphrase: canary,
      },
    ]),
    JSON.stringify({
      item: [
        {
          item: [
            {
              request: {
                url: { raw: 'https://a.example:8443/v1?a=b' },
                certificate: { cert: { src: 'a.crt' }, key: { src: 'a.key' }, passphrase: canary },
              },
            },
          ],
        },
      ],
    }),
  ],
  spring: [
    findingsOf((written) => readSpring(written, '/nowhere/application.yml')),
    `server:\n  ssl:\n    bundle: web\nspring:\n  http:\n    serviceclient:\n      accounts:\n        base-url: https://a.example/api\n        ssl: { bundle: bank }\n  ssl:\n    bundle:\n      jks:\n        bank:\n          key: { alias: "alice" }\n          keystore:\n            location: "classpath:bank.pfx"\n            password: "\${PFX_SECRET:${canary}}"\n          options: { enabled-protocols: "TLSv1.2,TLSv1.3", ciphers: [A] }\n---\nspring: { ssl: { bundle: { pem: { a: { keystore: { certificate: "-----BEGIN", private-key: "file:\${A:b}" } } } } } }\n`,
    `spring.ssl.bundle.pem.bank.keystore.certificate=file:a.crt\nspring.ssl.bundle.pem.bank.keystore.private-key=file:a.key\nspring.ssl.bundle.pem.bank.keystore.privateKeyPassword : ${canary}\nspring.ssl.bundle.pem.bank.truststore.certificate=classpath\\:root.pem\n`,
  ],
};

function findingsOf(read: (written: string) => Findings | Promise<Findings>): Reader {
  return async (written) => assemble(await read(written), (path) => path);
}

const words = [
  'clientCertificates',
  'certs',
  'pfx',
  'cert',
  'key',
  'passphrase',
  'https://a.example:1/*',
  '*',
  'process.env.X',
  '...x',
  'path.join(__dirname, "x")',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Spring's
  '${A:${B:c}}',
  '$A',
  '"$A"',
  "$'x'",
  '<<EOF\n',
  '&x ',
  '*x',
  '!!js/function ',
  '? ',
  '- ',
  '|\n',
  '>-\n',
  'location:',
  '--cert',
  '--next',
  '-K -',
  '--proxy',
  'new URL("x", import.meta.url)',
  '/x/.test(',
  '`${',
  'classpath:',
  'optional:',
  'file:///',
  '\\u0061',
  '\\x61',
];

const imports = Object.entries(TOOLS).map(
  ([tool, [read, ...seeds]]): Target => ({
    name: `import from ${tool}`,
    changes: /^\s*[[{]/.test(seeds[0]!) ? [...json(words), ...text(words)] : text(words),
    async open() {
      const run = async (input: Buffer) => {
        const made = await read(input.toString());
        const shown = JSON.stringify(made);
        hold(!(isOnlySecret(input) && shown.includes(canary)), `the passphrase is in what was made of it`);
        return made;
      };
      return {
        seeds: seeds.map((each) => Buffer.from(each)),
        run,
        secretsIn: (input) => (isOnlySecret(input) ? [canary] : []),
        refusals: [UsageError],
      };
    },
  }),
);

/** Where it still stands as a passphrase does, and no change has made it a name, a path or a host. */
function isOnlySecret(input: Buffer): boolean {
  const before =
    /(?:pass|password|passphrase|privateKeyPassword|PFX_SECRET|user|a\.crt|&x)["']?(?:\s*[:=]\s*|\s+)["'`]?$|\?\? '$/i;
  const written = input.toString();
  const parts = written.split(canary);
  return parts.length > 1 && parts.slice(0, -1).every((part) => before.test(part));
}

export const tools: readonly Target[] = [
  ...imports,
  {
    name: 'programs to migrate',
    changes: text([
      'pfx',
      'cert',
      'key',
      'httpsAgent',
      'new https.Agent({',
      'readFileSync(',
      'process.env.X',
      '...',
      'await ',
      'async ',
      '=>',
      'class A {',
      'export default ',
      'const a = a;',
      'function f() {',
      '`${',
      '/*',
      '//',
      '#!',
      '?.',
      'null',
      'const {a: {b = 1}} = ',
      'require(',
      'import(',
    ]),
    async open() {
      const from = await mkdtemp(join(tmpdir(), 'clientcert-fuzz-'));
      const file = join(from, 'program.ts');
      return {
        seeds: Object.values(PROGRAMS).map((program) => Buffer.from(program)),
        async run(input) {
          await writeFile(file, input);
          const plan = await makePlan({ paths: [file], config: 'clientcert.json', hosts: [], from });
          const diffs = plan.changes.map(({ before, after }) =>
            unifiedDiff(before ?? '', after).map(plan.mask),
          );
          // What is written is a config.
          if (plan.config) await checkConfig(JSON.parse(plan.config.after));
          return [
            plan.changes,
            plan.left,
            plan.skipped,
            plan.variables,
            plan.packages,
            plan.config?.after,
            diffs,
          ];
        },
        refusals: [UsageError],
        close: () => rm(from, { recursive: true }),
      };
    },
  },
];
