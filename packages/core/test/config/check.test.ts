import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../src/config/check.ts';
import { ClientCertificateError } from '../../src/errors.ts';
import { withPolluted } from '../support.ts';

const certificates = { bank: { pfx: 'bank.pfx' }, tax: { cert: 'tax.cer', key: 'tax.key' } };

async function refuse(config: unknown): Promise<ClientCertificateError> {
  try {
    await checkConfig(config);
  } catch (error) {
    if (error instanceof ClientCertificateError) return error;
    throw error;
  }
  throw new Error('the config was accepted');
}

const issuesOf = async (config: unknown) =>
  ((await refuse(config)).issues ?? []).map(({ path, message }) => [path.join('/'), message]);

describe('checkConfig', () => {
  it('takes the example of the documentation', async () => {
    const config = await checkConfig({
      certificates: {
        bank: { pfx: 'bank.pfx', passphrase: 'secret' },
        tax: {
          cert: 'tax.cer',
          key: 'tax.key',
          passphrase: { file: '/run/secrets/tax' },
          ca: ['tax-root.cer'],
        },
      },
      hosts: {
        'api.bank.example': 'bank',
        'api.bank.example:*': 'bank',
        '*.tax.example:8443': { certificate: 'tax', tls: 'TLSv1.2' },
        'old.tax.example': { certificate: 'tax', tls: { min: 'TLSv1', legacy: true } },
        'status.bank.example': false,
        'private.example': { ca: 'private-root.pem' },
      },
      services: {
        'Billing.InvoiceService': {
          certificate: 'tax',
          hosts: ['soap.tax.example', 'soap2.tax.example:8443'],
        },
        'Billing.Archive': 'bank',
      },
    });
    expect([...config.certificates.keys()]).toEqual(['bank', 'tax']);
    expect(config.pins.hosts.map(({ pattern }) => pattern.port)).toEqual([443, '*', 8443, 443, '*', 443]);
    expect(config.authorities.map(({ label, ca }) => [label, ca])).toEqual([
      ['hosts["private.example"]', ['private-root.pem']],
    ]);
    expect(config).toMatchObject({
      watch: { pollInterval: 30, settle: 200 },
      allowBroken: false,
      rollback: false,
      proxy: undefined,
    });
  });

  it('takes every form of source', async () => {
    const config = await checkConfig({
      $schema: './clientcert.schema.json',
      certificates: {
        a: {
          pfx: new URL('file:///bank.pfx'),
          passphrase: () => 'x',
          maxIterations: 10_000_000,
          alias: 'me',
        },
        b: { pfx: Buffer.from('x'), passphrase: { env: 'B' }, keyPassphrase: { file: new URL('file:///p') } },
        c: {
          cert: ['leaf.pem', { env: 'CHAIN' }, new Uint8Array(3)],
          key: { env: 'KEY' },
          ca: { env: 'CA' },
        },
        d: { dir: '/var/run/secret', trust: 'only', refresh: 60 },
        e: () => ({ pfx: 'e.pfx' }),
        f: { pfx: 'f.pfx', passphrase: undefined },
      },
      default: false,
      proxy: {
        url: 'https://user:secret@proxy.example:3128',
        certificate: 'a',
        authorization: { env: 'AUTH' },
      },
      watch: false,
      onProgress() {},
    });
    expect(config.certificates.size).toBe(6);
    expect(config.pins.trustOnly).toEqual(new Set(['d']));
    expect(config.proxy).toMatchObject({
      url: new URL('https://user:secret@proxy.example:3128'),
      certificate: 'a',
    });
  });

  it('names every error of a config, each with its path', async () => {
    const error = await refuse({
      certificates: {
        bank: { pfx: 'bank.pfx', password: 'hunter2' },
        odd: {},
        both: { pfx: 'a', cert: 'b' },
      },
      hosts: {
        'https://api.example': 'bank',
        'a.example': 'bnak',
        'b.example': {},
        'c.example': { tls: 'TLSv1' },
      },
      services: { S: { certificate: 'bank', hosts: [] }, T: 12 },
      watch: 'yes',
      extra: 1,
      alsoExtra: 2,
    });
    expect(error.code).toBe('ERR_CLIENTCERT_CONFIG_INVALID');
    expect(error.issues?.map(({ path }) => path.join('/')).sort()).toEqual([
      'alsoExtra',
      'certificates/bank/password',
      'certificates/both',
      'certificates/odd',
      'extra',
      'hosts/a.example',
      'hosts/b.example',
      'hosts/c.example/tls',
      'hosts/https://api.example',
      'services/S/hosts',
      'services/T',
      'watch',
    ]);
    expect(error.message).toContain('hosts["https://api.example"]');
    expect(error.hint).toBeTruthy();
  });

  it.each<[unknown, string, string]>([
    [{ certificates, hosts: { 'a.example b.example': 'bank' } }, 'HOST_INVALID', 'hosts/a.example b.example'],
    [{ certificates, hosts: { 'a b': 'bank' } }, 'HOST_INVALID', 'hosts/(not shown: it may be a secret)'],
    [{ certificates, hosts: { '::1:8443': 'bank' } }, 'HOST_INVALID', 'hosts/::1:8443'],
    [
      { certificates, services: { S: { certificate: 'bank', hosts: ['a.example', 'A.example:443'] } } },
      'RULE_CONFLICT',
      'services/S/hosts/1',
    ],
    [{ certificates, hosts: { '*.co.uk': 'bank' } }, 'HOST_INVALID', 'hosts/*.co.uk'],
    [
      { certificates, services: { S: { certificate: 'bank', hosts: ['a.example', '*'] } } },
      'HOST_INVALID',
      'services/S/hosts/1',
    ],
    [
      { certificates, services: { S: { certificate: 'bank', hosts: ['*.github.io'] } } },
      'HOST_INVALID',
      'services/S/hosts/0',
    ],
    [
      { certificates, hosts: { 'a.example': 'bank', 'A.example:443': 'tax' } },
      'RULE_CONFLICT',
      'hosts/A.example:443',
    ],
    [
      { certificates, hosts: { 'a.example': 'bank', 'a.example.': 'bank' } },
      'RULE_CONFLICT',
      'hosts/a.example.',
    ],
    [
      { certificates, hosts: { 'a.example': false, 'a.example:*': 'bank' } },
      'RULE_CONFLICT',
      'hosts/a.example:*',
    ],
    [
      { certificates, hosts: { '127.1': 'bank', '[::ffff:127.0.0.1]': 'tax' } },
      'RULE_CONFLICT',
      'hosts/[::ffff:127.0.0.1]',
    ],
    [
      {
        certificates,
        hosts: { 'a.example': false },
        services: { S: { certificate: 'bank', hosts: ['a.example:8443'] } },
      },
      'RULE_CONFLICT',
      'services/S/hosts/0',
    ],
    [
      {
        certificates,
        hosts: { 'a.example:8443': false },
        services: { S: { certificate: 'bank', hosts: ['a.example:*'] } },
      },
      'RULE_CONFLICT',
      'services/S/hosts/0',
    ],
    [
      {
        certificates,
        hosts: { 'a.example': false },
        services: { S: { required: true, hosts: ['a.example'] } },
      },
      'RULE_CONFLICT',
      'services/S/hosts/0',
    ],
    [{ certificates, hosts: { 'a.example': 'nobody' } }, 'CERTIFICATE_UNKNOWN', 'hosts/a.example'],
    [
      { certificates, hosts: { 'a.example': { certificate: 'nobody' } } },
      'CERTIFICATE_UNKNOWN',
      'hosts/a.example/certificate',
    ],
    [{ certificates, services: { S: 'nobody' } }, 'CERTIFICATE_UNKNOWN', 'services/S'],
    [{ certificates, default: 'nobody' }, 'CERTIFICATE_UNKNOWN', 'default'],
    [
      { certificates, proxy: { url: 'https://p', certificate: 'nobody' } },
      'CERTIFICATE_UNKNOWN',
      'proxy/certificate',
    ],
    [{ certificates, hosts: { 'a.example': 'toString' } }, 'CERTIFICATE_UNKNOWN', 'hosts/a.example'],
    [
      { certificates, hosts: { 'a.example': { certificate: 'bank', dangerouslyAcceptAnyServer: true } } },
      'VERIFICATION_OFF',
      'hosts/a.example/dangerouslyAcceptAnyServer',
    ],
    [
      { certificates, services: { S: { dangerouslyAcceptAnyServer: true } } },
      'VERIFICATION_OFF',
      'services/S/dangerouslyAcceptAnyServer',
    ],
    [{ certificates, hosts: { 'a.example': {} } }, 'CONFIG_INVALID', 'hosts/a.example'],
    [
      { certificates, hosts: { 'a.example': { certificate: undefined } } },
      'CONFIG_INVALID',
      'hosts/a.example',
    ],
    [{ certificates, hosts: { 'a.example': undefined } }, 'CONFIG_INVALID', 'hosts/a.example'],
    [{ certificates, hosts: { 'a.example': true } }, 'CONFIG_INVALID', 'hosts/a.example'],
    [{ certificates, hosts: [] }, 'CONFIG_INVALID', 'hosts'],
    [{ certificates, hosts: new Map([['a.example', 'bank']]) }, 'CONFIG_INVALID', 'hosts'],
    [{ certificates, services: { '': 'bank' } }, 'CONFIG_INVALID', 'services/'],
    [{ certificates, services: { S: { hosts: ['a.example'] } } }, 'CONFIG_INVALID', 'services/S'],
    [
      { certificates, hosts: { 'a.example': { tls: { min: 'TLSv1.1' } } } },
      'CONFIG_INVALID',
      'hosts/a.example/tls/min',
    ],
    [
      { certificates, hosts: { 'a.example': { tls: { max: 'TLSv1.1', legacy: false } } } },
      'CONFIG_INVALID',
      'hosts/a.example/tls/max',
    ],
    [{ certificates, tls: { min: 'TLSv1.3', max: 'TLSv1.2' } }, 'CONFIG_INVALID', 'tls'],
    [{ certificates, tls: {} }, 'CONFIG_INVALID', 'tls'],
    [{ certificates, tls: 'SSLv3' }, 'CONFIG_INVALID', 'tls'],
    [
      { certificates, hosts: { 'a.example': { tls: { min: '1.2' } } } },
      'CONFIG_INVALID',
      'hosts/a.example/tls/min',
    ],
    [
      { certificates, hosts: { 'a.example': { certificate: 'bank', spki: [] } } },
      'CONFIG_INVALID',
      'hosts/a.example/spki',
    ],
    [
      { certificates, hosts: { 'a.example': { certificate: 'bank', spki: ['sha256//x'] } } },
      'CONFIG_INVALID',
      'hosts/a.example/spki/0',
    ],
    ...['bank.example', 'spiffe://bank.example/', 'spiffe://bank.example:443/x', 'SPIFFE://a/b'].map(
      (server): [object, string, string] => [
        { certificates, hosts: { 'a.example': { certificate: 'bank', server } } },
        'CONFIG_INVALID',
        'hosts/a.example/server',
      ],
    ),
    [{ certificates, services: { S: { server: ['spiffe://a/b'] } } }, 'CONFIG_INVALID', 'services/S/server'],
    [
      { certificates, hosts: { 'a.example': { server: 'spiffe://a/b' } } },
      'CONFIG_INVALID',
      'hosts/a.example/server',
    ],
    [
      { certificates, default: { certificate: false, server: 'spiffe://a' } },
      'CONFIG_INVALID',
      'default/server',
    ],
    [
      {
        certificates,
        hosts: {
          'a.example': {
            certificate: 'bank',
            server: 'spiffe://a/b',
            dangerouslyAcceptAnyServer: 'and-present-certificate',
          },
        },
      },
      'CONFIG_INVALID',
      'hosts/a.example/dangerouslyAcceptAnyServer',
    ],
    [{ certificates: { bank: { pfx: 'a', bundles: {} } } }, 'CONFIG_INVALID', 'certificates/bank/bundles'],
    [{ certificates: { bank: { pfx: 'a', bundles: ['a'] } } }, 'CONFIG_INVALID', 'certificates/bank/bundles'],
    [
      { certificates: { bank: { pfx: 'a', bundles: { 'spiffe://a.example': 'a.pem' } } } },
      'CONFIG_INVALID',
      'certificates/bank/bundles/spiffe://a.example',
    ],
    [
      { certificates: { bank: { pfx: 'a', bundles: { a: [] } } } },
      'CONFIG_INVALID',
      'certificates/bank/bundles/a',
    ],
    [
      { certificates: { bank: { pfx: 'a', bundles: { a: { evn: 'X' } } } } },
      'CONFIG_INVALID',
      'certificates/bank/bundles/a/evn',
    ],
    [{ certificates, hosts: { 'a.example': { ca: [] } } }, 'CONFIG_INVALID', 'hosts/a.example/ca'],
    [{ certificates, hosts: { 'a.example': { trust: 'only' } } }, 'CONFIG_INVALID', 'hosts/a.example/trust'],
    [
      { certificates, hosts: { 'a.example': { required: true } } },
      'CONFIG_INVALID',
      'hosts/a.example/required',
    ],
    [
      { certificates, services: { S: { certificate: false, required: true } } },
      'CONFIG_INVALID',
      'services/S/required',
    ],
    [
      { certificates, hosts: { 'a.example': { dangerouslyAcceptAnyServer: true, ca: 'root.pem' } } },
      'CONFIG_INVALID',
      'hosts/a.example/dangerouslyAcceptAnyServer',
    ],
    [
      { certificates, hosts: { 'a.example': { certificate: 'bank', hosts: ['b.example'] } } },
      'CONFIG_INVALID',
      'hosts/a.example/hosts',
    ],
    [{ certificates: { bank: 'bank.pfx' } }, 'CONFIG_INVALID', 'certificates/bank'],
    [{ certificates: { bank: { key: 'a.key' } } }, 'CONFIG_INVALID', 'certificates/bank'],
    [{ certificates: { bank: { pfx: 'a.pfx', key: 'a.key' } } }, 'CONFIG_INVALID', 'certificates/bank'],
    [{ certificates: { bank: { pfx: '' } } }, 'CONFIG_INVALID', 'certificates/bank/pfx'],
    [{ certificates: { bank: { pfx: { evn: 'X' } } } }, 'CONFIG_INVALID', 'certificates/bank/pfx/evn'],
    [
      { certificates: { bank: { pfx: 'a', passphrase: {} } } },
      'CONFIG_INVALID',
      'certificates/bank/passphrase',
    ],
    [
      { certificates: { bank: { pfx: 'a', passphrase: 1 } } },
      'CONFIG_INVALID',
      'certificates/bank/passphrase',
    ],
    [{ certificates: { bank: { pfx: 'a', trust: 'all' } } }, 'CONFIG_INVALID', 'certificates/bank/trust'],
    [
      { certificates: { 'a\u001b[31m': { pfx: 'a' } } },
      'CONFIG_INVALID',
      'certificates/(not shown: it may be a secret)',
    ],
    [{ certificates, proxy: 'proxy.example:3128' }, 'CONFIG_INVALID', 'proxy'],
    [{ certificates, proxy: 'socks5://proxy.example:1080' }, 'CONFIG_INVALID', 'proxy'],
    [{ certificates, proxy: { url: 'socks5h://proxy.example' } }, 'CONFIG_INVALID', 'proxy/url'],
    [{ certificates, proxy: 'http://user:12/3@proxy.example' }, 'CONFIG_INVALID', 'proxy'],
    [{ certificates, proxy: { certificate: 'bank' } }, 'CONFIG_INVALID', 'proxy/url'],
    [
      { certificates, proxy: { url: 'http://p.example', certificate: 'bank' } },
      'CONFIG_INVALID',
      'proxy/certificate',
    ],
    [
      { certificates, proxy: { url: new URL('http://p.example'), ca: 'root.pem' } },
      'CONFIG_INVALID',
      'proxy/ca',
    ],
    [{ certificates, expiryWarningDays: -1 }, 'CONFIG_INVALID', 'expiryWarningDays'],
    [{ certificates, onProgress: 'x' }, 'CONFIG_INVALID', 'onProgress'],
    [undefined, 'CONFIG_INVALID', ''],
    [null, 'CONFIG_INVALID', ''],
    [[], 'CONFIG_INVALID', ''],
    ['x', 'CONFIG_INVALID', ''],
  ])('refuses %j with %s at %s', async (config, code, path) => {
    const error = await refuse(config);
    expect(error.code).toBe(`ERR_CLIENTCERT_${code}`);
    expect(error.issues?.map((issue) => issue.path.join('/'))).toContain(path);
    for (const { message } of error.issues ?? []) expect(message).not.toMatch(/Invalid|Expected/);
  });

  it('has a code of its own only where all errors are of one kind', async () => {
    expect((await refuse({ certificates, hosts: { '*': 'bank', 'a b': 'bank' } })).code).toBe(
      'ERR_CLIENTCERT_HOST_INVALID',
    );
    expect((await refuse({ certificates, hosts: { '*': 'bank', 'a.example': 'nobody' } })).code).toBe(
      'ERR_CLIENTCERT_CONFIG_INVALID',
    );
  });

  it.each<[unknown, string]>([
    [{ certificates: { bank: { pfx: 'a', password: 'x' } } }, 'did you mean `passphrase`?'],
    [{ certificates: { bank: { pfx: 'a', passphrse: 'x' } } }, 'did you mean `passphrase`?'],
    [{ certificates: { bank: { p12: 'a' } } }, 'did you mean `pfx`?'],
    [{ certificate: {} }, 'did you mean `certificates`?'],
    [{ host: {} }, 'did you mean `hosts`?'],
    [{ certificates, hosts: { 'a.example': { cert: 'bank' } } }, 'did you mean `certificate`?'],
    [
      { certificates, hosts: { 'a.example': { certificate: 'bank', minVersion: 'TLSv1.2' } } },
      'did you mean `tls`?',
    ],
    [{ certificates, hosts: { 'a.example': { rejectUnauthorized: false } } }, 'dangerouslyAcceptAnyServer'],
    [{ certificates, zzz: 1 }, 'known here: $schema, certificates, hosts'],
    [{ certificates, hosts: { 'a.example': 'bnak' } }, 'did you mean "bank"?'],
    [{ certificates, hosts: { 'a.example': 'Bank' } }, 'did you mean "bank"?'],
    [{ certificates, hosts: { 'a.example': 'certs/client.pfx' } }, 'a rule takes a name'],
    [{ certificates, hosts: { 'a.example': 'zzzzzz' } }, 'there is "bank", "tax"'],
  ])('suggests: %j', async (config, suggestion) => {
    expect((await issuesOf(config)).map(([, message]) => message).join('\n')).toContain(suggestion);
  });

  it('takes hosts that are called as what JavaScript objects have', async () => {
    const hosts = { constructor: 'bank', prototype: { certificate: 'tax' } };
    const { pins } = await checkConfig({ certificates, hosts });
    expect(pins.hosts.map(({ pattern, certificate }) => [pattern.host, certificate])).toEqual([
      ['constructor', 'bank'],
      ['prototype', 'tax'],
    ]);
    expect(await issuesOf({ certificates, hosts: { constructor: 12 } })).toEqual([
      ['hosts/constructor', expect.stringContaining("a certificate's name")],
    ]);
  });

  it('repeats no value that may be secret', async () => {
    const pem =
      '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHunter2Hunter2\n-----END PRIVATE KEY-----\n';
    const base64 = 'MIIKGQIBAzCCCd8GCSqGSIb3DQEHAaCCCdAEggnMMIIJyDCCBH8GCSqGSIb3DQEHBqCCBHAwggRsHunter2';
    const error = await refuse({
      certificates: {
        a: pem,
        b: { pfx: 'b.pfx', password: 'hunter2', passphrase: ['hunter2'] },
        c: { pfx: [base64], key: { hunter: pem } },
        d: { cert: 'd', passphrase: { value: 'hunter2' }, trust: 'hunter2', alias: { hunter2: 1 } },
      },
      hosts: {
        'a.example': pem,
        'b.example': { certificate: base64, tls: pem, spki: [pem] },
        'c.example': { ca: 12 },
      },
      services: { S: { hosts: base64 }, T: [pem] },
      default: pem,
      proxy: 'htp://user:hunter2@proxy.example',
    });
    const shown = JSON.stringify([
      error.message,
      error.hint,
      error.issues?.map(({ message }) => message),
      error.stack,
    ]);
    expect(error.issues?.length).toBeGreaterThan(12);
    expect(shown.replaceAll('`hunter2`', '')).not.toMatch(
      /hunter2":|: ?\\*"hunter2|Hunter2Hunter2|MIIKGQ|BEGIN|user:/,
    );
    expect(error.cause).toBeUndefined();
  });

  it('is not changed by __proto__ and constructor keys', async () => {
    const text = '{"__proto__": {"default": "bank"}, "certificates": {"bank": {"pfx": "a.pfx"}}}';
    expect(await issuesOf(JSON.parse(text))).toEqual([
      ['__proto__', expect.stringContaining('unknown option')],
    ]);
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      const rules = JSON.parse(`{"certificates": {"bank": {"pfx": "a"}}, "services": {"${name}": "bank"}}`);
      expect((await issuesOf(rules))[0]?.[0]).toBe(`services/${name}`);
    }
    expect(await issuesOf({ certificates, constructor: {} })).toHaveLength(1);
    const inherited = Object.create({ default: 'bank' });
    expect((await checkConfig(Object.assign(inherited, { certificates }))).pins.default).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('is not changed by a polluted Object.prototype', async () => {
    const pollution = {
      ca: 'evil.pem',
      default: 'bank',
      trust: 'only',
      passphrase: 'x',
      proxy: 'http://evil.example',
      required: true,
      dangerouslyAcceptAnyServer: true,
      hosts: { 'evil.example': 'bank' },
      tls: { min: 'TLSv1', legacy: true },
      env: 'X',
      min: 'TLSv1',
      port: '*',
      host: 'evil.example',
      wildcard: true,
      pattern: { host: 'evil.example', port: '*', wildcard: false },
      problem: 'x',
      service: 'S',
      certificate: 'tax',
      pollInterval: 0,
      settle: -1,
    };
    const clean = await checkConfig({ certificates, hosts: { 'a.example': { certificate: 'bank' } } });
    const config = await withPolluted(pollution, () =>
      checkConfig({ certificates, hosts: { 'a.example': { certificate: 'bank' } } }),
    );
    expect(config).toEqual(clean);
  });

  it.each<[unknown, string, RegExp]>([
    [
      { hosts: { 'a.example:8443': 'bank', 'a.example:*': 'bank' } },
      'RULE_REDUNDANT',
      /a\.example:8443.*a\.example:\*/,
    ],
    [
      { hosts: { 'a.x.example': 'bank', '*.x.example': 'bank' } },
      'RULE_REDUNDANT',
      /a\.x\.example.*\*\.x\.example/,
    ],
    [{ hosts: { 'a.example': false, 'a.example:8443': false } }, 'RULE_REDUNDANT', /8443/],
    [
      { hosts: { 'a.x.example:*': 'bank', '*.x.example:8443': 'tax' } },
      'RULE_SHADOWED',
      /a\.x\.example:\*.*\*\.x\.example:8443/,
    ],
    [{ hosts: { 'a.example': 'bank' } }, 'CERTIFICATE_UNUSED', /certificates\["tax"\]/],
    [
      { hosts: { 'a.example': { certificate: 'bank', spki: [`sha256/${'A'.repeat(43)}=`] } } },
      'SPKI_NO_BACKUP',
      /a\.example/,
    ],
    [{ hosts: { 'a.example': { dangerouslyAcceptAnyServer: true } } }, 'SERVER_UNVERIFIED', /a\.example/],
    [{ tls: { legacy: true } }, 'LEGACY_TLS', /every host/],
  ])('warns of %j: %s', async (config, code, message) => {
    const { warnings } = await checkConfig({ certificates, ...(config as object) });
    expect(warnings).toContainEqual({ code, message: expect.stringMatching(message) });
  });

  it('does not warn of what is plainly meant', async () => {
    const config = {
      certificates,
      hosts: {
        'a.x.example': false,
        'b.x.example': 'tax',
        '*.x.example:*': 'bank',
        'c.y.example': false,
        '*.y.example:8443': 'bank',
        'd.z.example:*': 'tax',
        'd.z.example:8443': 'bank',
        '*.z.example:8443': 'bank',
      },
    };
    const codes = (await checkConfig(config)).warnings.map(({ code }) => code);
    expect(codes.filter((code) => code !== 'RULE_REDUNDANT')).toEqual([]);
  });
});

describe('attack: rules that are weakened', () => {
  const ofA = (rule: unknown) => ({ certificates, hosts: { 'a.example': rule } });
  it.each([
    ['a URL as hosts', { certificates, hosts: new URL('https://a.example') }, 'hosts'],
    ['no bytes as hosts', { certificates, hosts: Buffer.alloc(0) }, 'hosts'],
    ['a URL as services', { certificates, services: new URL('https://a.example') }, 'services'],
    ['bytes as certificates', { certificates: Buffer.from('bank') }, 'certificates'],
    ['bytes as a rule', ofA(Buffer.from('bank')), 'hosts/a.example'],
    ['bytes as the default', { certificates, default: Buffer.from('bank') }, 'default'],
    ['bytes as tls', ofA({ tls: Buffer.from('TLSv1.3') }), 'hosts/a.example/tls'],
    ['a URL as watch', { certificates, watch: new URL('https://a.example') }, 'watch'],
  ])('%s is no rule that is lost in silence', async (_, config, path) => {
    const error = await refuse(config);
    expect(error.code).toBe('ERR_CLIENTCERT_CONFIG_INVALID');
    expect(error.issues!.map((issue) => issue.path.join('/'))).toContain(path);
  });

  it.each([
    [
      'a getter',
      {
        certificates,
        get hosts() {
          throw new TypeError('not now');
        },
      },
    ],
    [
      'a getter in a section',
      ofA({
        get tls() {
          throw new TypeError('not now');
        },
      }),
    ],
    [
      'a Proxy',
      {
        certificates,
        hosts: new Proxy(
          {},
          {
            ownKeys() {
              throw new TypeError('not now');
            },
          },
        ),
      },
    ],
  ])('what throws when it is read is an error of ours: %s', async (_, config) => {
    expect(await refuse(config)).toMatchObject({
      code: 'ERR_CLIENTCERT_CONFIG_INVALID',
      cause: { message: 'not now' },
    });
  });
});
