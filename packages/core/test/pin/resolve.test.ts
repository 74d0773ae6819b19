import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../src/config/check.ts';
import { resolve, resolveHost } from '../../src/pin/resolve.ts';
import { buildTable, type Table } from '../../src/pin/table.ts';
import { parseOrigin } from '../../src/pin/target.ts';
import type { Config, Target } from '../../src/types.ts';
import { withPolluted } from '../support.ts';

const certificates = {
  bank: { pfx: 'bank.pfx' },
  tax: { pfx: 'tax.pfx' },
  fallback: { pfx: 'fallback.pfx' },
};

async function load(config: Omit<Config, 'certificates'>): Promise<Table> {
  return buildTable((await checkConfig({ certificates, ...config })).pins, () => []);
}

const decide = async (config: Omit<Config, 'certificates'>, target: Target) => {
  const { certificate, rule } = resolve(await load(config), target);
  return [certificate, rule];
};

describe('precedence', () => {
  const everything = {
    hosts: {
      'a.x.example:8443': 'bank',
      'a.x.example:*': 'tax',
      '*.x.example:8443': 'bank',
      '*.x.example:*': 'tax',
    },
    services: { S: { certificate: 'fallback', hosts: ['a.x.example:8443'] }, Free: 'fallback' },
    default: 'fallback',
  };

  it.each<[string, Target, string | null, string]>([
    ['the request says false', { host: 'a.x.example', port: 8443, service: false }, null, 'request'],
    [
      "the service's own rule",
      { host: 'a.x.example', port: 8443, service: 'S' },
      'fallback',
      'services["S"]',
    ],
    ['exact host and port', { host: 'a.x.example', port: 8443 }, 'bank', 'hosts["a.x.example:8443"]'],
    ['exact host, any port', { host: 'a.x.example', port: 9000 }, 'tax', 'hosts["a.x.example:*"]'],
    ['wildcard with port', { host: 'b.x.example', port: 8443 }, 'bank', 'hosts["*.x.example:8443"]'],
    ['wildcard, any port', { host: 'b.x.example', port: 9000 }, 'tax', 'hosts["*.x.example:*"]'],
    ['default', { host: 'other.example' }, 'fallback', 'default'],
    ['default: a wildcard is one label', { host: 'a.b.x.example' }, 'fallback', 'default'],
    ['default: a wildcard is not none', { host: 'x.example' }, 'fallback', 'default'],
    ['a service elsewhere', { host: 'a.x.example', service: 'S' }, 'tax', 'hosts["a.x.example:*"]'],
    [
      'a service at the origin',
      { host: 'a.x.example', port: 8443, service: 'Free' },
      'fallback',
      'services["Free"]',
    ],
  ])('%s', async (_, target, certificate, rule) => {
    expect(await decide(everything, target)).toEqual([certificate, rule]);
  });

  it('is none where no rule names the host', async () => {
    expect(await decide({ hosts: { 'a.example': 'bank' } }, 'https://b.example')).toEqual([null, 'none']);
  });

  it('lets an exact host on any port win over a wildcard with the port', async () => {
    const hosts = { 'a.x.example:*': 'tax', '*.x.example:8443': 'bank' };
    expect(await decide({ hosts }, 'https://a.x.example:8443')).toEqual(['tax', 'hosts["a.x.example:*"]']);
  });
});

describe('false', () => {
  it('holds for every port where it names none', async () => {
    const hosts = { 'a.x.example': false, '*.x.example:*': 'bank' } as const;
    for (const port of [443, 8443]) {
      expect(await decide({ hosts }, { host: 'a.x.example', port })).toEqual([null, 'hosts["a.x.example"]']);
    }
    expect(await decide({ hosts }, { host: 'b.x.example' })).toEqual(['bank', 'hosts["*.x.example:*"]']);
  });

  it('holds for its port alone where it names one', async () => {
    const hosts = { 'a.x.example:443': false, '*.x.example:*': 'bank' } as const;
    expect((await decide({ hosts }, { host: 'a.x.example' }))[0]).toBeNull();
    expect((await decide({ hosts }, { host: 'a.x.example', port: 8443 }))[0]).toBe('bank');
  });

  it('beats a wildcard and the default, and is beaten by the exact port', async () => {
    const config = { hosts: { 'a.example': false, 'a.example:8443': 'bank' }, default: 'fallback' } as const;
    expect((await decide(config, 'https://a.example'))[0]).toBeNull();
    expect((await decide(config, 'https://a.example:8443'))[0]).toBe('bank');
  });

  it('as a wildcard holds for every port and leaves exact hosts alone', async () => {
    const config = { hosts: { '*.x.example': false, 'a.x.example': 'bank' }, default: 'fallback' } as const;
    expect((await decide(config, 'https://b.x.example:9000'))[0]).toBeNull();
    expect((await decide(config, 'https://a.x.example'))[0]).toBe('bank');
    expect((await decide(config, 'https://a.x.example:9000'))[0]).toBeNull();
  });

  it('may stand in an object, with what describes the server', async () => {
    const table = await load({ hosts: { 'a.example': { certificate: false, tls: 'TLSv1.3' } } });
    expect(resolve(table, 'https://a.example:9000')).toMatchObject({
      certificate: null,
      tls: { min: 'TLSv1.3', max: 'TLSv1.3' },
    });
  });
});

describe('services', () => {
  it('two with different certificates share a host and port', async () => {
    const hosts = ['soap.example:8443'];
    const services = { A: { certificate: 'bank', hosts }, B: { certificate: 'tax', hosts } };
    const table = await load({ services });
    expect(resolve(table, { host: 'soap.example', port: 8443, service: 'A' }).certificate).toBe('bank');
    expect(resolve(table, { host: 'soap.example', port: 8443, service: 'B' }).certificate).toBe('tax');
    expect(resolve(table, { host: 'soap.example', port: 8443 }).certificate).toBeNull();
  });

  it('without hosts applies at the origin of the call and never elsewhere', async () => {
    const table = await load({ services: { S: 'bank' } });
    const at = (host: string, port: number, origin: string) =>
      resolve(table, { host, port, service: 'S', origin }).certificate;
    expect(at('a.example', 443, 'https://a.example/path')).toBe('bank');
    expect(at('A.Example.', 443, 'https://a.example')).toBe('bank');
    expect(at('a.example', 443, 'wss://a.example')).toBe('bank');
    expect(at('a.example', 8443, 'https://a.example')).toBeNull();
    expect(at('b.example', 443, 'https://a.example')).toBeNull();
    expect(at('a.example', 80, 'http://a.example')).toBeNull();
    expect(at('a.example', 443, 'http://a.example:443')).toBeNull();
    expect(resolve(table, { host: 'a.example', service: 'S' }).certificate).toBe('bank');
    expect(resolveHost(table, 'a.example', 443, 'S', null).certificate).toBeNull();
    expect(resolveHost(table, 'a.example', 443, 'S', parseOrigin('https://a.example')).certificate).toBe(
      'bank',
    );
  });

  it.each(['a.x.example', 'a.x.example:*', '*.x.example'])(
    'without hosts gets none where %s says false',
    async (host) => {
      const config = { hosts: { [host]: false }, services: { S: 'bank' } } as const;
      expect(await decide(config, { host: 'a.x.example', service: 'S' })).toEqual([null, `hosts["${host}"]`]);
    },
  );

  it('with a wildcard yields to a more specific false', async () => {
    const services = { S: { certificate: 'bank', hosts: ['*.x.example:*'] } };
    const config = { hosts: { 'a.x.example': false }, services } as const;
    expect((await decide(config, { host: 'a.x.example', service: 'S' }))[0]).toBeNull();
    expect((await decide(config, { host: 'b.x.example', service: 'S' }))[0]).toBe('bank');
  });

  it('with an exact host wins over a wildcard false', async () => {
    const services = { S: { certificate: 'bank', hosts: ['a.x.example'] } };
    const config = { hosts: { '*.x.example': false }, services } as const;
    expect((await decide(config, { host: 'a.x.example', service: 'S' }))[0]).toBe('bank');
  });

  it('that say false present nothing', async () => {
    const services = { S: false, T: { certificate: false, hosts: ['a.example'] } } as const;
    const config = { hosts: { 'a.example': 'bank' }, services } as const;
    expect(await decide(config, { host: 'a.example', service: 'S' })).toEqual([null, 'services["S"]']);
    expect(await decide(config, { host: 'a.example', service: 'T' })).toEqual([null, 'services["T"]']);
  });

  it('that are not configured are an error, with the nearest name', async () => {
    const table = await load({ services: { 'Billing.InvoiceService': 'bank' } });
    for (const target of [{ host: 'a.example', service: 'Billing.InvoceService' }] as const) {
      expect(() => resolve(table, target)).toThrow(
        expect.objectContaining({
          code: 'ERR_CLIENTCERT_SERVICE_UNKNOWN',
          message: expect.stringContaining('"Billing.InvoiceService"'),
        }),
      );
    }
    for (const service of ['toString', '__proto__', 'constructor']) {
      expect(() => resolve(table, { host: 'a.example', service })).toThrow(/no service is called/);
    }
  });
});

describe('what a service says and what the host says', () => {
  const hosts = {
    'a.example': {
      certificate: 'bank',
      tls: 'TLSv1.2',
      spki: [`sha256/${'A'.repeat(43)}=`, `sha256/${'B'.repeat(42)}A=`],
      required: true,
      allowDowngrade: true,
    },
  } as const;

  it("keeps the host's options where the service says nothing", async () => {
    const table = await load({ hosts, services: { S: 'tax' } });
    expect(resolve(table, { host: 'a.example', service: 'S' })).toEqual({
      ...resolve(table, 'https://a.example'),
      certificate: 'tax',
      rule: 'services["S"]',
      authorities: ['tax', 'bank'],
      partition: expect.any(String),
    });
  });

  it("lets the service's options win one by one", async () => {
    const S = { certificate: 'tax', tls: 'TLSv1.3', required: false } as const;
    const table = await load({ hosts, services: { S } });
    expect(resolve(table, { host: 'a.example', service: 'S' })).toMatchObject({
      tls: { min: 'TLSv1.3', max: 'TLSv1.3' },
      required: false,
      allowDowngrade: true,
      spki: hosts['a.example'].spki,
    });
  });

  it("presents the host's certificate for a service that names none", async () => {
    const table = await load({ hosts, services: { S: { tls: 'TLSv1.3' } } });
    expect(resolve(table, { host: 'a.example', service: 'S' })).toMatchObject({
      certificate: 'bank',
      rule: 'services["S"]',
      tls: { min: 'TLSv1.3' },
    });
    expect(resolve(table, { host: 'b.example', service: 'S' }).certificate).toBeNull();
  });

  it('trusts what a withheld certificate brings', async () => {
    const table = await load({ hosts });
    expect(resolve(table, { host: 'a.example', service: false })).toMatchObject({
      certificate: null,
      authorities: ['bank'],
      tls: { min: 'TLSv1.2', max: 'TLSv1.2' },
      required: false,
    });
  });

  it("leaves the host's roots out where the service trusts only its own", async () => {
    const table = await load({ hosts, services: { S: { certificate: 'tax', trust: 'only' } } });
    expect(resolve(table, { host: 'a.example', service: 'S' })).toMatchObject({
      authorities: ['tax'],
      trust: 'only',
    });
  });

  it('says who the server is by the service, else by the host, and trusts by whoever says it', async () => {
    const server = 'spiffe://bank.example/payments';
    const table = await load({
      hosts: { 'a.example': { certificate: 'bank', server }, 'b.example': 'bank' },
      services: { S: 'tax', T: { server: 'spiffe://bank.example' }, U: { certificate: 'tax', server } },
    });
    const of = (host: string, service?: string | false) => {
      const found = resolve(table, { host, service, origin: `https://${host}` });
      return [found.server, found.trust, found.certificate, found.authorities];
    };
    expect(of('a.example')).toEqual([server, 'only', 'bank', ['bank']]);
    expect(of('a.example', false)).toEqual([server, 'only', null, ['bank']]);
    expect(of('a.example', 'S')).toEqual([server, 'only', 'tax', ['tax', 'bank']]);
    expect(of('a.example', 'T')).toEqual(['spiffe://bank.example', 'only', 'bank', ['bank']]);
    expect(of('b.example', 'T')).toEqual(['spiffe://bank.example', 'only', 'bank', ['bank']]);
    expect(of('b.example', 'U')).toEqual([server, 'only', 'tax', ['tax']]);
    expect(of('b.example', 'S')).toEqual([null, 'system', 'tax', ['tax', 'bank']]);
  });

  it('never presents a certificate to an unverified server that was accepted without one', async () => {
    const table = await load({
      hosts: { 'a.example': { dangerouslyAcceptAnyServer: true } },
      services: { S: 'bank' },
    });
    expect(resolve(table, 'https://a.example')).toMatchObject({ certificate: null, acceptsAnyServer: true });
    expect(resolve(table, { host: 'a.example', service: 'S' })).toMatchObject({
      certificate: 'bank',
      acceptsAnyServer: false,
    });
  });

  it('takes no default where a rule names the host without a certificate', async () => {
    const table = await load({ hosts: { 'a.example': { tls: 'TLSv1.3' } }, default: 'fallback' });
    expect(resolve(table, 'https://a.example').certificate).toBeNull();
  });

  it('uses the TLS versions for all where no rule says otherwise', async () => {
    const table = await load({
      hosts: { 'a.example': 'bank', 'b.example': { tls: 'TLSv1.2' } },
      tls: 'TLSv1.3',
    });
    expect(resolve(table, 'https://a.example').tls).toEqual({
      min: 'TLSv1.3',
      max: 'TLSv1.3',
      legacy: false,
    });
    expect(resolve(table, 'https://none.example').tls.min).toBe('TLSv1.3');
    expect(resolve(table, 'https://b.example').tls.max).toBe('TLSv1.2');
  });
});

describe('extra roots', () => {
  const [a, b] = rootCertificates.slice(0, 2).map((pem) => new X509Certificate(pem)) as [
    X509Certificate,
    X509Certificate,
  ];
  const roots = new Map([
    ['a.pem', a],
    ['b.pem', b],
  ]);

  async function build(config: Omit<Config, 'certificates'>) {
    const { pins, authorities } = await checkConfig({ certificates, ...config });
    const read = new Map(authorities.map(({ ca }) => [ca, ca.map((path) => roots.get(String(path))!)]));
    return buildTable(pins, (ca) => read.get(ca)!);
  }

  it('of the host and of the service add up', async () => {
    const table = await build({
      hosts: { 'a.example': { ca: 'a.pem' }, 'b.example': { ca: ['a.pem', 'a.pem'] } },
      services: {
        S: { certificate: 'bank', ca: ['b.pem', 'a.pem'] },
        Only: { certificate: 'bank', ca: 'b.pem', trust: 'only' },
      },
    });
    expect(resolve(table, 'https://a.example')).toMatchObject({
      certificate: null,
      ca: [a],
      trust: 'system',
    });
    expect(resolve(table, 'https://b.example').ca).toEqual([a]);
    expect(resolve(table, { host: 'a.example', service: 'S' }).ca).toEqual([b, a]);
    expect(resolve(table, { host: 'a.example', service: 'Only' })).toMatchObject({ ca: [b], trust: 'only' });
    expect(resolve(table, { host: 'a.example', service: false }).ca).toEqual([a]);
    expect(resolve(table, 'https://c.example').ca).toEqual([]);
  });

  it('tell partitions apart, in whichever order they were written', async () => {
    const table = await build({
      hosts: {
        'a.example': { ca: ['a.pem', 'b.pem'] },
        'b.example': { ca: ['b.pem', 'a.pem'] },
        'c.example': { ca: 'a.pem' },
      },
    });
    const [one, two, three] = ['a', 'b', 'c'].map(
      (name) => resolve(table, `https://${name}.example`).partition,
    );
    expect(one).toBe(two);
    expect(one).not.toBe(three);
  });

  it('have to be there when the table is asked', async () => {
    const { pins } = await checkConfig({ certificates, hosts: { 'a.example': { ca: 'a.pem' } } });
    const table = await buildTable(pins);
    expect(() => resolve(table, 'https://a.example')).toThrow(TypeError);
  });
});

describe('targets', () => {
  const table = load({ hosts: { 'a.example': 'bank', '127.0.0.1:8443': 'bank', '[::1]:8443': 'tax' } });
  const certificateFor = async (target: Target) => resolve(await table, target).certificate;

  it.each<[Target, string | null]>([
    ['https://a.example', 'bank'],
    ['https://A.EXAMPLE:443/x?y#z', 'bank'],
    ['wss://a.example/socket', 'bank'],
    [new URL('https://a.example./'), 'bank'],
    ['https://user:secret@a.example/', 'bank'],
    ['https://a%2eexample/', 'bank'],
    ['https:\\\\a.example\\x', 'bank'],
    ['https://a.exa\tmple/', 'bank'],
    ['https://ａ.example', 'bank'],
    ['https://a.example:0443', 'bank'],
    ['http://a.example', null],
    ['http://a.example:443', null],
    ['ws://a.example:443', null],
    ['https://a.example@evil.example/', null],
    ['https://evil.example\\@a.example/', null],
    ['https://a.example.evil.example', null],
    ['https://xa.example', null],
    ['https://a.example:8443', null],
    [{ host: 'a.example' }, 'bank'],
    [{ host: 'a.example', port: 443 }, 'bank'],
    [{ host: 'a.example', port: '443' }, 'bank'],
    [{ host: 'a.example', port: undefined, service: undefined }, 'bank'],
    ['https://127.1:8443', 'bank'],
    ['https://0x7f.1:8443', 'bank'],
    ['https://[::ffff:127.0.0.1]:8443', 'bank'],
    [{ host: '::ffff:7f00:1', port: 8443 }, 'bank'],
    [{ host: '0:0:0:0:0:0:0:1', port: 8443 }, 'tax'],
    [{ host: '[::1]', port: 8443 }, 'tax'],
    [{ host: '::1%lo', port: 8443 }, 'tax'],
  ])('%o gets %s', async (target, certificate) => expect(await certificateFor(target)).toBe(certificate));

  it.each<[unknown]>([
    ['a.example'],
    ['a.example:443'],
    ['ftp://a.example'],
    [{ host: 'https://a.example' }],
    [{ host: 'a.example:443' }],
    [{ host: 'user@a.example' }],
    [{ host: '' }],
    [{}],
    [{ hostname: 'a.example' }],
    [Object.create({ host: 'a.example' })],
    [{ host: 'a.example', port: 65536 }],
    [{ host: 'a.example', port: -1 }],
    [{ host: 'a.example', port: 44.3 }],
    [{ host: 'a.example', port: 'https' }],
    [null],
    [undefined],
    [443],
  ])('%j is refused', async (target) => {
    const held = await table;
    expect(() => resolve(held, target as Target)).toThrow(
      expect.objectContaining({ code: 'ERR_CLIENTCERT_HOST_INVALID', hint: expect.any(String) }),
    );
  });

  it('does not let the zone of an address match a wildcard', async () => {
    const wild = await load({ hosts: { '*.x.example:*': 'bank' } });
    expect(resolve(wild, { host: 'fe80::1%eth0.x.example' }).certificate).toBeNull();
  });
});

describe('a polluted Object.prototype', () => {
  it('changes no decision', async () => {
    const config = { hosts: { 'a.example': 'bank' }, services: { S: 'tax' } } as const;
    const clean = await load(config);
    const pollution = {
      host: 'a.example',
      port: 443,
      service: { certificate: 'tax' },
      origin: 'https://a.example',
      hosts: ['b.example'],
      withheld: true,
      certificate: 'tax',
      any: { rule: { certificate: 'tax' } },
      resolution: { certificate: 'tax' },
      secure: false,
      ca: ['evil.pem'],
    };
    const targets = [
      { host: 'a.example' },
      { host: 'b.example' },
      { host: 'b.example', service: 'S' },
      'http://a.example',
    ];
    const expected = targets.map((target) => resolve(clean, target));
    const decided = await withPolluted(pollution, async () => {
      const polluted = await load(config);
      return targets.map((target) => resolve(polluted, target));
    });
    expect(decided).toEqual(expected);
  });
});

describe('identity of decisions', () => {
  it('gives the same frozen object whenever the same rules decide', async () => {
    const table = await load({
      hosts: { 'a.example': 'bank', '*.x.example': 'bank' },
      services: { S: 'tax' },
    });
    expect(resolve(table, 'https://a.example')).toBe(resolve(table, { host: 'A.example.' }));
    expect(resolve(table, 'https://b.x.example')).toBe(resolve(table, 'https://c.x.example'));
    expect(resolve(table, 'https://none.example')).toBe(resolve(table, 'http://a.example'));
    expect(resolve(table, { host: 'a.example', service: 'S' })).toBe(
      resolve(table, { host: 'a.example', service: 'S' }),
    );
    const resolution = resolve(table, 'https://a.example');
    expect(Object.isFrozen(resolution)).toBe(true);
    for (const part of [resolution.tls, resolution.ca, resolution.spki, resolution.authorities]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('puts equal decisions into one partition, in this table and the next, and others apart', async () => {
    const config = {
      hosts: {
        'a.example': 'bank',
        'b.example': 'bank',
        'c.example': 'tax',
        'd.example': { certificate: 'bank', tls: 'TLSv1.2' },
        'e.example': { certificate: 'bank', required: true },
        'f.example': { certificate: 'bank', trust: 'only' },
        'g.example': false,
        'i.example': { certificate: 'bank', server: 'spiffe://bank.example' },
        'j.example': { certificate: 'bank', server: 'spiffe://bank.example/a' },
        'k.example': { certificate: 'tax', server: 'spiffe://bank.example/a' },
        'h.example': { certificate: 'bank', dangerouslyAcceptAnyServer: 'and-present-certificate' },
      },
      services: { S: 'tax' },
    } as const;
    const [one, two] = [await load(config), await load(config)];
    const partition = (table: Table, host: string, service?: string) =>
      resolve(table, service === undefined ? { host } : { host, service }).partition;
    expect(partition(one, 'a.example')).toBe(partition(one, 'b.example'));
    expect(partition(one, 'a.example')).toBe(partition(two, 'a.example'));
    const hosts = ['a', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'].map((name) => `${name}.example`);
    const all = [...hosts.map((host) => partition(one, host)), partition(one, 'a.example', 'S')];
    expect(new Set(all).size).toBe(all.length);
  });

  it('keeps a bounded memory of hosts', async () => {
    const table = await load({ hosts: { '*.x.example': 'bank' } });
    const hosts = Array.from({ length: 20_000 }, (_, index) => `h${index}.x.example`);
    const certificates = [...hosts, ...hosts.map((host) => `${host.toUpperCase()}.`)].map(
      (host) => resolveHost(table, host, 443).certificate,
    );
    expect(new Set(certificates)).toEqual(new Set(['bank']));
    expect(table.recent.size).toBeGreaterThan(0);
    expect(table.recent.size).toBeLessThanOrEqual(2048);
  });
});
