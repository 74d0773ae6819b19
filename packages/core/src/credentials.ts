// Larger than the other files: the one object that a user holds, and the only file that imports every stage.
import { EventEmitter } from 'node:events';
import type { AgentOptions } from 'node:https';
import { isIP } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { RoutingAgent } from './agent/agent.ts';
import {
  type CallerOptions,
  checkCaller,
  ownContext,
  ownOptions,
  refuseOwnIdentity,
} from './agent/caller.ts';
import { dial } from './agent/dial.ts';
import type { Handshake } from './agent/handshake.ts';
import { chooseProxy, nodeProxySetting, type ProxySetting } from './agent/proxy.ts';
import { SessionCache } from './agent/session.ts';
import type { TunnelProxy } from './agent/tunnel.ts';
import { type CertificateInfo, describeCertificate, pinsByCertificate, rulesOf } from './certificate-info.ts';
import { checkConfig } from './config/check.ts';
import { readConfig } from './config/read.ts';
import { ClientCertificateError } from './errors.ts';
import { eachOf, type Inventory, type LoadedProxy, loadInventory, readVersion } from './inventory.ts';
import { explain } from './pin/explain.ts';
import { findService, resolve, resolveHost } from './pin/resolve.ts';
import { checkPort, parseOrigin, parseTarget } from './pin/target.ts';
import { checkRenewal, haveSame, isSame } from './rotate/renewal.ts';
import { FileWatch } from './rotate/watch.ts';
import type { CertificateVersion } from './tls/context.ts';
import { ConnectionProfile, type PinnedConnectOptions, SecureContexts } from './tls/profile.ts';
import type { Config, Explanation, Resolution, Target, Warning } from './types.ts';

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
export async function loadCredentials<
  CertificateName extends string = never,
  ServiceName extends string = never,
>(config: Config<CertificateName, ServiceName>): Promise<Credentials<CertificateName, ServiceName>>;
export async function loadCredentials(config?: string | URL): Promise<Credentials>;
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

/** One certificate was replaced. */
export interface Rotation {
  name: string;
  /** The new version. */
  version: number;
  /** SHA-256 fingerprints. */
  previous: string;
  current: string;
}

/** What {@link Credentials.reload} did. */
export interface ReloadReport {
  changed: string[];
  unchanged: string[];
  failed: { name: string; error: Error }[];
}

export interface CredentialsEvents {
  handshake: [Handshake];
  rotate: [Rotation];
  warning: [Warning];
  error: [Error];
}

/**
 * The loaded certificates of a config and the rules that say where each goes: the one object a user holds.
 * Keys, passphrases and contexts are in private fields; printing it shows names and rules.
 */
export class Credentials<CertificateName extends string = string, ServiceName extends string = string> {
  #inventory: Inventory;
  #closed = false;
  readonly #events = new EventEmitter();
  /** By partition, with the decision that each was made for. */
  readonly #contexts = new Map<string, { contexts: SecureContexts; resolution: Resolution }>();
  readonly #profiles = new WeakMap<Resolution, ConnectionProfile>();
  readonly #agents = new Set<WeakRef<RoutingAgent>>();
  readonly #shared = new Map<string, RoutingAgent>();
  readonly #sessions = new SessionCache(1000);
  /** Why the last try to renew each failed. */
  readonly #failures = new Map<string, Error>();
  readonly #watch: FileWatch | undefined;
  #reloading: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(inventory: Inventory) {
    this.#inventory = inventory;
    if (inventory.config.watch) {
      this.#watch = new FileWatch(async (name) => (await this.#renewInTurn([name])).failed.length === 0);
      for (const { name, files } of inventory.certificates.values()) {
        if (files.length > 0) void this.#watch.set(name, files);
      }
    }
    // After the caller had the turn in which to listen.
    setImmediate(() => {
      if (this.#events.listenerCount('warning') === 0) return;
      for (const warning of this.warnings()) this.#events.emit('warning', warning);
    }).unref();
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
    const { certificates, config, table } = this.#inventory;
    return explain(table, target, {
      certificate: (name) => {
        const version = certificates.get(name);
        return version && describeCertificate(version, config, [], undefined);
      },
      proxy: (host, port) => {
        const proxy = this.#proxyChooser()(host, port);
        return proxy && `${proxy.url.protocol}//${proxy.url.host}`;
      },
    });
  }

  /**
   * An `https.Agent` that presents to each host what is pinned to it, for `node:https` and every client that
   * takes an agent. Connections are kept alive unless `keepAlive: false` says otherwise.
   *
   * @throws ERR_CLIENTCERT_SERVICE_UNKNOWN; ERR_CLIENTCERT_ORIGIN_NEEDED for a service without `hosts` and no `origin`
   * @see https://nodejs.org/api/https.html#class-httpsagent
   */
  agent(options: ConnectIdentity<ServiceName> & AgentOptions = {}): RoutingAgent {
    const { service, origin, proxy, defaultProxy, ...agentOptions } = options;
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
    const agent = new RoutingAgent(
      {
        decide: this.#decider(service, origin),
        proxy: this.#proxyChooser(proxy, defaultProxy),
        observe: this.#observe,
      },
      agentOptions,
    );
    this.#agents.add(new WeakRef(agent));
    return agent;
  }

  /** The agent for these options, the same one each time: what adapters hand to their clients. */
  sharedAgent(options: ConnectIdentity<ServiceName>): RoutingAgent {
    const key = JSON.stringify([options.service, options.origin, options.proxy, options.defaultProxy]);
    let agent = this.#shared.get(key);
    if (!agent) {
      const [oldest] = this.#shared.keys();
      if (oldest !== undefined && this.#shared.size >= maxSharedAgents) this.#shared.delete(oldest);
      agent = this.agent(options);
      this.#shared.set(key, agent);
    }
    return agent;
  }

  /**
   * Options of `tls.connect` for a target, for any client that speaks TLS itself: nothing secret is on them.
   *
   * @throws ERR_CLIENTCERT_HOST_INVALID, ERR_CLIENTCERT_SERVICE_UNKNOWN, ERR_CLIENTCERT_CERTIFICATE_REFUSED
   */
  connectOptions(target: Target<ServiceName>): PinnedConnectOptions {
    const { host } = parseTarget(target);
    return this.#profileOf(this.resolve(target)).connectOptions(host);
  }

  /**
   * Connects to a host with what is pinned to it, through the proxy if there is one: for clients that pool
   * connections themselves. Such a client must keep connections apart by `profileId`.
   *
   * @param options The host and port, as whom, and further options of `tls.connect`.
   * @throws ERR_CLIENTCERT_AGENT_CONFLICT, ERR_CLIENTCERT_VERIFICATION_OFF for options that the rule does not allow
   */
  connect(options: ConnectIdentity<ServiceName> & ConnectionOptions): TLSSocket {
    const { service, origin, proxy, defaultProxy, ...own } = options;
    const { host = 'localhost', port = 443 } = own;
    const decide = this.#decider(service, origin);
    const profile = decide(host, port);
    const tlsOptions = ownOptions(own as CallerOptions, {});
    if (tlsOptions) checkCaller(profile.resolution, tlsOptions);
    const pool = `${host}:${port}:${own.servername ?? ''}:${own.ALPNProtocols ?? ''}:${profile.contexts.id}`;
    return dial(
      {
        profile,
        host,
        port,
        proxy: this.#proxyChooser(proxy, defaultProxy)(host, port),
        overrides: ownContext(tlsOptions),
        pool,
        sessions: this.#sessions,
        observe: this.#observe,
      },
      { servername: isIP(host) === 0 ? host : '', ...own, host, port },
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

  /** Every certificate in the order of the config. */
  certificates(): CertificateInfo<CertificateName>[] {
    const { certificates, config } = this.#inventory;
    const pins = pinsByCertificate(config);
    return [...config.certificates.keys()].map((name) =>
      describeCertificate(certificates.get(name)!, config, pins.get(name) ?? [], this.#failures.get(name)),
    ) as CertificateInfo<CertificateName>[];
  }

  /**
   * Reads every certificate again, and swaps those that changed: from the moment this resolves, new connections
   * present the new version, idle connections of the old one are closed, and what is under way finishes. One
   * that cannot be read, or is not valid any more, leaves the one in use where it is.
   *
   * @returns The names that changed, that did not, and that failed, each of those with its error.
   */
  reload(): Promise<ReloadReport> {
    return this.#renewInTurn([...this.#inventory.config.certificates.keys()]);
  }

  /** Every rule in the order of the config, with the certificate it names; `false`: never one, `null`: none. */
  rules(): { rule: string; certificate: CertificateName | false | null }[] {
    return rulesOf(this.#inventory.config).map(({ label, certificate = null }) => ({
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

  /** Listens to `handshake`, `rotate`, `warning` or `error`. */
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

  /** Closes idle connections; what is under way finishes, and nothing new is begun. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watch?.close();
    for (const { contexts } of this.#contexts.values()) contexts.retired = true;
    this.#contexts.clear();
    const agents = [...this.#agents].map((reference) => reference.deref());
    this.#agents.clear();
    this.#sessions.prune();
    this.#shared.clear();
    await Promise.all(agents.map((agent) => agent?.retire()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  toJSON(): object {
    return { certificates: this.certificates() };
  }

  /** One after the other, so that an older reading never replaces a newer one. */
  #renewInTurn(names: readonly string[]): Promise<ReloadReport> {
    const turn = this.#reloading.then(() => this.#renew(names));
    this.#reloading = turn.catch(() => {});
    return turn;
  }

  async #renew(names: readonly string[]): Promise<ReloadReport> {
    const report: ReloadReport = { changed: [], unchanged: [], failed: [] };
    const { config } = this.#inventory;
    await eachOf(names, async (name) => {
      const before = this.#inventory.certificates.get(name)!;
      try {
        const after = await readVersion(config, name, config.certificates.get(name)!, before.version + 1);
        this.#failures.delete(name);
        if (this.#closed || isSame(before.material, after.material)) {
          report.unchanged.push(name);
          return;
        }
        checkRenewal(name, before.material, after.material);
        this.#swap(after);
        report.changed.push(name);
        this.#events.emit('rotate', {
          name,
          version: after.version,
          previous: before.material.certificate.fingerprint256,
          current: after.material.certificate.fingerprint256,
        } satisfies Rotation);
      } catch (error) {
        this.#failures.set(name, error as Error);
        report.failed.push({ name, error: error as Error });
        this.#reportError(error as Error);
      }
    });
    return report;
  }

  /** Puts a new version in place, and retires all that was made with the old one. */
  #swap(after: CertificateVersion): void {
    const { name, material } = after;
    const before = this.#inventory.certificates.get(name)!;
    this.#inventory.certificates.set(name, after);
    // Where it lends its roots alone, nothing changes unless they do.
    const newRoots = !haveSame(before.material.ca, material.ca);
    for (const [partition, { contexts, resolution }] of this.#contexts) {
      const { certificate, authorities } = resolution;
      if (certificate !== name && !(newRoots && authorities.includes(name))) continue;
      contexts.retired = true;
      this.#contexts.delete(partition);
    }
    this.#sessions.prune();
    for (const reference of this.#agents) {
      const agent = reference.deref();
      if (agent) void agent.retire();
      else this.#agents.delete(reference);
    }
  }

  /** An error that nobody listens to becomes a warning of the process, never a crash. */
  #reportError(error: Error): void {
    if (this.#events.listenerCount('error') > 0) this.#events.emit('error', error);
    else process.emitWarning(error);
  }

  readonly #observe = (handshake: Handshake): void => {
    this.#events.emit('handshake', handshake);
  };

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
    if (this.#closed) {
      throw new ClientCertificateError('ERR_CLIENTCERT_CLOSED', 'these credentials were closed', {
        hint: 'Load them once for the life of the process, and close them at its end.',
      });
    }
    const profile = new ConnectionProfile(resolution, this.#contextsOf(resolution));
    this.#profiles.set(resolution, profile);
    return profile;
  }

  /** One set of contexts for all resolutions that may share connections. */
  #contextsOf(resolution: Resolution): SecureContexts {
    const { partition, certificate, authorities, ca } = resolution;
    const known = this.#contexts.get(partition);
    if (known) return known.contexts;
    const { certificates } = this.#inventory;
    const roots = [...ca, ...authorities.flatMap((name) => certificates.get(name)!.material.ca)];
    const presented = certificate === null ? null : certificates.get(certificate)!;
    const contexts = new SecureContexts(resolution, presented, roots);
    this.#contexts.set(partition, { contexts, resolution });
    return contexts;
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
    const resolution: Resolution = {
      ...host,
      rule: 'proxy',
      certificate: certificate ?? host.certificate,
      authorities: certificate === undefined ? host.authorities : [certificate],
      ca: [...host.ca, ...ca],
      partition: `proxy ${JSON.stringify([certificate, ca.map((root) => root.fingerprint256)])} ${host.partition}`,
    };
    return new ConnectionProfile(resolution, this.#contextsOf(resolution));
  }
}

type ProxyObject = { url: string | URL; authorization?: string | undefined };

function parseProxy(proxy: NonNullable<ConnectIdentity['proxy']>): ProxySetting {
  if (proxy === false || proxy === 'env') return proxy as 'env' | false;
  const { url, authorization = undefined } = isProxyObject(proxy) ? proxy : { url: proxy };
  return { url: new URL(url), authorization, profile: undefined };
}

function isProxyObject(proxy: string | URL | ProxyObject): proxy is ProxyObject {
  return typeof proxy === 'object' && 'url' in proxy;
}

const maxSharedAgents = 1000;
