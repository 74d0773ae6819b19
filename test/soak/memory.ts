import * as https from 'node:https';
import { Socket } from 'node:net';
import * as tls from 'node:tls';
import * as v8 from 'node:v8';
import { Pool } from 'undici';
import { sleep } from './load.ts';

/** What a process holds while nothing is under way. */
export interface Holding {
  /** Seconds since the start. */
  readonly at: number;
  readonly requests: number;
  readonly rotations: number;
  /** What is held by JavaScript, in bytes, as the three that follow. */
  readonly heap: number;
  /** What V8 compiled of it: a function that has run often enough is compiled again, for hours. */
  readonly code: number;
  readonly external: number;
  readonly rss: number;
  /** Secure contexts of versions that were taken into use, and are not collected. */
  readonly contexts: number;
  /** Connections that servers have open, kept for the next call. */
  readonly connections: number;
}

const collect = (globalThis as unknown as { gc(): void }).gc;

/** Once the garbage is collected. */
export async function measure(): Promise<Pick<Holding, 'heap' | 'code' | 'external' | 'rss'>> {
  for (let round = 0; round < 6; round++) {
    await sleep(50);
    collect();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const code = v8
    .getHeapSpaceStatistics()
    .filter(({ space_name }) => /^(code|trusted)/.test(space_name))
    .reduce((sum, { space_used_size }) => sum + space_used_size, 0);
  return { heap: heapUsed - code, code, external, rss };
}

/**
 * Where the connections lead that are left. Those that are gone are counted apart: Node keeps a TLS socket for good whose
 * peer reset it while HTTP/2 was writing, and stopped reading for that (8 of 100 on Node 20, with `node:http2` alone).
 */
export function openSockets(): { left: string[]; gone: number } {
  const handles = (process as unknown as { _getActiveHandles(): object[] })._getActiveHandles();
  const own: object[] = [process.stdout, process.stderr];
  const sockets = handles.filter((each) => each instanceof Socket && !own.includes(each)) as Socket[];
  const isGone = (socket: Socket) => !socket.connecting && socket.remotePort === undefined;
  return {
    left: sockets
      .filter((each) => !isGone(each))
      .map((each) => `${each.constructor.name} to ${each.remotePort ?? '(connecting)'}`),
    gone: sockets.filter(isGone).length,
  };
}

/** How many objects there are of the classes that connections hang on. It looks at the whole heap: once, at the end. */
export function countPools(): Pools {
  const { queryObjects } = v8 as unknown as {
    queryObjects(of: object, options: { format: 'count' }): number;
  };
  const count = (of: object) => queryObjects(of, { format: 'count' });
  return {
    contexts: count((tls.createSecureContext().context as object).constructor),
    sockets: count(tls.TLSSocket),
    agents: count(https.Agent),
    pools: count(Pool),
  };
}

export interface Pools {
  readonly contexts: number;
  readonly sockets: number;
  readonly agents: number;
  readonly pools: number;
}

/** The middle of the slopes between any two measurements: one that is off moves it little (Theil and Sen). */
export function slope(points: readonly (readonly [number, number])[]): number {
  const slopes: number[] = [];
  for (const [index, [x, y]] of points.entries())
    for (const [later, height] of points.slice(index + 1))
      if (later > x) slopes.push((height - y) / (later - x));
  slopes.sort((a, b) => a - b);
  return slopes[Math.floor(slopes.length / 2)] ?? 0;
}
