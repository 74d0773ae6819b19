import { ClientCertificateError, type Config, type Credentials, loadCredentials } from '@clientcert/core';
import type { TestClient } from '../adapters/adapter.ts';
import { type Cell, followed, hopsOf } from './cells.ts';
import type { Client } from './clients.ts';
import { mayDowngrade, whoGoes } from './rules.ts';
import { count, type Tally } from './tally.ts';
import type { Arrival, Way, World } from './world.ts';

/** How many calls are made at once, over the same connections. */
const atOnce = 6;
/** After how many calls a client begins anew, without connections and sessions. */
const fresh = 60;

let ids = 0;

export function nextId(): number {
  ids += 1;
  return ids;
}

/** Makes the calls of these cells with one client, and judges what servers and proxies saw of each. */
export async function play(
  world: World,
  client: Client,
  cells: readonly Cell[],
  tally: Tally,
): Promise<void> {
  for (const fallback of [false, true]) {
    const own = cells.filter((cell) => cell.fallback === fallback);
    for (let start = 0; start < own.length; start += fresh)
      await playSome(world, client, fallback, own.slice(start, start + fresh), tally);
  }
}

async function playSome(
  world: World,
  client: Client,
  fallback: boolean,
  cells: Cell[],
  tally: Tally,
): Promise<void> {
  const opened = new Map<Way, Promise<Opened>>();
  const open = (way: Way): Promise<Opened> => {
    const known = opened.get(way) ?? openClient(client, world.config({ fallback, way }));
    opened.set(way, known);
    return known;
  };
  const work = async () => {
    for (let cell = cells.pop(); cell; cell = cells.pop())
      await playOne(world, client, cell, await open(cell.way), tally);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  for (const [way, opening] of opened) {
    const { config, sender, credentials } = await opening;
    if (way !== 'no proxy') judgeProxy(world, way, config, tally, client.name);
    await sender.close?.();
    await credentials.close();
  }
}

export interface Opened {
  readonly config: Config;
  readonly credentials: Credentials;
  readonly sender: TestClient;
}

async function openClient(client: Client, config: Config): Promise<Opened> {
  const credentials = (await loadCredentials(config)).on('warning', () => {});
  return { config, credentials, sender: client.create(credentials) };
}

async function playOne(
  world: World,
  client: Client,
  cell: Cell,
  { config, sender }: Opened,
  tally: Tally,
): Promise<void> {
  const id = nextId();
  const hops = hopsOf(world, cell);
  const service = serviceOf(cell);
  const call = { url: hops[0]!, service };
  const failure = await sender.send(address(hops, cell, id), { service, timeout: 20_000 }).then(
    () => undefined,
    (error: unknown) => error,
  );
  const arrived = world.arrivals.get(id) ?? [];
  world.arrivals.delete(id);
  const about = `${client.name}: ${JSON.stringify({ ...cell, site: `${cell.site.tls} ${cell.site.http}` })}`;

  const refused =
    cell.redirect?.to === 'http:' && !client.downgrades && !mayDowngrade(config, call, hops[0]!);
  const isFollowed = cell.redirect !== null && followed.includes(cell.redirect.status) && !client.stays;
  const due = hops.length > 1 && (!isFollowed || refused) ? 1 : hops.length;
  for (const { hop, who } of arrived) {
    const right = whoGoes(config, call, hops[hop]!);
    if (who !== null && who !== right)
      tally.leaks.push(`${who} for ${right ?? 'nobody'} at hop ${hop}: ${about}`);
    else if (who !== right) tally.wrong.push(`nobody for ${right} at hop ${hop}: ${about}`);
    if (refused && hop > 0) tally.wrong.push(`went on over http: ${about}`);
  }
  for (let hop = 0; hop < due; hop++)
    if (!arrived.some((each) => each.hop === hop))
      tally.wrong.push(`hop ${hop} did not arrive, ${describe(failure)}: ${about}`);
  if (refused && isFollowed && ClientCertificateError.from(failure)?.code !== 'ERR_CLIENTCERT_DOWNGRADE')
    tally.wrong.push(`not refused for what it is, ${describe(failure)}: ${about}`);
  record(tally, cell, arrived);
}

function serviceOf({ service }: Cell): Exclude<Cell['service'], 'no service' | 'false'> | false | undefined {
  if (service === 'no service') return undefined;
  return service === 'false' ? false : service;
}

/** The whole way in one URL: each hop has the next in its query. */
function address(hops: readonly string[], cell: Cell, id: number): string {
  const close = cell.close ? '&close' : '';
  return hops.reduceRight((next, place, hop) => {
    const query = `id=${id}&hop=${hop}${close}`;
    if (next === '') return `${place}/?${query}`;
    return `${place}/redirect?${query}&status=${cell.redirect!.status}&to=${encodeURIComponent(next)}`;
  }, '');
}

function record(tally: Tally, cell: Cell, arrived: readonly Arrival[]): void {
  tally.cells += 1;
  tally.requests += arrived.length;
  const { identities, pools, redirects, proxies, versions, services } = tally.tried;
  if (cell.redirect) count(redirects, `${cell.redirect.status} to ${cell.redirect.to}`);
  count(proxies, cell.way);
  count(services, cell.service);
  for (const { who, pool, tls, http } of arrived) {
    count(identities, who ?? 'nobody');
    if (tls === null) continue;
    count(pools, pool);
    count(versions, `${tls.replace('v', ' ')}, ${http}`);
  }
}

/** What a proxy was shown: nothing of the servers', and its own where it has one. */
export function judgeProxy(
  world: World,
  way: Exclude<Way, 'no proxy'>,
  config: Config,
  tally: Tally,
  client: string,
): void {
  const url = world.proxyUrl(way);
  const own = way === 'https proxy with its own' ? 'bob' : whoGoes(config, { url, service: undefined }, url);
  const { connects, forwards } = world.proxies[way].proxy;
  for (const { clientCertificate } of [...connects.splice(0), ...forwards.splice(0)]) {
    const who = clientCertificate?.commonName ?? null;
    if (who === own) continue;
    const list = who === null ? tally.wrong : tally.leaks;
    list.push(`${who ?? 'nobody'} for ${own ?? 'nobody'} at a proxy: ${client}, ${way}`);
  }
}

export function describe(failure: unknown): string {
  if (failure === undefined) return 'and there was no error';
  const parts: string[] = [];
  for (let each: unknown = failure; each instanceof Error && parts.length < 5; each = each.cause)
    parts.push(`${(each as NodeJS.ErrnoException).code ?? each.name} ${each.message.slice(0, 120)}`);
  return parts.join(' ← ') || String(failure);
}
