import { X509Certificate } from 'node:crypto';
import { type CertificateSource, type Config, loadCredentials } from '@clientcert/core';
import type { Client } from './clients.ts';
import { describe, judgeProxy, nextId } from './play.ts';
import { count, type Tally } from './tally.ts';
import type { Materials, Pem, Site, Way, World } from './world.ts';

/** A way through the life of a certificate, under calls of one client. */
export interface Life {
  readonly site: Site;
  readonly way: Way;
  /** `Orders` is alice as well, where the host's own rule is bob's: the service alone brings her. */
  readonly service: 'Orders' | undefined;
  readonly close: boolean;
}

export function livesOf({ sites }: Pick<World, 'sites'>, client: Client): Life[] {
  const ways: readonly Way[] = client.direct
    ? ['no proxy']
    : ['no proxy', 'http proxy', 'https proxy with its own'];
  const all: Life[] = [];
  for (const site of sites)
    for (const way of ways)
      for (const service of ['Orders', undefined] as const)
        for (const close of [false, true]) all.push({ site, way, service, close });
  return all;
}

/** Before and after each renewal, by the certificate itself and not by its name. */
export async function live(world: World, client: Client, life: Life, tally: Tally): Promise<void> {
  const { materials } = world;
  let alice: Pem = materials.alice;
  const source: CertificateSource = () => alice;
  const config = world.config({ way: life.way, alice: source });
  const credentials = (await loadCredentials(config)).on('warning', () => {}).on('error', () => {});
  const sender = client.create(credentials);
  const port = life.site.ports[life.service ? 1 : 0]!;
  const about = `${client.name}: ${JSON.stringify({ ...life, site: `${life.site.tls} ${life.site.http}` })}`;

  const send = async (stage: string, allowed: readonly Pem['cert'][], path = '/') => {
    const id = nextId();
    const query = `id=${id}&hop=0${life.close ? '&close' : ''}`;
    const url = `https://api.bank.example:${port}${path}${path.includes('?') ? '&' : '?'}${query}`;
    const failure = await sender.send(url, { service: life.service, timeout: 20_000 }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const arrived = world.arrivals.get(id) ?? [];
    world.arrivals.delete(id);
    tally.cells += 1;
    tally.requests += arrived.length;
    count(tally.tried.renewal, stage);
    for (const { fingerprint, who, pool } of arrived) {
      count(tally.tried.pools, pool);
      count(tally.tried.identities, who ?? 'nobody');
      const right = allowed.map((each) => names(materials).get(each)?.fingerprint ?? null);
      if (right.includes(fingerprint)) continue;
      const list = fingerprint === null ? tally.wrong : tally.leaks;
      list.push(`${stage}: ${who ?? 'nobody'} is not who was due: ${about}`);
    }
    if (allowed.length > 0 && arrived.length === 0)
      tally.wrong.push(`${stage}: did not arrive, ${describe(failure)}: ${about}`);
    if (allowed.length === 0 && arrived.length > 0) tally.wrong.push(`${stage}: arrived: ${about}`);
  };

  const first = materials.alice.cert;
  const second = materials.renewed.cert;
  await send('before a renewal', [first]);
  const underWay = send('under way while it is renewed', [first], '/delay?ms=80');
  await new Promise((resolve) => setTimeout(resolve, 30));
  alice = materials.renewed;
  await credentials.reload();
  await Promise.all([send('after a renewal', [second]), send('after a renewal', [second])]);
  await underWay;
  await send('after a renewal', [second]);

  alice = materials.expired;
  const { failed } = await credentials.reload();
  if (failed.length !== 1) tally.wrong.push(`what has expired was taken: ${about}`);
  await send('after one that was rejected', [second]);
  alice = materials.renewed;

  // Where the service brings her, its rule is moved; else the host's.
  const moved = (pin: 'bob' | false): Config =>
    life.service
      ? {
          ...config,
          services: { ...config.services, Orders: { certificate: pin, hosts: ['*.bank.example:*'] } },
        }
      : { ...config, hosts: { ...config.hosts, [`api.bank.example:${port}`]: pin || { ca: materials.ca } } };
  await credentials.reload(moved('bob'));
  await send('after the rule names another', [materials.bob.cert]);
  await credentials.reload(moved(false));
  // A service that presents none keeps the host's own from it as well.
  await send('after it was withdrawn', ['']);
  await credentials.reload(config);
  await send('after it was given back', [second]);
  await credentials.close();
  await send('after the end', []);
  if (life.way !== 'no proxy') judgeProxy(world, life.way, config, tally, client.name);
  await sender.close?.();
}

const known = new WeakMap<Materials, Map<string, { fingerprint: string }>>();

function names(materials: Materials): Map<string, { fingerprint: string }> {
  const found = known.get(materials);
  if (found) return found;
  const made = new Map(
    Object.values(materials)
      .filter((each): each is Pem => typeof each === 'object')
      .map(({ cert }) => [cert, { fingerprint: new X509Certificate(cert).fingerprint256 }] as const),
  );
  known.set(materials, made);
  return made;
}
