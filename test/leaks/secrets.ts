import { createPrivateKey } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type CertificateSource, type Credentials, loadCredentials } from '@clientcert/core';
import type { Answer, SendOptions } from '../adapters/adapter.ts';
import type { Client } from './clients.ts';
import { type Canary, search, searchText } from './search.ts';
import type { World } from './world.ts';

/** What came of looking for secrets in all that one client and its credentials hand out. */
export interface Findings {
  /** How often something was called, read again, or closed. */
  calls: number;
  /** How many objects were searched: answers, errors, events, messages of channels, and what credentials say. */
  objects: number;
  /** Each a sentence. */
  readonly found: string[];
}

/** A PFX and its passphrase, the key in it, and a proxy's password: each is found nowhere else. */
export interface Secrets {
  /** In base64. */
  readonly pfx: string;
  readonly passphrase: string;
  readonly proxyPassword: string;
  /** PEM of the key that is in the PFX. */
  readonly key: string;
}

const channels = [
  ...['start', 'created', 'error'].map((what) => `http.client.request.${what}`),
  'http.client.response.finish',
  'net.client.socket',
  ...['created', 'start', 'error', 'finish', 'close'].map((what) => `http2.client.stream.${what}`),
  ...['create', 'bodySent', 'headers', 'trailers', 'error'].map((what) => `undici:request:${what}`),
  ...['sendHeaders', 'beforeConnect', 'connected', 'connectError'].map((what) => `undici:client:${what}`),
  ...['connected', 'connectError'].map((what) => `undici:proxy:${what}`),
  'clientcert:handshake',
];

const events = [
  'rotate',
  'expiring',
  'expired',
  'warning',
  'error',
  'handshake',
  'failure',
  'rollback',
] as const;

export function canaryOf({ pfx, passphrase, proxyPassword, key }: Secrets): Canary {
  const { d = '' } = createPrivateKey(key).export({ format: 'jwk' });
  const scalar = Buffer.from(d, 'base64url');
  const piece = Buffer.from(pfx, 'base64').subarray(300, 360);
  const basic = Buffer.from(`me:${proxyPassword}`);
  const list = (bytes: Buffer, separator: string) => [...bytes.subarray(4, 16)].join(separator);
  return {
    texts: [
      ...[passphrase, proxyPassword, basic.toString('base64'), d],
      // Past what the keys of one curve have in common.
      key.split('\n')[1]!.slice(50),
      key.split('\n')[2]!.slice(0, 40),
      // A middle part of each, so that line breaks and offsets of the encoding do not hide it.
      piece.toString('base64').slice(4, 60),
      ...[scalar, piece, Buffer.from(passphrase), Buffer.from(proxyPassword)].flatMap((bytes) => [
        bytes.toString('hex'),
        list(bytes, ','),
        list(bytes, ', '),
        bytes
          .subarray(0, 10)
          .toString('hex')
          .replace(/..(?!$)/g, '$& '),
      ]),
      scalar.toString('base64').slice(0, 40),
    ],
    bytes: [scalar, piece, ...[passphrase, proxyPassword].map((text) => Buffer.from(text))],
  };
}

/** Every kind of call, and every way in which one fails, over credentials whose secrets are known. */
export async function lookForSecrets(world: World, client: Client, secrets: Secrets): Promise<Findings> {
  const canary = canaryOf(secrets);
  const findings: Findings = { calls: 0, objects: 0, found: [] };
  const look = (value: unknown, where: string) => {
    findings.objects += 1;
    for (const each of search(value, canary)) findings.found.push(`${client.name}, ${where}: ${each}`);
  };
  const [site] = client.direct ? world.sites.filter(({ http }) => http === 'HTTP/2') : world.sites;
  const [port] = site!.ports;
  const url = `https://api.bank.example:${port}/?id=0&hop=0`;
  const { 'http proxy': open, 'https proxy without a rule': overTls } = world.proxies;
  const withPassword = (scheme: string, host: string, at: number) =>
    `${scheme}//me:${secrets.proxyPassword}@${host}:${at}`;
  const ways = client.direct
    ? [false as const]
    : [
        false as const,
        withPassword('http:', 'proxy.example', open.proxy.port),
        withPassword('https:', 'proxy.example', overTls.proxy.port),
        withPassword('http:', 'proxy.example', 9), // nobody listens there
      ];
  const heard: [string, unknown][] = [];
  const listen = (message: unknown, name: string | symbol) =>
    void heard.push([`channel ${String(name)}`, message]);
  const warn = (warning: Error) => void heard.push(['process warning', warning]);
  for (const channel of channels) subscribe(channel, listen);
  process.on('warning', warn);

  for (const proxy of ways) {
    let pfx: CertificateSource = {
      pfx: Buffer.from(secrets.pfx, 'base64'),
      passphrase: () => secrets.passphrase,
      ca: world.materials.ca,
    };
    const source = () => pfx as Extract<CertificateSource, object>;
    const credentials = await loadCredentials({ ...world.config({ alice: source as never }), proxy });
    for (const event of events)
      credentials.on(event, ((...told: unknown[]) => void heard.push([`event ${event}`, told])) as never);
    const sender = client.create(credentials);
    const call = async (what: string, to: string, options: SendOptions = {}) => {
      findings.calls += 1;
      const ended = await sender.send(to, { timeout: 10_000, ...options }).then(
        ({ raw }: Answer) => raw,
        (error: unknown) => error,
      );
      look(ended, what);
    };
    await call('a call', url);
    await call('a call as a service', url, { service: 'Invoices' });
    await call('a call without one', url, { service: false });
    await call('an unknown service', url, { service: 'Unknown' });
    await call('a status', `https://api.bank.example:${port}/status/500?id=0&hop=0`);
    await call('no server', 'https://api.bank.example:9/');
    await call('a server that is not trusted', `https://not.trusted.example:${port}/`);
    await call('aborted before', url, { signal: AbortSignal.abort() });
    await call('a timeout', `https://api.bank.example:${port}/delay?ms=60000&id=0&hop=0`, { timeout: 50 });
    await call(
      'a downgrade',
      `https://api.bank.example:${port}/redirect?to=http%3A%2F%2Fnews.example%3A${world.plainPort}`,
    );
    pfx = { pfx: Buffer.from(secrets.pfx, 'base64'), passphrase: `${secrets.passphrase}, wrong` };
    look(await credentials.reload(), 'a renewal with a wrong passphrase');
    pfx = { pfx: Buffer.from(secrets.pfx, 'base64').subarray(0, 700), passphrase: secrets.passphrase };
    look(await credentials.reload(), 'a renewal with half a file');
    pfx = { cert: world.materials.renewed.cert, key: secrets.key };
    look(await credentials.reload(), 'a renewal with a key of another');
    pfx = { ...world.materials.renewed, passphrase: secrets.passphrase };
    look(await credentials.reload(), 'a renewal');
    await call('a call after a renewal', url);
    lookAtCredentials(credentials, url, look);
    await credentials.close();
    await call('a call after the end', url);
    look(credentials, 'credentials after the end');
    await sender.close?.();
  }
  for (const channel of channels) unsubscribe(channel, listen);
  process.off('warning', warn);
  // They hang together, and what can be reached from each is searched: of a kind, a few from all of the time.
  const kinds = new Map<string, [string, unknown][]>();
  for (const each of heard) kinds.set(each[0], [...(kinds.get(each[0]) ?? []), each]);
  for (const [where, all] of kinds)
    for (let index = 0; index < all.length; index += Math.ceil(all.length / 6)) look(all[index]![1], where);
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  report.excludeNetwork = true;
  findings.objects += 1;
  for (const each of searchText(JSON.stringify(report.getReport()), canary))
    findings.found.push(`${client.name}, process.report: ${each}`);
  return findings;
}

function lookAtCredentials(
  credentials: Credentials,
  url: string,
  look: (value: unknown, where: string) => void,
): void {
  look(credentials, 'credentials');
  look(credentials.certificates(), 'certificates()');
  look(credentials.health(), 'health()');
  look(credentials.resolve(url), 'resolve()');
  look(credentials.explain(url), 'explain()');
  look(credentials.connectOptions(url), 'connectOptions()');
  look(credentials.agent(), 'agent()');
}
