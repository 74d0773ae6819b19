import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../src/config/check.ts';
import { type ExplainContext, explain } from '../../src/pin/explain.ts';
import { resolve } from '../../src/pin/resolve.ts';
import { buildTable } from '../../src/pin/table.ts';
import type { Config, Resolution, Target } from '../../src/types.ts';

const certificates = { bank: { pfx: 'bank.pfx' }, tax: { pfx: 'tax.pfx' } };

const context: ExplainContext = {
  certificate: (name) => ({
    name,
    subject: `C=NL\nO=Bank\nCN=${name}`,
    issuer: 'CN=Bank Client CA',
    spiffeId: null,
    fingerprint256: Array.from({ length: 32 }, () => 'AB').join(':'),
    validTo: new Date('2027-01-02T00:00:00Z'),
    daysLeft: name === 'tax' ? -1 : 42,
    key: 'memory',
    token: null,
    signedBy: null,
  }),
  broken: () => undefined,
  lending: ({ authorities }) => authorities,
  proxy: () => null,
};

async function explained(config: Omit<Config, 'certificates'>, target: Target, given = context) {
  const table = await buildTable((await checkConfig({ certificates, ...config })).pins, () => []);
  const explanation = explain(table, target, given);
  expect(explanation.resolution).toBe(resolve(table, target));
  for (const line of String(explanation).split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  return explanation;
}

const summaryOf = async (config: Omit<Config, 'certificates'>, target: Target) =>
  (await explained(config, target)).summary.join(' ');

describe('explain', () => {
  it('names a host of one label, on any port, and a certificate that just expired', async () => {
    const explanation = await explained(
      { hosts: { 'localhost:*': 'tax' } },
      { host: 'localhost', port: 8443 },
    );
    expect(String(explanation)).toContain('Rule         hosts["localhost:*"]');
    expect(String(explanation)).toContain('2027-01-02, expired less than a day ago');
  });

  it('says whom an SVID names, and to the minute when what lives for hours ends', async () => {
    const explanation = await explained(
      { hosts: { 'api.example': 'bank' } },
      { host: 'api.example' },
      {
        ...context,
        certificate: (name) => ({
          ...context.certificate(name)!,
          spiffeId: 'spiffe://example.org/payments',
          validTo: new Date('2027-01-02T10:20:30Z'),
          daysLeft: 0,
        }),
      },
    );
    expect(String(explanation)).toContain('  SPIFFE ID    spiffe://example.org/payments\n');
    expect(String(explanation)).toContain('Valid until  2027-01-02 10:20 UTC, less than a day left\n');
  });

  it('reads as a text', async () => {
    const hosts = { 'api.bank.example': 'bank', '*.bank.example:*': 'tax' };
    const services = { 'Billing.Invoices': { certificate: 'tax', hosts: ['soap.example'] } };
    const explanation = await explained(
      { hosts, services },
      { host: 'API.bank.example', service: 'Billing.Invoices' },
    );
    expect(String(explanation)).toBe(
      [
        'https://api.bank.example as "Billing.Invoices"',
        '',
        '  The service "Billing.Invoices" does not apply: it lists soap.example:443, and',
        '  this is api.bank.example:443.',
        '  "bank" is presented, by hosts["api.bank.example"].',
        '',
        '  Certificate  bank',
        '  Subject      C=NL, O=Bank, CN=bank',
        '  Issuer       CN=Bank Client CA',
        '  SHA-256      AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:',
        '               AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB',
        '  Valid until  2027-01-02, 42 days left',
        '  Rule         hosts["api.bank.example"]',
        '  TLS          1.2 to 1.3',
        '  Trust        Node\'s roots, the roots that came with "bank"',
        '  Proxy        none',
        '',
        '  Rules considered',
        '  won   hosts["api.bank.example"] (bank)',
        '          the exact host and port is the most specific that applies',
        '  lost  services["Billing.Invoices"] (tax)',
        '          it lists soap.example:443, and this is api.bank.example:443',
        '  lost  hosts["*.bank.example:*"] (tax)',
        '          hosts["api.bank.example"] is more specific: the exact host and port',
        '          goes before a wildcard on any port',
      ].join('\n'),
    );
  });

  it('is an object as well', async () => {
    const explanation = await explained({ hosts: { 'a.example': 'bank' } }, 'https://a.example');
    expect(JSON.parse(JSON.stringify(explanation))).toMatchObject({
      target: 'https://a.example',
      service: null,
      certificate: { name: 'bank', daysLeft: 42 },
      considered: [{ rule: 'hosts["a.example"]', certificate: 'bank', outcome: 'won' }],
      tls: { min: 'TLSv1.2', max: 'TLSv1.3', legacy: false },
      proxy: null,
    });
  });

  it('says that a host is pinned for another port', async () => {
    const summary = await summaryOf(
      { hosts: { 'api.bank.example': 'bank' } },
      'https://api.bank.example:8443',
    );
    expect(summary).toContain('api.bank.example is pinned for port 443 only, and this is port 8443.');
    expect(summary).toContain(
      'Write "api.bank.example:8443" for this port, or "api.bank.example:*" for every port.',
    );
  });

  it.each<[string, Omit<Config, 'certificates'>, Target, string]>([
    [
      'a wildcard two labels up',
      { hosts: { '*.bank.example': 'bank' } },
      'https://a.b.bank.example',
      'exactly one label, and before bank.example there is a.b. Write "a.b.bank.example", or "*.b.bank.example"',
    ],
    [
      'the wildcard itself',
      { hosts: { '*.bank.example': 'bank' } },
      'https://bank.example',
      '*.bank.example:443 holds for hosts one label below bank.example',
    ],
    [
      'a wildcard for another port',
      { hosts: { '*.bank.example': 'bank' } },
      'https://a.bank.example:8443',
      'pinned for port 443 only',
    ],
    [
      'http:',
      { hosts: { 'a.example': 'bank' } },
      'http://a.example',
      'without https: there is no handshake to present a certificate in. With https://a.example it would be "bank", by hosts["a.example"].',
    ],
    [
      'http: on a port',
      { hosts: { 'a.example:*': 'bank' } },
      'http://a.example:8080',
      'With https://a.example:8080 it would be "bank"',
    ],
    ['http: and nothing pinned', {}, 'http://a.example', 'No certificate: without https:'],
    [
      'denied',
      { hosts: { 'a.example': false } },
      'https://a.example:9',
      'hosts["a.example"] says that none is ever presented here',
    ],
    [
      'denied to a service',
      { hosts: { 'a.example': false }, services: { S: 'bank' } },
      { host: 'a.example', service: 'S' },
      'The service "S" does not apply: hosts["a.example"] says',
    ],
    [
      'no certificate named',
      { hosts: { 'a.example': { tls: 'TLSv1.3' } } },
      'https://a.example',
      'hosts["a.example"] holds here and names none',
    ],
    [
      'asked for none',
      { hosts: { 'a.example': 'bank' } },
      { host: 'a.example', service: false },
      'the request asks for none',
    ],
    [
      'a service elsewhere',
      { services: { S: { certificate: 'bank', hosts: ['b.example'] } } },
      { host: 'a.example', service: 'S' },
      'it lists b.example:443, and this is a.example:443',
    ],
    [
      'after a redirect',
      { services: { S: 'bank' } },
      { host: 'b.example', service: 'S', origin: 'https://a.example' },
      'at the origin of the call alone, https://a.example',
    ],
    [
      'a service that says false',
      { services: { S: false } },
      { host: 'a.example', service: 'S' },
      'services["S"] says that none is ever presented here',
    ],
    ['nothing', {}, 'https://a.example', 'No certificate: no rule names a.example with port 443.'],
    [
      'a slip',
      { hosts: { 'api.bank.example': 'bank' } },
      'https://api.bnak.example',
      'Did you mean api.bank.example:443?',
    ],
    [
      'a slip below a wildcard',
      { hosts: { '*.bank.example': 'bank' } },
      'https://api.bnak.example',
      'Did you mean *.bank.example:443?',
    ],
    [
      'another label',
      { hosts: { 'api.bank.example': 'bank' } },
      'https://payments.bank.example',
      'Did you mean api.bank.example:443?',
    ],
    [
      'one label less',
      { hosts: { 'api.bank.example': 'bank' } },
      'https://bank.example',
      'Did you mean api.bank.example:443?',
    ],
    [
      'one label more',
      { hosts: { 'bank.example': 'bank' } },
      'https://www.bank.example',
      'Did you mean bank.example:443?',
    ],
    [
      'an expired certificate',
      { hosts: { 'a.example': 'tax' } },
      'https://a.example',
      'The certificate has expired.',
    ],
    [
      'an unverified server',
      { hosts: { 'a.example': { dangerouslyAcceptAnyServer: true } } },
      'https://a.example',
      'The server is not verified',
    ],
    ['IPv6', { hosts: { '[::1]': 'bank' } }, 'https://[::1]:8443', 'Write "[::1]:8443" for this port'],
  ])('says why: %s', async (_, config, target, text) =>
    expect(await summaryOf(config, target)).toContain(text),
  );

  it('does not suggest hosts that have nothing in common', async () => {
    const summary = await summaryOf(
      { hosts: { 'api.bank.example': 'bank', 'x.com': 'tax' } },
      'https://other.com',
    );
    expect(summary).not.toContain('Did you mean');
  });

  it('tells every rule for the host and why it lost', async () => {
    const { considered } = await explained(
      {
        hosts: {
          'a.x.example:8443': 'bank',
          'a.x.example:*': 'tax',
          '*.x.example:8443': 'bank',
          '*.x.example': 'tax',
          '*.example': 'tax',
        },
        services: { S: { certificate: 'bank', hosts: ['a.x.example:8443'] }, T: 'tax' },
        default: 'tax',
      },
      'https://a.x.example:8443',
    );
    expect(considered.map(({ rule, outcome, reason }) => [rule, outcome, reason])).toEqual([
      ['hosts["a.x.example:8443"]', 'won', 'the exact host and port is the most specific that applies'],
      ['services["S"]', 'lost', 'the request does not name this service'],
      ['hosts["a.x.example:*"]', 'lost', expect.stringContaining('goes before the exact host on any port')],
      ['hosts["*.x.example:8443"]', 'lost', expect.stringContaining('goes before a wildcard with the port')],
      ['hosts["*.x.example"]', 'lost', 'it names port 443, and this is port 8443'],
      ['hosts["*.example"]', 'lost', expect.stringContaining('exactly one label')],
      ['default', 'lost', expect.stringContaining('goes before the default')],
    ]);
  });

  it('tells a rule that lends its options to the winner', async () => {
    const config = { hosts: { 'a.example': 'bank' }, services: { S: 'tax' } };
    const { considered, trust } = await explained(config, { host: 'a.example', service: 'S' });
    expect(considered.map(({ rule, outcome }) => [rule, outcome])).toEqual([
      ['services["S"]', 'won'],
      ['hosts["a.example"]', 'lost'],
    ]);
    expect(considered[1]?.reason).toContain('what the service does not say is taken from here');
    expect(trust).toBe('Node\'s roots, the roots that came with "tax", the roots that came with "bank"');
  });

  it('claims roots of a certificate only where it brought some', async () => {
    const without = {
      ...context,
      lending: ({ authorities }: Resolution) => authorities.filter((name) => name === 'tax'),
    };
    const trustOf = async (...[config, target]: [Omit<Config, 'certificates'>, Target]) =>
      (await explained(config, target, without)).trust;
    const config = { hosts: { 'a.example': 'bank' }, services: { S: 'tax' } } as const;
    expect(await trustOf(config, 'https://a.example')).toBe("Node's roots");
    expect(await trustOf(config, { host: 'a.example', service: 'S' })).toBe(
      'Node\'s roots, the roots that came with "tax"',
    );
    const exclusive = { hosts: { 'a.example': { certificate: 'bank', trust: 'only' } } } as const;
    expect(await trustOf(exclusive, 'https://a.example')).toBe('only extra roots, of which none is loaded');
  });

  it('names a wildcard that was too short once', async () => {
    const { considered } = await explained(
      { hosts: { '*.portal.example:*': 'bank' } },
      'https://x.y.portal.example',
    );
    expect(considered).toEqual([
      expect.objectContaining({ reason: expect.stringContaining('exactly one label') }),
    ]);
  });

  it('stays short among thousands of rules', async () => {
    const ports = Array.from({ length: 3000 }, (_, index) => [`a.example:${index + 1}`, 'bank']);
    const others = Array.from({ length: 3000 }, (_, index) => [`h${index}.x.example`, 'bank']);
    const hosts = Object.fromEntries([...ports, ...others]);
    expect((await explained({ hosts }, 'https://a.example:2999')).considered.length).toBeLessThan(50);
    expect((await explained({ hosts }, 'https://a.example:9999')).considered.length).toBeLessThan(50);
    expect((await explained({ hosts }, 'https://other.x.example')).considered.length).toBeLessThan(50);
  });

  it('prints nothing that a terminal would act on, and breaks what is long', async () => {
    const hostile = {
      ...context.certificate('bank')!,
      subject: `CN=\u001b[31mred\u202e\n${'x'.repeat(200)}`,
    };
    const host = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.example`;
    const explanation = await explained({ hosts: { [host]: 'bank' } }, `https://${host}`, {
      certificate: () => hostile,
      broken: () => undefined,
      lending: ({ authorities }) => authorities,
      proxy: () => 'http://proxy.example:3128',
    });
    expect(String(explanation).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(String(explanation)).toContain('Proxy        http://proxy.example:3128');
  });

  it('survives a certificate that is not there', async () => {
    const { certificate } = await explained({ hosts: { 'a.example': 'bank' } }, 'https://a.example', {
      certificate: () => undefined,
      broken: () => undefined,
      lending: ({ authorities }) => authorities,
      proxy: () => null,
    });
    expect(certificate).toBeNull();
  });

  it('refuses what resolve refuses', async () => {
    await expect(explained({}, 'nonsense')).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_HOST_INVALID' });
    await expect(explained({}, { host: 'a', service: 'S' })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_SERVICE_UNKNOWN',
    });
  });
});
