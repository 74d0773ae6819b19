import type { KeyObject, X509Certificate } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { AgentOptions } from 'node:https';
import { isIP } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { RoutingAgent } from './agent/agent.ts';
import { type CallerOptions, checkCaller, ownContext, refuseOwnIdentity } from './agent/caller.ts';
import { dial } from './agent/dial.ts';
import type { Handshake } from './agent/handshake.ts';
import { chooseProxy, type ProxySetting } from './agent/proxy.ts';
import { SessionCache } from './agent/session.ts';
import { checkConfig } from './config/check.ts';
import { readConfig } from './config/read.ts';
import { ClientCertificateError } from './errors.ts';
import { type Inventory, type LoadedProxy, loadInventory } from './inventory.ts';
import { findService, resolve, resolveHost } from './pin/resolve.ts';
import { soleCertificate } from './pin/sole.ts';
import { checkPort, parseOrigin, parseTarget } from './pin/target.ts';
import type { CertificateVersion } from './tls/context.ts';
import { ConnectionProfile, SecureContexts } from './tls/profile.ts';
import type { Config, Resolution, Target, Warning } from './types.ts';

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
  CertificateName extends string = string,
  ServiceName extends string = never,
>(
  config?: Config<CertificateName, ServiceName> | string | URL,
): Promise<Credentials<CertificateName, ServiceName>> {
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

/** What {@link Credentials.certificates} says of one certificate. Nothing in it is secret. */
export interface CertificateInfo<CertificateName extends string = string> {
  name: CertificateName;
  /** 1 when it was loaded, one more with every renewal. */
  version: number;
  subject: string;
  issuer: string;
  serialNumber: string;
  fingerprint256: string;
  validFrom: Date;
  validTo: Date;
  /** Whole days until it expires; negative afterwards. */
  daysLeft: number;
  keyType: string;
  /** How many certificates are presented, the leaf included. */
  chainLength: number;
  status: 'valid' | 'expiring' | 'expired' | 'not yet valid';
  warnings: readonly Warning[];
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

export interface CredentialsEvents {
  handshake: [Handshake];
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
  readonly #contexts = new Map<string, SecureContexts>();
  readonly #profiles = new WeakMap<Resolution, ConnectionProfile>();
  readonly #agents = new Set<WeakRef<RoutingAgent>>();
  readonly #shared = new Map<string, RoutingAgent>();
  readonly #sessions = new SessionCache(1000);

  /** @internal */
  constructor(inventory: Inventory) {
    this.#inventory = inventory;
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
        proxy: (host, port) =>
          chooseProxy(this.#proxySetting(proxy, defaultProxy), host, port, this.#decider()),
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
  connectOptions(target: Target<ServiceName>): ConnectionOptions {
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
    checkCaller(profile.resolution, own as CallerOptions);
    const chosen = chooseProxy(this.#proxySetting(proxy, defaultProxy), host, port, this.#decider());
    const pool = `${host}:${port}:${own.servername ?? ''}:${own.ALPNProtocols ?? ''}:${profile.contexts.id}`;
    return dial(
      {
        profile,
        host,
        port,
        proxy: chosen,
        overrides: ownContext(own as CallerOptions, {}),
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

  /**
   * Lends the private key of the certificate that a target is presented with, to sign a message to it; for
   * adapters. This is the one way to a key: `use` must keep nothing of it.
   *
   * @param target Where the message goes. Without a host: the certificate of the service, or the only one that
   *   any host rule names.
   * @returns What `use` returns; with the certificate as it is now, renewals included.
   * @throws ERR_CLIENTCERT_SIGNATURE_REFUSED where the target is presented with none;
   *   ERR_CLIENTCERT_ORIGIN_NEEDED without a host, where the certificate depends on it;
   *   ERR_CLIENTCERT_HOST_INVALID, ERR_CLIENTCERT_SERVICE_UNKNOWN
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
    const name = this.#signerFor(target);
    const { privateKey, certificate, chain } = this.#inventory.certificates.get(name)!.material;
    return use({ name, privateKey, certificate, chain: [...chain] });
  }

  /** Every certificate in the order of the config. */
  certificates(): CertificateInfo<CertificateName>[] {
    const { certificates, config } = this.#inventory;
    return [...config.certificates.keys()].map((name) =>
      describe(certificates.get(name)!, config.expiryWarningDays),
    ) as CertificateInfo<CertificateName>[];
  }

  /** Listens to `handshake`, `warning` or `error`. */
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
    for (const contexts of this.#contexts.values()) contexts.retired = true;
    this.#contexts.clear();
    for (const reference of this.#agents) reference.deref()?.retire();
    this.#agents.clear();
    this.#sessions.prune();
    this.#shared.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  toJSON(): object {
    return { certificates: this.certificates() };
  }

  readonly #observe = (handshake: Handshake): void => {
    this.#events.emit('handshake', handshake);
  };

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
    let contexts = this.#contexts.get(partition);
    if (!contexts) {
      const { certificates } = this.#inventory;
      const roots = [...ca, ...authorities.flatMap((name) => certificates.get(name)!.material.ca)];
      contexts = new SecureContexts(
        resolution,
        certificate === null ? null : certificates.get(certificate)!,
        roots,
      );
      this.#contexts.set(partition, contexts);
    }
    return contexts;
  }

  /** The config's proxy, unless the caller of `agent` wrote another; where there is neither, the client's. */
  #proxySetting(own: ConnectIdentity['proxy'], byDefault: 'env' | undefined): ProxySetting {
    if (own === false || own === 'env') return own as 'env' | false;
    if (own !== undefined) {
      const { url, authorization = undefined } = isProxyObject(own) ? own : { url: own };
      return { url: new URL(url), authorization, profile: undefined };
    }
    const { proxy } = this.#inventory;
    if (typeof proxy !== 'object') return proxy ?? byDefault;
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
      partition: `proxy ${host.partition}`,
    };
    return new ConnectionProfile(resolution, this.#contextsOf(resolution));
  }
}

type ProxyObject = { url: string | URL; authorization?: string | undefined };

function isProxyObject(proxy: string | URL | ProxyObject): proxy is ProxyObject {
  return typeof proxy === 'object' && 'url' in proxy;
}

const maxSharedAgents = 1000;
const day = 24 * 60 * 60 * 1000;

function describe({ name, version, material }: CertificateVersion, warningDays: number): CertificateInfo {
  const { certificate, chain, privateKey, warnings } = material;
  const validFrom = new Date(certificate.validFrom);
  const validTo = new Date(certificate.validTo);
  const now = Date.now();
  const daysLeft = Math.floor((validTo.getTime() - now) / day);
  return {
    name,
    version,
    subject: certificate.subject,
    issuer: certificate.issuer,
    serialNumber: certificate.serialNumber,
    fingerprint256: certificate.fingerprint256,
    validFrom,
    validTo,
    daysLeft,
    keyType: describeKey(privateKey),
    chainLength: chain.length + 1,
    status:
      now > validTo.getTime()
        ? 'expired'
        : now < validFrom.getTime()
          ? 'not yet valid'
          : daysLeft < warningDays
            ? 'expiring'
            : 'valid',
    warnings,
  };
}

function describeKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const size = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyDetails?.modulusLength;
  return size === undefined ? `${asymmetricKeyType}` : `${asymmetricKeyType} ${size}`;
}
