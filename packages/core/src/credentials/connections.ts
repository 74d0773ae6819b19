import { SessionCache } from '../agent/session.ts';
import { lentRoots } from '../pin/lent-roots.ts';
import { haveSame, lendSame } from '../rotate/replacement.ts';
import type { CertificateVersion } from '../tls/context.ts';
import { SecureContexts } from '../tls/profile.ts';
import type { Resolution } from '../types.ts';
import type { Inventory } from './inventory.ts';
import { proxyLabel } from './sources.ts';

/** Connections that were made with these credentials, and are kept elsewhere: an agent's, a client's pools. */
export interface Retirable {
  /** Closes what would be made otherwise by now: idle connections at once, busy ones after their response. */
  retire(): void | Promise<void>;
}

/** The version of a certificate by its name. */
type VersionOf = (name: string) => CertificateVersion;

/**
 * What connections are made with and kept in: secure contexts by partition, pools, TLS sessions. When an
 * inventory takes the place of another, those that it decides otherwise are retired here, and no others.
 */
export class Connections {
  readonly sessions: SessionCache = new SessionCache(1000);
  /** Changes whenever connections may have to be made otherwise than before. */
  generation = 1;
  /** That of the last decisions, once no more are made. */
  lastGeneration: number | undefined;
  readonly #pools = new Set<WeakRef<Retirable>>();
  readonly #forgotten = new FinalizationRegistry<WeakRef<Retirable>>((pools) => this.#pools.delete(pools));
  #contexts = new Map<string, SecureContexts>();
  /** Those of the inventory before, until it is known whether they serve in this one. */
  #inherited = new Map<string, SecureContexts>();

  /** Has these pools told when connections are retired; they are held weakly. */
  adopt(pools: Retirable): void {
    const reference = new WeakRef(pools);
    this.#pools.add(reference);
    this.#forgotten.register(pools, reference);
  }

  /** One set of contexts for all resolutions that may share connections. */
  contextsOf(resolution: Resolution, versionOf: VersionOf): SecureContexts {
    const { partition } = resolution;
    let contexts = this.#contexts.get(partition);
    if (!contexts) {
      contexts = this.#inherited.get(partition) ?? build(resolution, versionOf);
      this.#inherited.delete(partition);
      this.#contexts.set(partition, contexts);
    }
    return contexts;
  }

  /**
   * Builds what connections under way will be made with next, so that OpenSSL says now whether it takes it.
   *
   * @returns Puts it in place of what there is, and closes what was made with that: the idle connections, and
   *   the busy ones after their response.
   * @throws ERR_CLIENTCERT_CERTIFICATE_REFUSED
   */
  prepareRenewal(next: CertificateVersion, versionOf: VersionOf): () => void {
    const { name, material } = next;
    const latest: VersionOf = (each) => (each === name ? next : versionOf(each));
    // Where it lends its roots alone, nothing changes unless they do.
    const before = versionOf(name).material;
    const newRoots = !lendSame(before, material) || !haveSame(before.chain, material.chain);
    const isStale = ({ resolution: { certificate, authorities } }: SecureContexts) =>
      certificate === name || (newRoots && authorities.includes(name));
    const retiring = [...this.#contexts.values()].filter(isStale);
    const built = retiring.map(({ resolution }) => build(resolution, latest));
    checkSome(built);
    return () => {
      for (const contexts of retiring) contexts.retired = true;
      for (const contexts of built) this.#contexts.set(contexts.resolution.partition, contexts);
      drop(this.#inherited, isStale);
      void this.#retirePools();
    };
  }

  /** Puts what there is aside for another inventory: where that decides in the same way it goes on, and the rest is closed. */
  replaceInventory(before: Inventory, next: Inventory): void {
    const isStale = ({ resolution }: SecureContexts) =>
      (resolution.rule === proxyLabel && before.proxy !== next.proxy) ||
      namesOf(resolution).some((name) => before.certificates.get(name) !== next.certificates.get(name));
    for (const contexts of this.#inherited.values()) contexts.retired = true;
    this.#inherited = this.#contexts;
    this.#contexts = new Map();
    drop(this.#inherited, isStale);
    void this.#retirePools();
  }

  /** Closes what is idle; what is busy closes after its response. */
  async close(): Promise<void> {
    this.lastGeneration ??= this.generation;
    drop(this.#contexts, () => true);
    drop(this.#inherited, () => true);
    await this.#retirePools();
    this.#pools.clear();
  }

  async #retirePools(): Promise<void> {
    this.generation += 1;
    this.sessions.prune();
    await Promise.all([...this.#pools].map((reference) => reference.deref()?.retire()));
  }
}

function build(resolution: Resolution, versionOf: VersionOf): SecureContexts {
  const { certificate, authorities, ca, server } = resolution;
  const trust = {
    roots: [...ca, ...lentRoots(resolution, (name) => versionOf(name).material).roots],
    // Who has an id sends them, and those of another trust domain are of no use.
    intermediates: server === null ? authorities.flatMap((name) => versionOf(name).material.chain) : [],
  };
  return new SecureContexts(resolution, certificate === null ? null : versionOf(certificate), trust);
}

/**
 * Has OpenSSL say whether it takes them, for as long as the event loop can wait. Each certificate was looked at by itself
 * before: what is left over is built where it is used first.
 */
function checkSome(all: Iterable<SecureContexts>): void {
  const end = performance.now() + longestCheck;
  for (const contexts of all) {
    contexts.get();
    if (performance.now() > end) return;
  }
}

/** Milliseconds. */
const longestCheck = 20;

/** The certificates that a decision builds on, for what is presented or for what is trusted. */
function namesOf({ certificate, authorities }: Resolution): string[] {
  return certificate === null ? [...authorities] : [certificate, ...authorities];
}

function drop(contexts: Map<string, SecureContexts>, isStale: (contexts: SecureContexts) => boolean): void {
  for (const [partition, each] of contexts) {
    if (!isStale(each)) continue;
    each.retired = true;
    contexts.delete(partition);
  }
}
