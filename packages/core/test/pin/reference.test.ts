import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyString } from '../../../../test/any-string.ts';
import { checkConfig } from '../../src/config/check.ts';
import { ClientCertificateError } from '../../src/errors.ts';
import { explain } from '../../src/pin/explain.ts';
import { normaliseHost } from '../../src/pin/host.ts';
import { parsePattern } from '../../src/pin/pattern.ts';
import { resolve, resolveHost } from '../../src/pin/resolve.ts';
import { buildTable } from '../../src/pin/table.ts';
import type { Config, HostPin, ServicePin } from '../../src/types.ts';

/** Few names and ports, so that rules meet each other and targets meet rules. */
const label = fc.constantFrom('a', 'b', 'c');
const host = fc
  .array(label, { minLength: 1, maxLength: 3 })
  .map((labels) => [...labels, 'example'].join('.'));
const port = fc.constantFrom(443, 8443);
const pattern = fc
  .tuple(fc.boolean(), host, fc.constantFrom('', ':443', ':8443', ':*'))
  .map(([wildcard, name, suffix]) => `${wildcard ? '*.' : ''}${name}${suffix}`);
const pin = fc.constantFrom<HostPin>(
  'one',
  'two',
  false,
  { tls: 'TLSv1.3' },
  { certificate: 'one', tls: 'TLSv1.2' },
  { certificate: 'one', server: 'spiffe://a.example/one' },
  { certificate: 'two', server: 'spiffe://a.example' },
);
const service = fc.oneof(
  fc.constantFrom<ServicePin>('three', false, { tls: 'TLSv1.2' }, { server: 'spiffe://b.example/service' }),
  fc.record({
    certificate: fc.constantFrom('three', 'two'),
    hosts: fc.array(pattern, { minLength: 1, maxLength: 3 }),
  }),
);
const config = fc.record({
  hosts: fc.dictionary(pattern, pin, { maxKeys: 8 }),
  services: fc.record({ S: service, T: service }),
  default: fc.constantFrom<HostPin | undefined>(undefined, 'four', false),
});
const target = fc.record({
  host,
  port,
  service: fc.constantFrom<string | false | undefined>(undefined, false, 'S', 'T'),
  origin: fc.option(fc.tuple(host, port), { nil: undefined }),
});

type Drawn = typeof config extends fc.Arbitrary<infer Value> ? Value : never;
type DrawnTarget = typeof target extends fc.Arbitrary<infer Value> ? Value : never;

/** One pattern against one host and port, by labels, as the documentation says it. */
function matches(text: string, wanted: { host: string; port: number }, denies: boolean): boolean {
  const [name = '', suffix] = text.split(':');
  const portMatches =
    suffix === '*' || (suffix === undefined && denies) || Number(suffix ?? 443) === wanted.port;
  const pinned = name.split('.');
  const labels = wanted.host.split('.');
  const same =
    pinned.length === labels.length && pinned.every((each, index) => each === '*' || each === labels[index]);
  return portMatches && same;
}

/** Position in the list of precedence: lower goes first. */
function order(text: string, denies: boolean): number {
  const anyPort = text.endsWith(':*') || (denies && !text.includes(':'));
  return (text.startsWith('*') ? 2 : 0) + (anyPort ? 1 : 0);
}

const certificateOf = (rule: HostPin | ServicePin | undefined) =>
  typeof rule === 'object' ? rule.certificate : rule;

const serverOf = (rule: HostPin | ServicePin | undefined) =>
  typeof rule === 'object' ? rule.server : undefined;

interface Decided {
  certificate: string | null;
  server: string | null;
}

/** The decision, slowly: every rule is looked at, the list of precedence is followed from the top. */
function decide(drawn: Drawn, wanted: DrawnTarget): Decided {
  const candidates = Object.entries(drawn.hosts)
    .map(([text, rule]) => ({ text, rule, denies: certificateOf(rule) === false }))
    .filter(({ text, denies }) => matches(text, wanted, denies))
    .sort((a, b) => order(a.text, a.denies) - order(b.text, b.denies));
  const [winner] = candidates;
  const byHost = winner ? winner.rule : drawn.default;
  const denied = winner?.denies === true;
  const byHostAlone = { certificate: certificateOf(byHost) || null, server: serverOf(byHost) ?? null };
  if (wanted.service === false) return { ...byHostAlone, certificate: null };
  const rule = wanted.service === undefined ? undefined : drawn.services[wanted.service as 'S' | 'T'];
  if (rule !== undefined) {
    const hosts = typeof rule === 'object' ? rule.hosts : undefined;
    const [host, port] = wanted.origin ?? [wanted.host, wanted.port];
    const here = hosts
      ? hosts.some(
          (text) =>
            matches(text, wanted, false) &&
            !(denied && winner && order(winner.text, true) < order(text, false)),
        )
      : host === wanted.host && port === wanted.port && !denied;
    if (here) {
      const own = certificateOf(rule);
      return {
        certificate: (own === undefined ? certificateOf(byHost) : own) || null,
        server: serverOf(rule) ?? byHostAlone.server,
      };
    }
  }
  return byHostAlone;
}

const certificates = { one: { pfx: '1' }, two: { pfx: '2' }, three: { pfx: '3' }, four: { pfx: '4' } };

async function build(drawn: Config) {
  try {
    return await buildTable((await checkConfig({ certificates, ...drawn })).pins, () => []);
  } catch (error) {
    if (error instanceof ClientCertificateError && error.code === 'ERR_CLIENTCERT_RULE_CONFLICT')
      return undefined;
    throw error;
  }
}

describe('decisions', () => {
  it('are made by every rule somewhere: none is hidden by others', async () => {
    await fc.assert(
      fc.asyncProperty(config, async (drawn) => {
        const table = await build(drawn);
        for (const text of table ? Object.keys(drawn.hosts) : []) {
          const [name = '', suffix] = text.split(':');
          const host = name.replace('*', 'unnamed');
          const isEvery = suffix === '*' || (suffix === undefined && drawn.hosts[text] === false);
          const port = isEvery ? 9 : Number(suffix ?? 443);
          expect(resolve(table!, { host, port }).rule).toBe(`hosts["${text}"]`);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are those of a slow reference, whatever the config', async () => {
    let decided = 0;
    await fc.assert(
      fc.asyncProperty(config, fc.array(target, { minLength: 5, maxLength: 20 }), async (drawn, targets) => {
        const table = await build(drawn);
        if (table === undefined) return;
        for (const wanted of targets) {
          const { origin, ...rest } = wanted;
          const asked = { ...rest, origin: origin && `https://${origin[0]}:${origin[1]}` };
          const expected = decide(drawn, wanted);
          const resolution = resolve(table, asked);
          const { certificate, server, trust } = resolution;
          expect([asked, { certificate, server }]).toEqual([asked, expected]);
          if (server !== null) expect(trust).toBe('only');
          expect(resolve(table, { ...asked, host: `${asked.host.toUpperCase()}.` })).toBe(resolution);
          const { considered } = explain(table, asked, {
            certificate: () => undefined,
            broken: () => undefined,
            lending: ({ authorities }) => authorities,
            proxy: () => null,
          });
          expect(considered.filter(({ outcome }) => outcome === 'won').map(({ rule }) => rule)).toEqual(
            resolution.rule === 'none' ? [] : [resolution.rule],
          );
          if (resolution.certificate !== null) decided++;
        }
      }),
      { numRuns: 600 },
    );
    expect(decided).toBeGreaterThan(500);
  });

  it('do not depend on the order of the rules', async () => {
    await fc.assert(
      fc.asyncProperty(config, target, async (drawn, { origin: _, ...wanted }) => {
        const reversed = { ...drawn, hosts: Object.fromEntries(Object.entries(drawn.hosts).reverse()) };
        const [one, two] = [await build(drawn), await build(reversed)];
        expect(one === undefined).toBe(two === undefined);
        if (one && two) expect(resolve(one, wanted)).toEqual(resolve(two, wanted));
      }),
    );
  });
});

describe('hosts', () => {
  const spelled = fc.oneof(fc.ipV4Extended(), fc.ipV6(), fc.domain());

  it('are read the same once they have been read', () => {
    fc.assert(
      fc.property(fc.oneof(spelled, fc.string(), anyString), (text) => {
        const once = normaliseHost(text);
        if (once !== undefined) expect(normaliseHost(once)).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });

  it('are read as a URL reads them, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(spelled, anyString), (text) => {
        const ours = normaliseHost(text);
        if (ours === undefined) return;
        const bracketed = text.includes(':') && !text.startsWith('[') ? `[${text}]` : text;
        const theirs = new URL(`https://${bracketed}/`).hostname.replace(/\.$/, '');
        expect(ours).toBe(normaliseHost(theirs));
      }),
      { numRuns: 2000 },
    );
  });

  it('match no rule but their own, whatever is put around them', async () => {
    const table = await buildTable(
      (await checkConfig({ certificates, hosts: { 'pinned.bank.example': 'one', '*.bank.example': 'two' } }))
        .pins,
    );
    const around = fc.string({
      unit: fc.constantFrom(
        '.',
        '@',
        '/',
        '\\',
        '\t',
        '%',
        '%2e',
        '%00',
        ' ',
        'x',
        '\uff0e',
        ':',
        '#',
        '?',
        '[',
        ']',
        '*',
      ),
    });
    fc.assert(
      fc.property(around, around, (before, after) => {
        const text = `${before}pinned.bank.example${after}`;
        let certificate: string | null = null;
        try {
          certificate = resolveHost(table, text, 443).certificate;
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_CLIENTCERT_HOST_INVALID' });
        }
        if (certificate === 'one') expect(text.replace(/[.\uff0e]$/, '')).toBe('pinned.bank.example');
        if (certificate === 'two')
          expect(text.replace(/[.\uff0e]$/, '')).toMatch(/^[x*]+pinned\.bank\.example$/);
      }),
      { numRuns: 3000 },
    );
  });

  it('and patterns of any text are parsed or refused with words, never worse', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), anyString, fc.webAuthority({ withPort: true })), (text) => {
        const { pattern, problem } = parsePattern(text);
        expect(pattern === undefined).toBe(typeof problem === 'string' && problem.length > 10);
      }),
      { numRuns: 2000 },
    );
  });
});
