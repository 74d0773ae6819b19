// Larger than the other files: the one object that a user holds, and the only file that imports every stage.
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { AgentOptions } from 'node:https';
import { isIP } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { type Route, RoutingAgent } from './agent/agent.ts';
import {
  type CallerOptions,
  checkCaller,
  describeOwn,
  ownOptions,
  refuseOwnIdentity,
} from './agent/caller.ts';
import { dial } from './agent/dial.ts';
import { requireRequest } from './agent/handshake.ts';
import { chooseProxy, findProxy, nodeProxySetting, type ProxySetting } from './agent/proxy.ts';
import type { TunnelProxy } from './agent/tunnel.ts';
import {
  type CertificateInfo,
  describeCertificate,
  describeCredentials,
  pinsByCertificate,
} from './certificate-info.ts';
import { checkConfig } from './config/check.ts';
import { parseProxyUrl } from './config/proxy.ts';
import { readConfig } from './config/read.ts';
import { Connections, type Retirable } from './connections.ts';
import { ClientCertificateError } from './errors.ts';
import { type CredentialsEvents, Events } from './events.ts';
import { type Inventory, type LoadedProxy, loadInventory, proxyLabel, versionOf } from './inventory.ts';
import { snapshot } from './own.ts';
import { explain } from './pin/explain.ts';
import { findService, resolve, resolveHost } from './pin/resolve.ts';
import { rulesOf } from './pin/rule.ts';
import { soleCertificate } from './pin/sole.ts';
import { checkPort, parseOrigin, parseTarget } from './pin/target.ts';
import { type Health, judgeHealth } from './rotate/health.ts';
import type { ReloadReport } from './rotate/renewals.ts';
import { ConnectionProfile, type PinnedConnectOptions, type SecureContexts } from './tls/profile.ts';
import type { Config, Explanation, Resolution, Target, Warning } from './types.ts';
import { closed, Upkeep } from './upkeep.ts';

/**
 * Loads every certificate of a config, checks it, and pins it to its hosts and services. Nothing is left for
 * later: what cannot be used fails here, before any request.
 *
 * @param config The config, the path or `file:` URL of a JSON file holding it, or nothing: then
 *   `CLIENTCERT_CONFIG` names the file. Paths in a file are relative to it.
 * @throws ClientCertificateError with a code for what is wrong: the config (`ERR_CLIENTCERT_CONFIG_INVALID`,
 *   `…_HOST_INVALID`, `…_RULE_CONFLICT`, `…_CERTIFICATE_UNKNOWN`), a file (`…_FILE_NOT_FOUND`,
 *   `…_PASSPHRASE_WRONG`, …) or the pair of key and certificate (`…_KEY_MISMATCH`, …).
 *
 * @example
 * import { loadCredentials } from '@clientcert/core';
 *
 * const credentials = await loadCredentials({
 *   certificates: { bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PFX_PASSPHRASE } },
 *   hosts: { 'api.bank.example': 'bank' },
 * });
 */
// Four, and this order, because of what fits none of so many the compiler explains why it does not fit the last: a slip
// in a config is told of as that, and not as something that a URL does not have.
export async function loadCredentials(path: string): Promise<Credentials>;
export async function loadCredentials(url: URL): Promise<Credentials>;
export async function loadCredentials(location?: string | URL): Promise<Credentials>;
export async function loadCredentials<
  CertificateName extends string = never,
  ServiceName extends string = never,
>(config: Config<CertificateName, ServiceName>): Promise<Credentials<CertificateName, ServiceName>>;
export async function loadCredentials(config?: Config | string | URL): Promise<Credentials> {
  const { config: written, ...place } = await readConfig(config);
  return new Credentials(await loadInventory(await checkConfig(written, place)));
}

/** As whom, and through which proxy, {@link Credentials.agent} and {@link Credentials.connect} connect. */
export interface ConnectIdentity<ServiceName extends string = string> {
  /** Call as this service of the config; with `false`, present no certificate. */
  service?: ServiceName | false | undefined;
  /** The origin that the caller's own request names: where a service without `hosts` applies. */
  origin?: string | URL | undefined;
  /** `'env'`, a proxy's URL, or `false`; in place of what the config says. */
  proxy?:
    | 'env'
    | (string & {})
    | URL
    | { url: string | URL; authorization?: string | undefined }
    | false
    | undefined;
  /** What holds where neither `proxy` nor the config says: `'env'` for clients that read the environment. */
  defaultProxy?: 'env' | undefined;
}

/** What {@link Credentials.withSigningKey} lends. */
export interface SigningKey {
  /** Name of the certificate in the config. */
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly certificate: X509Certificate;
  /** The intermediates, from the leaf's issuer upwards. */
  readonly chain: readonly X509Certificate[];
}

/**
 * The loaded certificates of a config and the rules that say where each goes: the one object a user holds.
 * Keys, passphrases and contexts are in private fields; printing it shows names and rules.
 */
export class Credentials<CertificateName extends string = string, ServiceName extends string = string> {
  #closed = false;
  readonly #connections = new Connections();
  readonly #events = new Events();
  readonly #upkeep: Upkeep;
  readonly #profiles = new WeakMap<Resolution, ConnectionProfile>();
  readonly #shared = new Map<string, RoutingAgent>();
  #lastShared: (ConnectIdentity & { readonly agent: RoutingAgent }) | undefined;

  /** @internal */
  constructor(inventory: Inventory) {
    this.#upkeep = new Upkeep(inventory, this.#connections, this.#events);
  }

  /** What holds at this moment. */
  get #inventory(): Inventory {
    return this.#upkeep.inventory;
  }

  /**
   * What holds for a target: certificate, TLS versions, trust. Sync and without I/O.
   *
   * @throws ERR_CLIENTCERT_HOST_INVALID, ERR_CLIENTCERT_SERVICE_UNKNOWN
   */
  resolve(target: Target<ServiceName>): Resolution {
    return resolve(this.#inventory.table, target);
  }

  /**
   * The same decision, with every rule that concerns the host and why it won or lost. `toString()` is what a
   * person reads.
   *
   * @throws ERR_CLIENTCERT_HOST_INVALID, ERR_CLIENTCERT_SERVICE_UNKNOWN
   *
   * @example
   * console.log(`${credentials.explain('https://api.bank.example:8443')}`);
   */
  explain(target: Target<ServiceName>): Explanation {
    const { certificates, broken, config, table } = this.#inventory;
    return explain(table, target, {
      broken: (name) => broken.get(name)?.message,
      certificate: (name) => {
        const version = certificates.get(name);
        return version && describeCertificate(version, config, [], undefined);
      },
      proxy: (host, port) => {
        const { proxy = nodeProxySetting() } = this.#inventory;
        const { url } = findProxy(proxy, host, port) ?? {};
        return url ? `${url.protocol}//${url.host}` : null;
      },
    });
  }

  /**
   * An `https.Agent` that presents to each host what is pinned to it, for `node:https` and every client that
   * takes an agent. Connections are kept alive unless `keepAlive: false` says otherwise, with TCP keep-alive after
   * a minute of silence unless `keepAliveMsecs` does.
   *
   * @throws ERR_CLIENTCERT_SERVICE_UNKNOWN; ERR_CLIENTCERT_ORIGIN_NEEDED for a service without `hosts` and no `origin`
   * @see https://nodejs.org/api/https.html#class-httpsagent
   */
  agent(options: ConnectIdentity<ServiceName> & AgentOptions = {}): RoutingAgent {
    const { service, origin, proxy, defaultProxy, ...agentOptions } = snapshot(options);
    if ((agentOptions as { proxyEnv?: object }).proxyEnv) throw otherProxies();
    const connections = this.#connections;
    const route: Route = {
      decide: this.#decider(service, origin),
      service,
      proxy: this.#proxyChooser(proxy, defaultProxy),
      observe: this.#upkeep.observer,
      get generation() {
        return connections.generation;
      },
      adopt: (agent) => connections.adopt(agent),
    };
    // Node's own delay is a second. axios sets a minute for every request: between the two, each request would
    // switch its socket to and fro, with system calls that take longer than all that is done here.
    return new RoutingAgent(route, { keepAlive: true, keepAliveMsecs: 60_000, ...agentOptions });
  }

  /** The agent for these options, the same one each time: what adapters hand to their clients. */
  sharedAgent(options: ConnectIdentity<ServiceName>): RoutingAgent {
    const { service, origin, proxy, defaultProxy } = snapshot(options);
    // Most calls are made as the one before.
    const last = this.#lastShared;
    if (last && last.service === service && last.origin === origin) {
      if (last.proxy === proxy && last.defaultProxy === defaultProxy) return last.agent;
    }
    const key = JSON.stringify([service, origin, proxy, defaultProxy]);
    let agent = this.#shared.get(key);
    if (!agent) {
      const [oldest] = this.#shared.keys();
      if (oldest !== undefined && this.#shared.size >= maxSharedAgents) this.#shared.delete(oldest);
      agent = this.agent(options);
      this.#shared.set(key, agent);
    }
    // An object may say something else the next time.
    const isFixed = typeof origin !== 'object' && typeof proxy !== 'object';
    this.#lastShared = isFixed ? { service, origin, proxy, defaultProxy, agent } : undefined;
    return agent;
  }

  /**
   * Options of `tls.connect` for a target, for any client that speaks TLS itself: nothing secret is on them.
   *
   * @throws ERR_CLIENTCERT_HOST_INVALID, ERR_CLIENTCERT_SERVICE_UNKNOWN, ERR_CLIENTCERT_CERTIFICATE_REFUSED
   */
  connectOptions(target: Target<ServiceName>): PinnedConnectOptions {
    const { host, port } = parseTarget(target);
    const profile = this.#profileOf(this.resolve(target));
    const options = profile.connectOptions(host);
    return { ...options, checkServerIdentity: requireRequest(profile, port, options.checkServerIdentity) };
  }

  /**
   * Connects to a host with what is pinned to it, through the proxy if there is one: for clients that pool
   * connections themselves. Such a client must keep connections apart by `profileId`.
   *
   * @param options The host and port, as whom, and further options of `tls.connect`.
   * @throws ERR_CLIENTCERT_AGENT_CONFLICT, ERR_CLIENTCERT_VERIFICATION_OFF for options that the rule does not allow
   */
  connect(options: ConnectIdentity<ServiceName> & ConnectionOptions): TLSSocket {
    const { service, origin, proxy, defaultProxy, ...rest } = snapshot(options);
    const given = snapshot(rest);
    const { host = 'localhost', port = 443, servername = isIP(host) === 0 ? host : '' } = given;
    const profile = this.#decider(service, origin)(host, port);
    if (given.path) return connectUnix(given, service ? 'service' : given.host, profile.resolution);
    const own = ownOptions(given as CallerOptions);
    if (own) checkCaller(profile.resolution, own);
    const pool = `${host}:${port}:${servername}:${profile.contexts.id}${describeOwn(own)}`;
    return dial(
      {
        profile,
        host,
        port,
        proxy: this.#proxyChooser(proxy, defaultProxy)(host, port),
        own,
        pool,
        sessions: this.#connections.sessions,
        observe: this.#upkeep.observer,
      },
      { ...given, servername, host, port },
    );
  }

  /**
   * What connections to a target may be shared by: equal for two targets, and over time, only where they are
   * made with the same version of the same certificate, the same TLS versions and the same trust. Never secret.
   *
   * @throws ERR_CLIENTCERT_HOST_INVALID, ERR_CLIENTCERT_SERVICE_UNKNOWN
   */
  profileId(target: Target<ServiceName>): string {
    return this.#profileOf(this.resolve(target)).contexts.id;
  }

  /**
   * A number that changes with every renewal, new config and `close`: while it is the same, every decision is;
   * for adapters that keep what they were told.
   */
  get generation(): number {
    return this.#connections.generation;
  }

  /** Whether the config says which proxy to use, `false` included; for adapters of clients with proxies of their own. */
  get decidesProxy(): boolean {
    return this.#inventory.proxy !== undefined;
  }

  /**
   * Has pools that a client keeps itself told when certificates were renewed or taken away, and of `close`;
   * for adapters. It is held weakly.
   */
  adopt(pools: Retirable): void {
    this.#connections.adopt(pools);
  }

  /**
   * Refuses a redirect from https to http for a call that presented a certificate, unless its rule says
   * `allowDowngrade`; for adapters of clients that let them see redirects.
   *
   * @throws ERR_CLIENTCERT_DOWNGRADE
   */
  checkRedirect(from: Target<ServiceName>, to: string | URL): void {
    const { certificate, rule, allowDowngrade } = this.resolve(from);
    if (certificate === null || allowDowngrade || parseOrigin(to).secure) return;
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_DOWNGRADE',
      `${rule}: the server redirects a call that presented certificate "${certificate}" to http:`,
      { hint: 'Call the https address, or write allowDowngrade: true on the rule if http is really meant.' },
    );
  }

  /**
   * Refuses an agent, dispatcher, certificate or key of the caller's own where a rule decides; for adapters.
   *
   * @param option What the caller's client calls it, e.g. `httpsAgent`.
   * @throws ERR_CLIENTCERT_AGENT_CONFLICT
   */
  refuseOwn(target: Target<ServiceName>, option: string): void {
    refuseOwnIdentity(this.resolve(target), option);
  }

  /**
   * Lends the private key of the certificate that a target is presented with, to sign a message to it; for
   * adapters. This is the one way to a key: `use` must keep nothing of it.
   *
   * @param target Where the message goes. Without a host: the certificate of the service, or the only one that
   *   any host rule names.
   * @returns What `use` returns; with the certificate as it is now, renewals included.
   * @throws ERR_CLIENTCERT_SIGNATURE_REFUSED where the target is presented with none;
   *   ERR_CLIENTCERT_ORIGIN_NEEDED without a host, where the certificate depends on it;
   *   ERR_CLIENTCERT_HOST_INVALID, ERR_CLIENTCERT_SERVICE_UNKNOWN, ERR_CLIENTCERT_CLOSED
   *
   * @example
   * import { sign } from 'node:crypto';
   *
   * const signature = credentials.withSigningKey('https://api.bank.example', ({ privateKey }) =>
   *   sign('sha256', Buffer.from(message), privateKey),
   * );
   */
  withSigningKey<Result>(
    target: Target<ServiceName> | { host?: undefined; service?: ServiceName | undefined },
    use: (key: SigningKey) => Result,
  ): Result {
    if (this.#closed) throw closed();
    const name = this.#signerFor(target);
    const { privateKey, certificate, chain } = versionOf(this.#inventory, name).material;
    return use({ name, privateKey, certificate, chain: [...chain] });
  }

  /** Every certificate in the order of the config; not those that could not be read (`allowBroken`): see `health()`. */
  certificates(): CertificateInfo<CertificateName>[] {
    const { certificates, config } = this.#inventory;
    const pins = pinsByCertificate(config);
    return [...certificates].map(([name, version]) =>
      describeCertificate(version, config, pins.get(name) ?? [], this.#upkeep.failureOf(name)),
    ) as CertificateInfo<CertificateName>[];
  }

  /**
   * Reads every certificate and root again, or takes a new config in place of the old one. From the moment this
   * resolves new connections present what is new, idle connections of the old are closed, and what is under way
   * finishes: a connection in its handshake then may present the old, and serves one request at most.
   *
   * Without a config, what cannot be read or would not work keeps its old version, and the report says so. With
   * one, either all of it is taken or nothing: certificates whose source is the same keep their connections, and
   * are read again only where a change of their files has been noticed, or the last reading failed.
   *
   * @param config As for {@link loadCredentials}.
   * @returns The names that changed, that did not, and that failed, each of those with its error.
   * @throws what {@link loadCredentials} throws, where a new config is itself invalid or names what cannot be
   *   read; nothing has changed then. ERR_CLIENTCERT_RENEWAL_REJECTED,
   *   ERR_CLIENTCERT_CERTIFICATE_REFUSED, ERR_CLIENTCERT_CLOSED
   *
   * @example
   * import { loadCredentials } from '@clientcert/core';
   *
   * const credentials = await loadCredentials('clientcert.json');
   * process.on('SIGHUP', async () => {
   *   const { changed, failed } = await credentials.reload('clientcert.json');
   *   console.log('renewed:', changed, 'failed:', failed);
   * });
   */
  reload(config?: Config | string | URL): Promise<ReloadReport> {
    return this.#upkeep.reload(config);
  }

  /**
   * Whether every certificate can be used and is being renewed: `ok`, `warning` or `error`, with the reasons.
   * A certificate that no rule names is never more than a warning.
   *
   * @example
   * import { createServer } from 'node:http';
   * import { loadCredentials } from '@clientcert/core';
   *
   * const credentials = await loadCredentials('clientcert.json');
   * createServer((request, response) => {
   *   const { status, reasons } = credentials.health();
   *   response.writeHead(status === 'error' ? 503 : 200, { 'content-type': 'application/json' });
   *   response.end(JSON.stringify({ status, reasons }));
   * }).listen(8080);
   */
  health(): Health {
    const { proxy } = this.#inventory;
    const presentedToProxy = typeof proxy === 'object' ? proxy.certificate : undefined;
    const records = this.certificates().map((info) => ({
      ...info,
      used: info.pinnedAt.length > 0 || info.name === presentedToProxy,
    }));
    const used = new Set(records.filter((record) => record.used).map(({ name }) => name as string));
    const authorities = this.#upkeep
      .endingAuthorities()
      .map((each) => ({ ...each, used: used.has(each.name) }));
    const { broken } = this.#inventory;
    return judgeHealth(records, authorities, broken, this.#upkeep.failures(), this.#closed);
  }

  /** Every rule in the order of the config, with the certificate it names; `false`: never one, `null`: none. */
  rules(): { rule: string; certificate: CertificateName | false | null }[] {
    return rulesOf(this.#inventory.config.pins).map(({ label, certificate = null }) => ({
      rule: label,
      certificate: certificate as CertificateName | false | null,
    }));
  }

  /** What loading had to say of the config and of each certificate. */
  warnings(): Warning[] {
    const ofCertificates = this.certificates().flatMap(({ name, warnings }) =>
      warnings.map(({ code, message }) => ({ code, message: `certificate "${name}": ${message}` })),
    );
    return [...this.#inventory.config.warnings, ...ofCertificates];
  }

  /**
   * Listens to `rotate`, `rollback`, `expiring`, `expired`, `warning`, `error`, `handshake` or `failure`. An
   * `error` that nobody listens to becomes a process warning, never a crash.
   */
  on<Event extends keyof CredentialsEvents>(
    event: Event,
    listener: (...args: CredentialsEvents[Event]) => void,
  ): this {
    this.#events.on(event, listener);
    return this;
  }

  off<Event extends keyof CredentialsEvents>(
    event: Event,
    listener: (...args: CredentialsEvents[Event]) => void,
  ): this {
    this.#events.off(event, listener);
    return this;
  }

  /** Stops watching and closes idle connections; what is under way finishes, and nothing new is begun. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#upkeep.close();
    this.#shared.clear();
    this.#lastShared = undefined;
    await this.#connections.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  toJSON(): object {
    return { certificates: this.certificates() };
  }

  static {
    const describe = (credentials: Credentials): string =>
      describeCredentials(credentials.certificates(), credentials.rules(), credentials.health());
    Object.defineProperties(Credentials.prototype, {
      [Symbol.for('clientcert.Credentials')]: { value: true },
      // What `console.log` prints: names, dates and rules. The prototype itself is no credentials.
      [inspect.custom]: {
        value(this: Credentials) {
          return #closed in this ? describe(this) : 'Credentials {}';
        },
      },
    });
  }

  #signerFor(target: Target<ServiceName> | { host?: undefined; service?: ServiceName | undefined }): string {
    if (typeof target === 'object' && target.host === undefined) {
      const sole = soleCertificate(this.#inventory.table, target.service);
      if (sole !== undefined) return sole;
      throw new ClientCertificateError(
        'ERR_CLIENTCERT_ORIGIN_NEEDED',
        'which certificate signs the message depends on where it goes, and no origin was named',
        { hint: 'Name the origin it goes to, or a service that has a certificate.' },
      );
    }
    const { certificate, rule } = this.resolve(target as Target<ServiceName>);
    if (certificate !== null) return certificate;
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_SIGNATURE_REFUSED',
      rule === 'none'
        ? 'the message is to be signed for a place that no rule names a certificate for'
        : `${rule}: the message is to be signed for a place that is presented with no certificate`,
      { hint: 'Pin a certificate to its host, or sign nothing that goes there.' },
    );
  }

  /** Decides for one identity of a caller; by what is loaded then, so that it outlives renewals. */
  #decider(
    service?: ServiceName | false | undefined,
    origin?: string | URL | undefined,
  ): (host: string, port: number | string) => ConnectionProfile {
    const from = origin === undefined ? undefined : parseOrigin(origin);
    if (service && findService(this.#inventory.table, service).hosts === undefined && !from) {
      throw new ClientCertificateError(
        'ERR_CLIENTCERT_ORIGIN_NEEDED',
        `service "${service}" has no hosts, so it applies at the origin that the caller names, and none was named`,
        {
          hint: `Pass { service: "${service}", origin: "https://api.bank.example" }, or give the service hosts.`,
        },
      );
    }
    return (host, port) =>
      this.#profileOf(resolveHost(this.#inventory.table, host, checkPort(port), service, from));
  }

  #profileOf(resolution: Resolution): ConnectionProfile {
    const known = this.#profiles.get(resolution);
    if (known && !known.contexts.retired) return known;
    if (this.#closed) throw closed();
    const profile = new ConnectionProfile(resolution, this.#contextsOf(resolution));
    this.#profiles.set(resolution, profile);
    return profile;
  }

  /** One set of contexts for all resolutions that may share connections. */
  #contextsOf(resolution: Resolution): SecureContexts {
    return this.#connections.contextsOf(resolution, (name) => versionOf(this.#inventory, name));
  }

  /**
   * Chooses the proxy on the way to a host: what the caller wrote, else the config, else the client's own way,
   * which is that of Node's agents unless `byDefault` says otherwise.
   */
  #proxyChooser(
    written?: ConnectIdentity['proxy'],
    byDefault: 'env' | false = nodeProxySetting(),
  ): (host: string, port: number | string) => TunnelProxy | null {
    const own = written === undefined ? undefined : parseProxy(written);
    const decide = this.#decider();
    return (host, port) => {
      const { proxy } = this.#inventory;
      const setting =
        own ?? (typeof proxy === 'object' ? this.#configuredProxy(proxy) : (proxy ?? byDefault));
      return setting === false ? null : chooseProxy(setting, host, port, decide);
    };
  }

  #configuredProxy(proxy: LoadedProxy): ProxySetting {
    return { url: proxy.url, authorization: proxy.authorization, profile: this.#proxyProfile(proxy) };
  }

  /** What a proxy with a certificate or roots of its own is connected to with. */
  #proxyProfile({ url, certificate, ca }: LoadedProxy): ConnectionProfile | undefined {
    if (certificate === undefined && ca.length === 0) return undefined;
    const host = this.resolve({ host: url.hostname, port: url.port });
    const only = certificate !== undefined && this.#inventory.config.pins.trustOnly.has(certificate);
    const resolution: Resolution = {
      ...host,
      rule: proxyLabel,
      certificate: certificate ?? host.certificate,
      authorities: certificate === undefined ? host.authorities : [certificate],
      ca: only ? ca : [...host.ca, ...ca],
      trust: only ? 'only' : host.trust,
      partition: `proxy ${JSON.stringify([certificate, only, ca.map((root) => root.fingerprint256)])} ${host.partition}`,
    };
    return new ConnectionProfile(resolution, this.#contextsOf(resolution));
  }
}

/** A Unix socket has no host to decide by: nothing is presented to it, and no host's rule may be meant. */
function connectUnix(options: ConnectionOptions, named: string | undefined, { rule }: Resolution): TLSSocket {
  if (named === undefined || rule === 'none') return connectTls({ ...options });
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    `${rule}: the connection goes to a Unix socket ("path"), to which no host's certificate is presented`,
    { hint: 'Remove "path", or the host and service: without them the socket is connected to as it is.' },
  );
}

/** Node's own agents take it since 24.5, and would go around what is decided here. */
function otherProxies(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
    'the option "proxyEnv" is that of Node\'s agents, and this agent opens its tunnels itself',
    { hint: 'Write proxy: "env", or the URL of the proxy as "proxy".' },
  );
}

type ProxyObject = { url: string | URL; authorization?: string | undefined };

function parseProxy(proxy: NonNullable<ConnectIdentity['proxy']>): ProxySetting {
  if (proxy === false || proxy === 'env') return proxy as 'env' | false;
  const { url: written, authorization } = snapshot<ProxyObject>(
    isProxyObject(proxy) ? proxy : { url: proxy },
  );
  const { url, problem } = parseProxyUrl(written);
  if (url !== undefined) return { url, authorization, profile: undefined };
  throw new ClientCertificateError('ERR_CLIENTCERT_PROXY_UNSUPPORTED', `the option "proxy" ${problem}`, {
    hint: 'A proxy is "env", the URL of one, { url, authorization }, or false for none.',
  });
}

function isProxyObject(proxy: string | URL | ProxyObject): proxy is ProxyObject {
  return typeof proxy === 'object' && Object.hasOwn(proxy, 'url');
}

const maxSharedAgents = 1000;
