import type { KeyObject, X509Certificate } from 'node:crypto';
import type { AgentOptions } from 'node:https';
import type { Server } from 'node:tls';
import { inspect } from 'node:util';
import type { RoutingAgent } from '../agent/agent.ts';
import { findProxy, nodeProxySetting } from '../agent/proxy.ts';
import { checkConfig } from '../config/check.ts';
import { type Here, here } from '../config/here.ts';
import { readConfig } from '../config/read.ts';
import type { Facts } from '../diagnose/facts.ts';
import { ClientCertificateError } from '../errors.ts';
import { copyOf, tokenKeyIn } from '../load/stored-certificate.ts';
import { written } from '../own.ts';
import { formatTarget } from '../pin/decision.ts';
import { explain } from '../pin/explain.ts';
import { lentRoots } from '../pin/lent-roots.ts';
import { handOut } from '../pin/resolve.ts';
import { rulesOf } from '../pin/rule.ts';
import { soleCertificate } from '../pin/sole-certificate.ts';
import { parseTarget } from '../pin/target.ts';
import { type Health, healthOf } from '../rotate/health.ts';
import { expiries } from '../rotate/metrics.ts';
import type { ReloadReport } from '../rotate/reloader.ts';
import type { PinnedConnectOptions } from '../tls/profile.ts';
import type { Config, Explanation, Resolution, Target, Warning } from '../types.ts';
import { isUrl } from '../url.ts';
import { AdapterView } from './adapter-view.ts';
import { adapterView } from './brand.ts';
import { factsOfCall } from './call-facts.ts';
import {
  type CertificateInfo,
  describeCertificate,
  describeCredentials,
  pinsByCertificate,
  validityOf,
} from './certificate-info.ts';
import { Connections } from './connections.ts';
import { Decisions } from './decisions.ts';
import { type CredentialsEvents, Events } from './events.ts';
import { endingAuthorities } from './expirables.ts';
import type { ConnectIdentity } from './identity.ts';
import { type Inventory, loadInventory, unverifiable, versionOf } from './inventory.ts';
import { checkRuntime } from './runtime.ts';
import { type ServerOptions, Servers } from './servers.ts';
import { closed, Upkeep } from './upkeep.ts';

/**
 * Loads every certificate of a config, checks it, and pins it to its hosts and services. Nothing is left for
 * later: what cannot be used fails here, before any request.
 *
 * @param config The config, the path or `file:` URL of a JSON file holding it, or nothing: then
 *   `CLIENTCERT_CONFIG` names the file. Paths in a file are relative to it. An object is copied at
 *   once, and what is relative is so to the working directory of the call.
 * @throws ClientCertificateError with a code for what is wrong: the config (`ERR_CLIENTCERT_CONFIG_INVALID`,
 *   `…_HOST_INVALID`, `…_RULE_CONFLICT`, `…_CERTIFICATE_UNKNOWN`, `…_BUNDLE_MISSING`), a file (`…_FILE_NOT_FOUND`,
 *   `…_PASSPHRASE_WRONG`, …) or the pair of key and certificate (`…_KEY_MISMATCH`, …).
 *
 * @example
 * import { loadCredentials } from '@clientcert/core';
 *
 * const credentials = await loadCredentials({
 *   certificates: { bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE } },
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
  return loadFrom(config, here());
}

/** The same, as it was called there. */
export async function loadFrom(config: Config | string | URL | undefined, from: Here): Promise<Credentials> {
  checkRuntime();
  const { config: written, ...place } = await readConfig(config, from);
  return new Credentials(await loadInventory(await checkConfig(written, place)));
}

/** What {@link Credentials.withSigningKey} lends. */
export interface SigningKey {
  /** Name of the certificate in the config. */
  readonly name: string;
  /** For use in `use` alone. */
  readonly privateKey: KeyObject;
  /** The leaf: the certificate of `privateKey`. */
  readonly certificate: X509Certificate;
  /** The intermediates, from the leaf's issuer upwards. */
  readonly chain: readonly X509Certificate[];
}

/**
 * The loaded certificates of a config and the rules that say where each goes: the one object a user holds.
 * Keys, passphrases and contexts are in private fields; printing it shows names and rules.
 */
export class Credentials<CertificateName extends string = string, ServiceName extends string = string> {
  readonly #events = new Events();
  readonly #upkeep: Upkeep;
  readonly #decisions: Decisions;
  readonly #adapter: AdapterView;
  readonly #servers: Servers;

  /** @internal */
  constructor(inventory: Inventory) {
    const connections = new Connections();
    this.#upkeep = new Upkeep(inventory, connections, this.#events);
    this.#decisions = new Decisions(this.#upkeep, connections);
    this.#adapter = new AdapterView(this.#decisions, this.#upkeep, connections);
    this.#servers = new Servers(this.#upkeep, this.#events);
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
    return handOut(this.#decisions.resolve(target));
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
      lending: (resolution) => lentRoots(resolution, (name) => certificates.get(name)?.material).from,
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
   * An `https.Agent` that sends each host the certificate that is pinned to it, for `node:https` and every client that
   * takes an agent. Connections are kept alive unless `keepAlive: false` says otherwise, with TCP keep-alive after
   * a minute of silence unless `keepAliveMsecs` does.
   *
   * @throws ERR_CLIENTCERT_SERVICE_UNKNOWN; ERR_CLIENTCERT_ORIGIN_NEEDED for a service without `hosts` and no `origin`;
   *   ERR_CLIENTCERT_AGENT_CONFLICT where something in the process forces every request over another agent
   * @see https://nodejs.org/api/https.html#class-httpsagent
   */
  agent(options: ConnectIdentity<ServiceName> & AgentOptions = {}): RoutingAgent {
    return this.#adapter.agent(options);
  }

  /**
   * Options of `tls.connect` for a target, for any client that speaks TLS itself: nothing secret is on them.
   *
   * @throws ERR_CLIENTCERT_HOST_INVALID, ERR_CLIENTCERT_SERVICE_UNKNOWN, ERR_CLIENTCERT_CERTIFICATE_REFUSED;
   *   ERR_CLIENTCERT_VERIFICATION_OFF for a rule with `required` that accepts any server;
   *   ERR_CLIENTCERT_BUNDLE_MISSING for one whose `server` is in a trust domain without roots
   */
  connectOptions(target: Target<ServiceName>): PinnedConnectOptions {
    return this.#decisions.connectOptions(target);
  }

  /**
   * Has a server of your own present a certificate of the config, to clients with and without a server name (SNI), and
   * each renewed version from its `rotate` event on. Connections that there are go on; TLS sessions of before are not
   * resumed, whoever keeps them. What the server was created with (`ca` without `clientCa`,
   * `requestCert`, `ciphers`, …) stays, apart from its `key`, `cert` and `pfx`; names that `addContext` or an `SNICallback`
   * gave a certificate keep that. After `close()` it keeps presenting what it presents, and so it does where a new config
   * drops the certificate, which is an `error` event.
   *
   * @param server What `https.createServer`, `http2.createSecureServer` or `tls.createServer` returned. It is not kept
   *   alive. Where it presents another certificate already, of these credentials or others, this takes its place.
   * @param certificate Its name in the config.
   * @param options Which clients are let in.
   * @throws ERR_CLIENTCERT_CERTIFICATE_REFUSED where its extended key usage does not allow it, or OpenSSL does not take
   *   it: of a renewed version that is an `error` event, and the one before stays; ERR_CLIENTCERT_CERTIFICATE_UNKNOWN,
   *   ERR_CLIENTCERT_CONFIG_INVALID, ERR_CLIENTCERT_CLOSED, or why it could not be loaded (`allowBroken`)
   * @see https://nodejs.org/api/tls.html#serversetsecurecontextoptions
   *
   * @example
   * import { createServer } from 'node:https';
   * import { loadCredentials } from '@clientcert/core';
   *
   * const credentials = await loadCredentials('clientcert.json');
   * const server = createServer((request, response) => response.end('hello'));
   * credentials.secureServer(server, 'workload');
   * server.listen(8443);
   */
  secureServer(server: Server, certificate: CertificateName, options?: ServerOptions): void {
    this.#servers.secure(server, certificate, options);
  }

  /**
   * Lends the private key of the certificate that is sent to a target, to sign a message to it. This is the one
   * way to a key: `use` must keep nothing of it.
   *
   * @param target Where the message goes. Without a host: the certificate of the service, or the only one that
   *   any host rule names.
   * @returns What `use` returns; with the certificate as it is now, renewals included.
   * @throws ERR_CLIENTCERT_SIGNATURE_REFUSED where none is sent to the target; ERR_CLIENTCERT_SIGNATURE_UNSUPPORTED
   *   where an `engine` reaches the key, which signs in TLS alone;
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
    if (this.#upkeep.closed) throw closed();
    const name = this.#signerFor(target);
    const { material } = versionOf(this.#inventory, name);
    const token = tokenKeyIn(material);
    if (token?.way === 'engine') throw signsInTlsAlone(name, token.label);
    const { privateKey, certificate, chain } = material;
    return use({ name, privateKey, certificate: copyOf(certificate), chain: chain.map(copyOf) });
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
   * resolves new connections use what is new, idle connections of the old are closed, and what is under way
   * finishes: a connection that is being made then may send the old, and serves one request at most.
   *
   * Without a config, what cannot be read or would not work keeps its old version, and the report says so. With
   * one, either all of it is taken or nothing: certificates and roots whose source is the same keep their connections, and
   * are read again only where their files have changed, or the last reading failed.
   *
   * @param config As for `loadCredentials`.
   * @returns The names that changed, that did not, and that failed, each of those with its error.
   * @throws what `loadCredentials` throws, where a new config is itself invalid or names what cannot be
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
    const { proxy, certificates, config } = this.#inventory;
    const used = new Set<unknown>(rulesOf(config.pins).map(({ certificate }) => certificate));
    if (typeof proxy === 'object') used.add(proxy.certificate);
    const records = [...certificates.values()].map(({ name, material }) => ({
      name,
      ...validityOf(material, config),
      used: used.has(name),
    }));
    const authorities = endingAuthorities(this.#inventory).map((each) => ({
      ...each,
      used: used.has(each.name),
    }));
    const broken = [...this.#inventory.broken].map(([name, { message }]) => ({
      name,
      message,
      used: used.has(name),
    }));
    const unverified = unverifiable(this.#inventory);
    return healthOf(records, authorities, broken, unverified, this.#upkeep.failures(), this.#upkeep.closed);
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
    const ofConfig = this.#inventory.config.warnings.map((each) => ({ ...each }));
    return [...ofConfig, ...ofCertificates];
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
    this.#upkeep.close();
    this.#servers.close();
    await this.#adapter.close();
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
      // For adapters, which find it over two copies of this package; a user's editor does not show it.
      [adapterView]: {
        get(this: Credentials) {
          return this.#adapter;
        },
      },
      // Asked by `diagnose`, of another copy of this package as well.
      [Symbol.for('clientcert.facts')]: {
        value(this: Credentials, url: URL, service?: string | false, origin?: string): Facts | undefined {
          return factsOfCall(this.#decisions, this.#upkeep, url, service, origin);
        },
      },
      // Asked by `registerMetrics` at every scrape.
      [expiries]: {
        value(this: Credentials) {
          const { certificates, config } = this.#inventory;
          return [...certificates.values()].map(({ name, material }) => ({
            name,
            validTo: validityOf(material, config).validTo,
          }));
        },
      },
      // What `console.log` prints: names, dates and rules. The prototype itself is no credentials.
      [inspect.custom]: {
        value(this: Credentials) {
          return #upkeep in this ? describe(this) : 'Credentials {}';
        },
      },
    });
  }

  #signerFor(target: Target<ServiceName> | { host?: undefined; service?: ServiceName | undefined }): string {
    if (typeof target === 'object' && !isUrl(target) && written(target, 'host') === undefined) {
      const sole = soleCertificate(this.#inventory.table, written(target, 'service'));
      if (sole !== undefined) return sole;
      throw new ClientCertificateError(
        'ERR_CLIENTCERT_ORIGIN_NEEDED',
        'which certificate signs the message depends on where it goes, and no origin was named',
        { hint: 'Name the origin it goes to, or a service that has a certificate.' },
      );
    }
    const { certificate, rule } = this.#decisions.resolve(target as Target<ServiceName>);
    if (certificate !== null) return certificate;
    const place = formatTarget(parseTarget(target as Target<ServiceName>));
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_SIGNATURE_REFUSED',
      rule === 'none'
        ? `${place}: the message is to be signed for a place that no rule names a certificate for`
        : `${place}, ${rule}: the message is to be signed for a place that is presented with no certificate`,
      { hint: 'Pin a certificate to its host, or sign nothing that goes there.' },
    );
  }
}

function signsInTlsAlone(name: string, token: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_SIGNATURE_UNSUPPORTED',
    `certificate "${name}" (${token}): its key is reached through an OpenSSL engine, which signs in TLS alone`,
    {
      hint: "Load OpenSSL's pkcs11-provider, with which node:crypto signs too: node --openssl-config=openssl.cnf. Or sign with a certificate whose key is in a file.",
    },
  );
}
