/** What a request says of itself in its URL, so that whoever sees it can judge it. */
export interface Claim {
  /** The certificate's name, `none`, `moving` for the host whose rule changes, or `never` where it may not arrive. */
  readonly who: string;
  /** When the call was begun, in milliseconds since 1970. */
  readonly since: number;
}

export interface Seen extends Claim {
  readonly fingerprint: string | null;
  /** One name for as long as the connection stands. */
  readonly connection: string;
  readonly at: number;
}

/** How long a connection that was begun before a renewal may still be made, and then present what was before. */
const settled = 15_000;
/** How many connections are remembered. */
const most = 20_000;

/**
 * Whether each request came as whom it had to: another account than core's own, from what was issued, when it was
 * published, and what a call said it had to be.
 */
export class Judge {
  /** Requests by who they came as. */
  readonly identities: Record<string, number> = {};
  /** What came as somebody else, or on a connection of somebody else's. */
  readonly mixed: string[] = [];
  /** What came with a version that had been replaced long before. */
  readonly stale: string[] = [];
  /** Requests that were begun after a renewal and came with the version before it, on a connection made meanwhile. */
  late = 0;
  readonly #versions = new Map<string, { name: string; number: number }>();
  readonly #published = new Map<string, { number: number; at: number }[]>();
  readonly #moves: { who: string; from: number; until: number }[] = [];
  readonly #connections = new Map<string, string>();

  /** Before it is written anywhere. */
  issued(name: string, fingerprint: string): void {
    const number = [...this.#versions.values()].filter((each) => each.name === name).length + 1;
    this.#versions.set(fingerprint, { name, number });
  }

  /** When the credentials said that it is in use. */
  published(name: string, fingerprint: string, at: number): void {
    const version = this.#versions.get(fingerprint);
    if (version?.name !== name) return void this.mixed.push(`${name} was renewed with what is not its own`);
    const all = this.#published.get(name) ?? [];
    all.push({ number: version.number, at });
    this.#published.set(name, all.slice(-50));
  }

  /** The rule of the moving host: told before it changes, and again once it has. */
  moved(who: string, phase: 'begins' | 'done', at: number): void {
    const last = this.#moves.at(-1);
    if (phase === 'begins') this.#moves.push({ who, from: at, until: Number.POSITIVE_INFINITY });
    else if (this.#moves.length > 1) this.#moves.at(-2)!.until = at;
    if (!last) return;
    if (this.#moves.length > 20) this.#moves.shift();
  }

  saw(seen: Seen): void {
    const version = seen.fingerprint === null ? null : this.#versions.get(seen.fingerprint);
    const name = version === null ? 'none' : (version?.name ?? 'somebody unknown');
    this.identities[name] = (this.identities[name] ?? 0) + 1;
    const allowed = this.#allowed(seen);
    if (!allowed.includes(name)) this.#mix(`${name} in place of ${allowed.join(' or ')}`);
    const before = this.#connections.get(seen.connection);
    const now = seen.fingerprint ?? 'none';
    if (before !== undefined && before !== now) this.#mix(`a connection of ${before} as ${name}`);
    this.#connections.delete(seen.connection); // the last seen is the last forgotten
    this.#connections.set(seen.connection, now);
    if (this.#connections.size > most) this.#connections.delete(this.#connections.keys().next().value!);
    if (version) this.#checkVersion(seen, version);
  }

  #allowed({ who, since, at }: Seen): string[] {
    if (who !== 'moving') return [who];
    return this.#moves
      .filter(({ from, until }) => from <= at && until >= since - settled)
      .map((each) => each.who);
  }

  #checkVersion({ since }: Seen, { name, number }: { name: string; number: number }): void {
    const latest = (before: number) =>
      (this.#published.get(name) ?? []).findLast(({ at }) => at < before)?.number ?? 0;
    if (number < latest(since - settled)) this.stale.push(`${name}, version ${number}`);
    else if (number < latest(since)) this.late += 1;
  }

  #mix(what: string): void {
    this.mixed.push(what);
  }
}
