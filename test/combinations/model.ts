import type { Config, HostPin, ServicePin } from '@clientcert/core';
import type { Authority, IssuedCertificate, SeenRequest } from '@clientcert/testing';
import {
  type Call,
  type Holder,
  type Place,
  type Program,
  type Rule,
  type Service,
  type Settings,
  secure,
} from './programs.ts';

/** What servers may see by the rules, told without a look at how core decides it. */

/** Who and what there is. */
export interface World {
  readonly authority: Authority;
  readonly issued: { readonly [who in Holder]: { readonly [version in 1 | 2]: IssuedCertificate } };
  readonly origins: { readonly [at in Place]: string };
  readonly proxies: { readonly plain: string; readonly secure: string };
}

export function configOf(
  { rules, narrow, free, others, tls12, renewing, versions }: Settings,
  proxy: Program['proxy'],
  { authority, issued, origins, proxies }: World,
  current: (who: Holder) => 1 | 2,
): Config<Holder, Service> {
  const ca = authority.certificate;
  const hostOf = (place: Place) => new URL(origins[place]).host;
  const sourceOf = (who: Holder, version: 1 | 2) => {
    const { fullChain, key } = issued[who][version];
    return { cert: fullChain, key, ca };
  };
  const source = (who: Holder) =>
    renewing ? () => sourceOf(who, current(who)) : sourceOf(who, versions[who]);
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
interface Shown {
  /** Whose certificate it is, also where the server does not ask for it. */
  readonly holder?: Holder | undefined;
  readonly name: string | null | 'unreachable';
  /** Whether the rules leave it open that it is refused instead. */
  readonly open: boolean;
}

function shownAt(place: Place, called: Place, settings: Settings, service: Call['service']): Shown {
  if (place === 'plain') return { name: null, open: service === 'Free' && called === 'plain' };
  const { narrow, free } = settings;
  const at = ruleAt(place, settings);
  const asService = serviceAt(place, called, narrow, free, service);
  if (place === 'stranger' || at?.wrongPin) return { name: 'unreachable', open: false };
  if (service === false) {
    return { name: at ? null : 'unreachable', open: at?.required === true };
  }
  // To show none to all others is what they see anyway: a service may say more.
  if (at?.denied && settings.rules[place]) return { name: null, open: asService !== undefined };
  const who = asService ?? at?.holder ?? null;
  if (place === 'silent' && who)
    return { holder: who, name: at?.required ? 'unreachable' : null, open: false };
  if (who) return { holder: who, name: nameOf(who, settings), open: false };
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

const nameOf = (who: Holder, { versions }: Settings) => `${who} ${versions[who]}`;

/**
 * What a call that nothing disturbs is seen as, place by place: who presents himself, and who has signed what is said.
 * `null` where the rules leave something open.
 */
export function traceOf(
  { path, service, status }: Call,
  settings: Settings,
  isSigned: boolean,
): {
  readonly seen: readonly (readonly [Place, string | null, string | null])[];
  readonly arrives: boolean;
} | null {
  const seen: [Place, string | null, string | null][] = [];
  for (const place of path) {
    const { holder, name, open } = shownAt(place, path[0]!, settings, service);
    // A redirect that is followed with GET takes no message along.
    const signer =
      isSigned && (seen.length === 0 || status !== 302) ? holder && nameOf(holder, settings) : null;
    const isElse = signer && seen.length > 0 && signer !== seen[0]![2];
    if (place === 'plain' ? signer !== null : isElse || (signer === undefined && !open))
      return { seen, arrives: false };
    if (open) return null;
    const before = seen.at(-1);
    if (place === 'plain' && before) {
      const [from, shown] = before;
      if (from === 'silent') return null; // was shown none, and would have been
      // What was shown further back is not this hop's affair, or is: clients differ in what they remember.
      if (shown === null && seen.some(([, each]) => each !== null)) return null;
      if (shown !== null && !ruleAt(from, settings)?.allowDowngrade) return { seen, arrives: false };
    }
    if (name === 'unreachable') return { seen, arrives: false };
    seen.push([place, name, signer ?? null]);
  }
  return { seen, arrives: true };
}

/** Who may sign by these settings. */
export function signersOf(settings: Settings): string[] {
  return (['alice', 'bob'] as const).map((who) => nameOf(who, settings));
}

/**
 * Whether what a server saw is what one of these settings shows there.
 *
 * @param signer Who has signed the message; `null` where it was to be signed by nobody.
 */
export function isShown(
  seen: SeenRequest,
  place: Place,
  { path, service }: Call,
  all: readonly Settings[],
  own: string | null,
  signer: string | null,
): boolean {
  const name = seen.clientCertificate?.commonName ?? null;
  return all.some((settings) => {
    const at = ruleAt(place, settings);
    const { holder, name: shown } = shownAt(place, path[0]!, settings, service);
    if (place !== 'plain' && (at?.tls12 || settings.tls12) && seen.protocol !== 'TLSv1.2') return false;
    // By name: one version may have signed what a renewal then has presented by the next.
    if (signer !== null && !signer.startsWith(`${holder} `)) return false;
    // The caller's own stands where no rule shows a certificate, and believes whom the caller believes.
    if (own && (shown === null || (shown === 'unreachable' && !at))) return name === own || name === null;
    return shown === name;
  });
}
