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
interface Shown {
  readonly name: string | null | 'unreachable';
  /** Whether the rules leave it open that it is refused instead. */
  readonly open: boolean;
}

function shownAt(place: Place, called: Place, settings: Settings, service: Call['service']): Shown {
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
  for (const place of path) {
    const { name, open } = shownAt(place, path[0]!, settings, service);
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
