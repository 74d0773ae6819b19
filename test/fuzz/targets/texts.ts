import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diagnose, loadCredentials } from '@clientcert/core';
import { UsageError } from '../../../packages/cli/src/command.ts';
import { parseSubject } from '../../../packages/cli/src/distinguished-name.ts';
import { checkConfig } from '../../../packages/core/src/config/check.ts';
import { findJsonMistake } from '../../../packages/core/src/config/json.ts';
import { addressIn, observe } from '../../../packages/core/src/diagnose/observation.ts';
import { symptoms } from '../../../packages/core/src/diagnose/symptoms.ts';
import { normaliseHost } from '../../../packages/core/src/pin/host.ts';
import { formatPattern, parsePattern } from '../../../packages/core/src/pin/pattern.ts';
import { parseTarget } from '../../../packages/core/src/pin/target.ts';
import { json } from '../mutate/json.ts';
import { text } from '../mutate/text.ts';
import { hold, type Target } from '../target.ts';

const canary = 'Tr0ub4dor&3';

const configs = [
  {
    certificates: {
      bank: {
        pfx: 'bank.pfx',
        passphrase: canary,
        alias: 'alice',
        keyPassphrase: { env: 'KEY_SECRET' },
        maxIterations: 100_000,
      },
      tax: {
        cert: ['tax.crt', 'chain.pem'],
        key: 'tax.key',
        ca: [{ file: 'root.jks', passphrase: { file: 'secret.txt' } }],
        trust: 'only',
        bundles: { 'bank.example': 'bundle.pem', 'tax.example': [{ env: 'TAX_BUNDLE' }] },
      },
      mounted: { dir: '/var/run/secrets/none', watch: false },
    },
    hosts: {
      'api.bank.example': 'bank',
      '*.tax.example:8443': { certificate: 'tax', tls: { min: 'TLSv1.2', max: 'TLSv1.3' }, required: true },
      'open.example:*': false,
      '[2001:db8::1]:443': {
        certificate: 'bank',
        spki: ['AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='],
        servername: 'a.example',
        server: 'spiffe://bank.example/payments',
      },
    },
    services: {
      'Billing.Invoices': 'bank',
      Archive: { certificate: 'tax', hosts: ['archive.example'] },
      Open: false,
    },
    default: { ca: 'root.pem' },
    proxy: { url: 'http://proxy.example:3128', authorization: { env: 'PROXY' }, bypass: ['*.local'] },
    watch: { pollInterval: 1000, settle: 100 },
    expiryWarningDays: [30, 7],
    allowBroken: true,
    rollback: true,
  },
  { certificates: { a: { pfx: { env: 'A_PFX' } } }, default: 'a', tls: 'TLSv1.2', proxy: 'env', watch: true },
];

const configWords = [
  'certificates',
  'hosts',
  'services',
  'default',
  'certificate',
  'ca',
  'trust',
  'only',
  'tls',
  'legacy',
  'TLSv1.3',
  'required',
  'spki',
  'env',
  'file',
  'passphrase',
  'pfx',
  'cert',
  'key',
  'dir',
  'proxy',
  'bank',
  'tax',
  'servername',
  'server',
  'bundles',
  'spiffe://bank.example',
  '*.bank.example',
  'api.bank.example:443',
  'rejectUnauthorized',
  'dangerouslyAcceptAnyServer',
  'allowDowngrade',
  'expiryWarningDays',
];

const hosts = [
  'api.bank.example',
  '*.bank.example:8443',
  'localhost:*',
  '[2001:db8::1]:8443',
  '127.1',
  '0x7f.0.0.1',
  '::ffff:1.2.3.4',
  'fe80::1%eth0',
  'https://user:Tr0ub4dor&3@api.bank.example:8443/a?b#c',
  'bücher.example',
  'xn--bcher-kva.example',
  'ａ.example',
  'wss://a.example',
  'a.example.',
  '1.2.3.4.',
];

/** Of what is printed: an error as `util.inspect` writes it, an answer, a log, an error as JSON. */
const pasted = [
  'Error: write EPROTO C0:error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:ssl/record/rec_layer_s3.c:1605:SSL alert number 42\n',
  'HTTP/1.1 400 Bad Request\r\nserver: nginx\r\n\r\n<html><title>400 No required SSL certificate was sent</title></html>',
  JSON.stringify({
    name: 'AxiosError',
    code: 'EPROTO',
    message: 'x',
    config: { url: 'https://a.example', baseURL: '/v1' },
    response: { status: 403, data: { error: 'mTLS required' } },
    cause: { code: 'ECONNRESET' },
  }),
  JSON.stringify({
    errors: [{ code: 'ECONNREFUSED' }, { cause: { errors: [] } }],
    request: { _currentUrl: 'https://b.example' },
  }),
  "ClientCertificateError [ERR_CLIENTCERT_PASSPHRASE_WRONG]: bank.pfx: cannot be opened {\n  code: 'ERR_CLIENTCERT_PASSPHRASE_WRONG',\n  hint: 'Try another.'\n}",
  ...symptoms.flatMap(({ messages }) => messages.slice(0, 1)),
];

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

export const texts: readonly Target[] = [
  {
    name: 'config objects',
    changes: json(configWords),
    async open() {
      const run = async (input: Buffer) => {
        let config: unknown;
        try {
          config = JSON.parse(input.toString());
        } catch {
          return undefined;
        }
        const { baseDirectory: _, ...checked } = await checkConfig(config);
        for (const rule of Object.keys((config as { hosts?: object }).hosts ?? {})) agreeOnPattern(rule);
        return { ...checked, onProgress: undefined };
      };
      return { seeds: buffers(configs.map((config) => JSON.stringify(config))), run, secretsIn };
    },
  },
  {
    name: 'config files',
    changes: text([...configWords.map((word) => `"${word}":`), '\\u0041', '\\', '"', '//x\n', '/*', '1e400']),
    async open() {
      const directory = await mkdtemp(join(tmpdir(), 'clientcert-fuzz-'));
      const file = join(directory, 'clientcert.json');
      return {
        seeds: buffers(configs.map((config) => JSON.stringify({ ...config, certificates: {} }, null, 2))),
        async run(input) {
          const written = input.toString();
          const mistake = findJsonMistake(written);
          hold(isJson(written) || mistake !== undefined, 'a mistake in JSON is overlooked');
          hold(
            !isJson(written) || mistake === undefined || /twice|deeply/.test(mistake.message),
            `JSON is called a mistake: "${mistake?.message}"`,
          );
          await writeFile(file, input);
          await using credentials = await loadCredentials(file);
          return [
            credentials.rules(),
            credentials.explain('https://api.bank.example'),
            credentials.health().reasons,
          ];
        },
        secretsIn,
        close: () => rm(directory, { recursive: true }),
      };
    },
  },
  {
    name: 'hosts, patterns and URLs',
    changes: text([
      '*.',
      ':443',
      ':*',
      '[',
      ']',
      '%',
      'xn--',
      'https://',
      '@',
      '\\',
      '..',
      '。',
      'ß',
      'İ',
      '0x',
      '::',
      '#',
      '?',
      '\t',
    ]),
    async open() {
      const run = (input: Buffer) => {
        const written = input.toString();
        const host = normaliseHost(written);
        if (host !== undefined) {
          hold(normaliseHost(host) === host, `the spelling "${host}" is not the last one`);
          const url = `https://${host.includes(':') ? `[${host.replace(/%.*/, '')}]` : host}/`;
          hold(URL.canParse(url), `a URL has no host "${host}"`);
          hold(
            normaliseHost(new URL(url).hostname) === host.replace(/%.*/, ''),
            `a URL calls the host "${host}" otherwise`,
          );
        }
        agreeOnPattern(written);
        return [host, parsePattern(written), parseTarget(written)];
      };
      return { seeds: buffers(hosts), run, secretsIn };
    },
  },
  {
    name: 'pasted errors',
    changes: [
      ...json(['code', 'message', 'cause', 'errors', 'response', 'status', 'data', 'EPROTO', 'ECONNRESET']),
      ...text([
        'SSL alert number 46',
        'error:0A000438:',
        'HTTP/1.1 403 ',
        'ERR_CLIENTCERT_CLOSED',
        "hint: '",
        'status: 403',
        '<title>400',
      ]),
    ],
    async open() {
      const run = (input: Buffer) => {
        const written = input.toString();
        let value: unknown = written;
        try {
          value = JSON.parse(written);
        } catch {}
        const url = isObject(value) ? addressIn(value)?.href : undefined;
        return [
          observe(written),
          diagnose(written),
          observe(value),
          diagnose(value),
          diagnose(Object.assign(new Error(written), isObject(value) ? { ...value, message: written } : {})),
          url,
        ];
      };
      return { seeds: buffers(pasted), run };
    },
  },
  {
    name: 'distinguished names',
    changes: text(['CN=', ',', '+', '\\,', '\\2c', '#0403', 'emailAddress=', '2.5.4.3=', '"', ';', '=']),
    async open() {
      const seeds = [
        'CN=alice,O=Bank\\, Inc.,C=NL',
        'CN=a+OU=b, serialNumber=1 , emailAddress=a@b.example',
        'O="a,b";CN=#0403010203',
      ];
      return {
        seeds: buffers(seeds),
        run: (input) => parseSubject(input.toString()),
        refusals: [UsageError],
      };
    },
  },
];

function buffers(written: readonly string[]): Buffer[] {
  return written.map((each) => Buffer.from(each));
}

/** As a name that the user has chosen, it is printed. */
function secretsIn(input: Buffer): string[] {
  return input.includes(`${canary}":`) ? [] : [canary];
}

/** A pattern in its own spelling is the same pattern. */
function agreeOnPattern(written: string): void {
  const { pattern } = parsePattern(written);
  if (pattern === undefined) return;
  const again = parsePattern(formatPattern(pattern)).pattern;
  hold(
    JSON.stringify(again) === JSON.stringify(pattern),
    `written out, the pattern is another: "${formatPattern(pattern)}"`,
  );
}

function isJson(written: string): boolean {
  try {
    JSON.parse(written);
    return true;
  } catch {
    return false;
  }
}
