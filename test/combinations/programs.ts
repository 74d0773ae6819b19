import fc from 'fast-check';
import type { ClientOptions } from '../adapters/adapter.ts';

/** Programs that bring together whatever features there are: a config, clients over it, and what they do at once. */

/** `silent` asks nobody for a certificate, the stranger has another authority than the rest, and `plain` is no TLS at all. */
export const places = ['first', 'second', 'third', 'silent', 'address', 'stranger', 'plain'] as const;
export type Place = (typeof places)[number];
export const secure = ['first', 'second', 'third', 'silent', 'address', 'stranger'] as const;

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
  readonly versions: Versions;
  /** Whether functions say the certificates, and so others after a renewal. */
  readonly renewing: boolean;
  /** Whether a second copy of core loads it. */
  readonly copied: boolean;
}

export type Versions = { readonly [who in Holder]: 1 | 2 };

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
  /** The first place waits with its answer until no reload is under way, and what those before have begun has arrived. */
  readonly slow: boolean;
  /** The client is given its options in an object that other calls, of other clients too, are given as well, or frozen. */
  readonly options: 'shared' | 'frozen' | undefined;
}

export type Step =
  | Call
  | { readonly does: 'wait' }
  | {
      readonly does: 'reload';
      readonly credentials: number;
      readonly settings: Settings;
      readonly wait: boolean;
    }
  | { readonly does: 'renew'; readonly credentials: number; readonly who: Holder; readonly wait: boolean };

export interface ClientSettings {
  readonly credentials: number;
  readonly promised: boolean;
  readonly own: 'agent' | 'certificate' | undefined;
  readonly proxied: boolean;
  readonly retries: number;
  readonly maxConnections: 1 | undefined;
  /** For a client that signs. */
  readonly security: ClientOptions['security'];
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
    renewing: fc.boolean(),
    copied: seldom,
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
          maxConnections: fc.constantFrom(1 as const, undefined, undefined),
          security: fc.constantFrom(
            ...Array(3).fill('signs' as const),
            'signs alone' as const,
            'alone' as const,
            undefined,
          ),
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
              slow: fc.boolean(),
              options: fc.constantFrom('shared' as const, 'frozen' as const, undefined, undefined),
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
          {
            weight: 1,
            arbitrary: fc.record({
              does: fc.constant('renew' as const),
              credentials: fc.nat(1),
              who: holder,
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
          return each.does === 'wait' ? each : { ...each, credentials: each.credentials % count };
        }),
      };
    });
}
