import type { Config, HostPin, ServicePin } from '@clientcert/core';
import type { Authority, IssuedCertificate, SeenRequest } from '@clientcert/testing';
import fc from 'fast-check';

/**
 * A model of what the rules say, told apart from how core decides it, and programs that try it: configs that change while
 * several clients over several credentials call, follow redirects, speak as services and give up.
 */

/** `silent` asks nobody for a certificate, the stranger has another authority than the rest, and `plain` is no TLS at all. */
export const places = ['first', 'second', 'third', 'silent', 'address', 'stranger', 'plain'] as const;
export type Place = (typeof places)[number];
const secure = ['first', 'second', 'third', 'silent', 'address', 'stranger'] as const;

export type Holder = 'alice' | 'bob';
export type Service = 'Narrow' | 'Free';

/** A rule as the config says it; `undefined`: none names the host. */
export type Rule =
  | undefined
  | {
      readonly holder: Holder | null;
      readonly denied: boolean;
      readonly required: boolean;
      readonly tls12: boolean;
      readonly wrongPin: boolean;
      readonly allowDowngrade: boolean;
    };

/** A config as a program has it. */
export interface Settings {
  readonly rules: { readonly [at in (typeof secure)[number]]: Rule };
  readonly narrow: { readonly holder: Holder; readonly places: readonly Place[] };
  readonly free: Holder;
  /** The rule for every other host. */
  readonly others: Rule;
  /** Whether TLS 1.2 alone is spoken wherever no rule says otherwise. */
  readonly tls12: boolean;
  /** Which of each holder's two certificates is in use. */
  readonly versions: { readonly [who in Holder]: 1 | 2 };
}

export interface Call {
  readonly does: 'call';
  readonly client: number;
  /** Where it goes, and where each answer sends it on. */
  readonly path: readonly Place[];
  readonly service: Service | false | undefined;
  readonly post: boolean;
  readonly status: number;
  /** Milliseconds after which it is given up. */
  readonly abort: number | undefined;
  /** The last place answers 503 the first time. */
  readonly flaky: boolean;
}

export type Step =
  | Call
  | { readonly does: 'wait' }
  | {
      readonly does: 'reload';
      readonly credentials: number;
      readonly settings: Settings;
      readonly wait: boolean;
    };

export interface ClientSettings {
  readonly credentials: number;
  readonly promised: boolean;
  readonly own: 'agent' | 'certificate' | undefined;
  readonly proxied: boolean;
  readonly retries: number;
}

export interface Program {
  readonly credentials: readonly Settings[];
  readonly proxy: 'plain' | 'secure' | undefined;
  readonly clients: readonly ClientSettings[];
  readonly steps: readonly Step[];
  /** Whether the credentials are closed under what still runs. */
  readonly closed: boolean;
}

const holder = fc.constantFrom<Holder[]>('alice', 'bob');
const seldom = fc.constantFrom(true, ...Array<boolean>(9).fill(false));
const rule: fc.Arbitrary<Rule> = fc.option(
  fc
    .record({
      holder: fc.option(holder, { nil: null, freq: 3 }),
      denied: seldom,
      required: fc.boolean(),
      tls12: seldom,
      wrongPin: seldom,
      allowDowngrade: fc.boolean(),
    })
    .map((each) => {
      const named = each.holder !== null && !each.denied;
      return { ...each, holder: named ? each.holder : null, required: named && each.required };
    }),
  { nil: undefined, freq: 6 },
);
const settings: fc.Arbitrary<Settings> = fc
  .record({
    rules: fc.record({
      first: rule,
      second: rule,
      third: rule,
      silent: rule,
      address: rule,
      stranger: rule,
    }),
    // It holds for a proxy at https:, too, which shall be reached.
    others: fc.oneof(
      { weight: 4, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: rule.map((each) => each && { ...each, wrongPin: false }) },
    ),
    tls12: seldom,
    narrow: fc.record({
      holder,
      places: fc.subarray(['first', 'second', 'third'] as const, { minLength: 1 }),
    }),
    free: holder,
    versions: fc.record({ alice: fc.constantFrom<(1 | 2)[]>(1, 2), bob: fc.constantFrom<(1 | 2)[]>(1, 2) }),
  })
  // A service at a host that is denied any certificate is refused with the config.
  .filter(({ rules, narrow }) => narrow.places.every((place) => !rules[place as 'first']?.denied));

/** Programs of that many steps at most. */
export function programs(maxLength: number): fc.Arbitrary<Program> {
  const place = fc.constantFrom<Place[]>(...places, ...Array(5).fill('first'), ...Array(4).fill('second'));
  const path = fc.oneof(
    place.map((only) => [only]),
    fc.array(place, { minLength: 2, maxLength: 4 }),
  );
  return fc
    .record({
      credentials: fc.array(settings, { minLength: 1, maxLength: 2, size: 'max' }),
      proxy: fc.constantFrom('plain' as const, 'secure' as const, undefined, undefined),
      clients: fc.array(
        fc.record({
          credentials: fc.nat(1),
          promised: fc.boolean(),
          own: fc.constantFrom('agent' as const, 'certificate' as const, ...Array(6).fill(undefined)),
          proxied: seldom,
          retries: fc.nat(1),
        }),
        { minLength: 1, maxLength: 3, size: 'max' },
      ),
      steps: fc.array(
        fc.oneof(
          {
            weight: 12,
            arbitrary: fc.record({
              does: fc.constant('call' as const),
              client: fc.nat(2),
              path,
              service: fc.constantFrom(
                'Narrow' as const,
                'Free' as const,
                false as const,
                undefined,
                undefined,
              ),
              post: fc.boolean(),
              status: fc.constantFrom(302, 307, 308),
              abort: fc.oneof(
                { weight: 9, arbitrary: fc.constant(undefined) },
                { weight: 1, arbitrary: fc.nat(20) },
              ),
              flaky: seldom,
            }),
          },
          { weight: 3, arbitrary: fc.constant({ does: 'wait' as const }) },
          {
            weight: 1,
            arbitrary: fc.record({
              does: fc.constant('reload' as const),
              credentials: fc.nat(1),
              settings,
              wait: fc.boolean(),
            }),
          },
        ),
        { minLength: maxLength / 2, maxLength, size: 'max' },
      ),
      closed: seldom,
    })
    .map((program) => {
      const count = program.credentials.length;
      return {
        ...program,
        clients: program.clients.map((each) => ({ ...each, credentials: each.credentials % count })),
        steps: program.steps.map((each) => {
          if (each.does === 'call') return { ...each, client: each.client % program.clients.length };
          return each.does === 'reload' ? { ...each, credentials: each.credentials % count } : each;
        }),
      };
    });
}

/** Who and what there is. */
export interface World {
  readonly authority: Authority;
  readonly issued: { readonly [who in Holder]: { readonly [version in 1 | 2]: IssuedCertificate } };
  readonly origins: { readonly [at in Place]: string };
  readonly proxies: { readonly plain: string; readonly secure: string };
}

export function configOf(
  { rules, narrow, free, others, tls12, versions }: Settings,
  proxy: Program['proxy'],
  { authority, issued, origins, proxies }: World,
): Config<Holder, Service> {
  const ca = authority.certificate;
  const hostOf = (place: Place) => new URL(origins[place]).host;
  const source = (who: Holder) => {
    const { fullChain, key } = issued[who][versions[who]];
    return { cert: fullChain, key, ca };
  };
  const pinOf = (each: NonNullable<Rule>): HostPin<Holder> => ({
    ca,
    ...(each.holder && { certificate: each.holder }),
    ...(each.denied && { certificate: false as const }),
    ...(each.required && { required: true }),
    ...(each.tls12 && { tls: 'TLSv1.2' as const }),
    ...(each.wrongPin && { spki: [`sha256/${Buffer.alloc(32).toString('base64')}`] }),
    ...(each.allowDowngrade && { allowDowngrade: true }),
  });
  const named = secure.filter((place) => rules[place]);
  const hosts = Object.fromEntries(named.map((place) => [hostOf(place), pinOf(rules[place]!)]));
  const services: Record<Service, ServicePin<Holder>> = {
    Narrow: { certificate: narrow.holder, hosts: narrow.places.map(hostOf) },
    Free: free,
  };
  return {
    certificates: { alice: source('alice'), bob: source('bob') },
    hosts,
    services,
    ...(others && { default: pinOf(others) }),
    ...(tls12 && { tls: 'TLSv1.2' as const }),
    ...(proxy && { proxy: { url: proxies[proxy], ...(proxy === 'secure' && { ca, certificate: 'alice' }) } }),
  };
}

/** Whom the rules show at a place: a certificate's common name, `null` for none; `unreachable` where nobody is believed. */
export interface Shown {
  readonly name: string | null | 'unreachable';
  /** Whether the rules leave it open that it is refused instead. */
  readonly open: boolean;
}

export function shownAt(place: Place, called: Place, settings: Settings, service: Call['service']): Shown {
  if (place === 'plain') return { name: null, open: service === 'Free' && called === 'plain' };
  const { narrow, free, versions } = settings;
  const at = ruleAt(place, settings);
  const nameOf = (who: Holder) => `${who} ${versions[who]}`;
  const asService = serviceAt(place, called, narrow, free, service);
  if (place === 'stranger' || at?.wrongPin) return { name: 'unreachable', open: false };
  if (service === false) {
    return { name: at ? null : 'unreachable', open: at?.required === true };
  }
  // To show none to all others is what they see anyway: a service may say more.
  if (at?.denied && settings.rules[place]) return { name: null, open: asService !== undefined };
  const who = asService ?? at?.holder ?? null;
  if (place === 'silent' && who) return { name: at?.required ? 'unreachable' : null, open: false };
  if (who) return { name: nameOf(who), open: false };
  return { name: at ? null : 'unreachable', open: false };
}

function ruleAt(place: Place, { rules, others }: Settings): Rule {
  return place === 'plain' ? undefined : (rules[place] ?? others);
}

function serviceAt(
  place: Place,
  called: Place,
  narrow: Settings['narrow'],
  free: Holder,
  service: Call['service'],
): Holder | undefined {
  if (service === 'Narrow' && narrow.places.includes(place)) return narrow.holder;
  return service === 'Free' && place === called ? free : undefined;
}

/** What a call that nothing disturbs is seen as, place by place; `null` where the rules leave something open. */
export function traceOf(
  { path, service }: Call,
  settings: Settings,
): { readonly seen: readonly (readonly [Place, string | null])[]; readonly arrives: boolean } | null {
  const seen: [Place, string | null][] = [];
  for (const [index, place] of path.entries()) {
    const { name, open } = shownAt(place, path[0]!, settings, service);
    if (open) return null;
    const before = seen.at(-1);
    if (place === 'plain' && before && before[0] !== 'plain') {
      if (before[0] === 'silent') return null; // was shown none, and would have been
      const allowed = ruleAt(before[0], settings)?.allowDowngrade;
      // What was shown further back is not this hop's affair, or is: clients differ in what they remember.
      if (before[1] === null && seen.some(([, shown]) => shown !== null)) return null;
      if (before[1] !== null && !allowed) return { seen, arrives: false };
    }
    if (place === 'plain' && index > 0 && seen.some(([, shown]) => shown !== null) && before?.[0] === 'plain')
      return null;
    if (name === 'unreachable') return { seen, arrives: false };
    seen.push([place, name]);
  }
  return { seen, arrives: true };
}

/** Whether what a server saw is what one of these settings shows there. */
export function isShown(
  seen: SeenRequest,
  place: Place,
  { path, service }: Call,
  all: readonly Settings[],
  own: string | null,
): boolean {
  const name = seen.clientCertificate?.commonName ?? null;
  return all.some((settings) => {
    const at = ruleAt(place, settings);
    const shown = shownAt(place, path[0]!, settings, service).name;
    if (place !== 'plain' && (at?.tls12 || settings.tls12) && seen.protocol !== 'TLSv1.2') return false;
    // The caller's own stands where no rule shows a certificate, and believes whom the caller believes.
    if (own && (shown === null || (shown === 'unreachable' && !at))) return name === own || name === null;
    return shown === name;
  });
}
