import { type Holding, type Pools, slope } from './memory.ts';
import type { Account } from './servers.ts';

export interface Report {
  readonly node: string;
  readonly openssl: string | undefined;
  readonly date: string;
  readonly seconds: number;
  readonly requests: {
    readonly total: number;
    readonly answered: number;
    /** By what was injected. */
    readonly failed: Readonly<Record<string, number>>;
    readonly unexplained: readonly string[];
    readonly unexpected: readonly string[];
    readonly hung: readonly string[];
    readonly clients: Readonly<Record<string, number>>;
  };
  readonly servers: Account;
  readonly renewals: { readonly count: number; readonly garbled: number; readonly errors: number };
  readonly faults: Readonly<Record<string, number>>;
  readonly memory: readonly Holding[];
  /** While nothing was under way, before anything was closed. */
  readonly pools: Pools;
  /** After everything was closed. */
  readonly left: {
    readonly sockets: readonly string[];
    /** Kept by Node though their connection is gone. */
    readonly gone: number;
    readonly connections: number;
  };
}

export interface Verdict {
  /** Bytes of heap for each renewal and for each 1,000 requests, once it had warmed up. */
  readonly growth: { readonly perRotation: number; readonly per1000Requests: number };
  /** Every promise that was broken, in a sentence. */
  readonly broken: readonly string[];
}

/** What may be left of contexts and growth, in bytes: two versions of each certificate, and the noise of a heap. */
const mostContexts = 60;
const mostGrowth = 5_000;

export function verdict({ requests, servers, memory, left, renewals }: Report): Verdict {
  // Until then what is compiled grows, on Node 20 among what is held; slow machines take long.
  const warm = memory.slice(Math.floor(memory.length / 2));
  const growth = {
    perRotation: Math.round(slope(warm.map(({ rotations, heap }) => [rotations, heap] as const))),
    per1000Requests: Math.round(1000 * slope(warm.map(({ requests, heap }) => [requests, heap] as const))),
  };
  const last = memory.at(-1);
  const rotated = (last?.rotations ?? 0) - (warm[0]?.rotations ?? 0);
  const promises: [boolean, string][] = [
    [requests.total > 0, 'no request was made'],
    [requests.hung.length === 0, `${requests.hung.length} requests did not end`],
    [requests.unexplained.length === 0, `${requests.unexplained.length} requests failed for no reason`],
    [requests.unexpected.length === 0, `${requests.unexpected.length} were answered that could not be`],
    [servers.mixed.length === 0, `${servers.mixed.length} came as somebody else`],
    [servers.stale.length === 0, `${servers.stale.length} came with a version long replaced`],
    [renewals.count > 0, 'nothing was renewed'],
    [left.sockets.length === 0, `sockets are open after the end: ${left.sockets.join(', ')}`],
    [left.connections === 0, `${left.connections} connections are open at the servers after the end`],
    [(last?.contexts ?? 0) <= mostContexts, `${last?.contexts} secure contexts are kept`],
    // A short run says nothing about growth: what is compiled and cached once is still to come.
    [
      rotated < 100 || growth.perRotation <= mostGrowth,
      `the heap grows by ${growth.perRotation} bytes a renewal`,
    ],
  ];
  return { growth, broken: promises.filter(([kept]) => !kept).map(([, why]) => why) };
}
