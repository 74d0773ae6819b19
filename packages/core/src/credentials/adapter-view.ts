import type { AgentOptions } from 'node:https';
import { isIP } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { type Route, RoutingAgent } from '../agent/agent.ts';
import { sharedAgent } from '../agent/brand.ts';
import { checkCaller, refuseOwnIdentity } from '../agent/caller-check.ts';
import { type CallerOptions, describeOwn, ownOptions } from '../agent/caller-options.ts';
import { dial } from '../agent/dial.ts';
import type { Identity } from '../agent/dispatchers.ts';
import { checkAsked } from '../agent/forced-agent.ts';
import { nodeProxies } from '../agent/node-proxies.ts';
import { wayOf } from '../agent/pool-name.ts';
import { ClientCertificateError } from '../errors.ts';
import { acceptOptions, fixedProxy, snapshot, written } from '../own.ts';
import { formatTarget } from '../pin/decision.ts';
import { checkService } from '../pin/service-name.ts';
import { parseOrigin, parseTarget } from '../pin/target.ts';
import { describeValue } from '../tls/digest.ts';
import type { Resolution, Target } from '../types.ts';
import type { Connections, Retirable } from './connections.ts';
import type { Decisions } from './decisions.ts';
import type { ConnectIdentity } from './identity.ts';
import { namedBy } from './inventory.ts';
import { proxyChooser } from './proxy-choice.ts';
import type { Upkeep } from './upkeep.ts';

/**
 * Credentials as an adapter sees them: it hands over whom the caller names and where a request goes, and what is
 * decided here is all there is to decide.
 */
export class AdapterView {
  readonly #decisions: Decisions;
  readonly #upkeep: Upkeep;
  readonly #connections: Connections;
  /** Those that Node's own agents went through last. */
  #proxies = nodeProxies();
  readonly #shared = new Map<string, RoutingAgent>();
  #lastShared: (ConnectIdentity & { readonly agent: RoutingAgent }) | undefined;

  /** @internal */
  constructor(decisions: Decisions, upkeep: Upkeep, connections: Connections) {
    this.#decisions = decisions;
    this.#upkeep = upkeep;
    this.#connections = connections;
  }

  /**
   * As `Credentials.resolve`: what holds for a target.
   *
   * @throws ERR_CLIENTCERT_HOST_INVALID, ERR_CLIENTCERT_SERVICE_UNKNOWN
   */
  resolve(target: Target): Resolution {
    return this.#decisions.resolve(target);
  }

  /** As `Credentials.agent`: an agent of the caller's own. */
  agent(options: ConnectIdentity & AgentOptions = {}): RoutingAgent {
    checkAsked();
    const { service, origin, proxy, defaultProxy, ...rest } = acceptOptions(options, 'agent()');
    const agentOptions = snapshot<AgentOptions>(rest); // which inherits nothing
    if ((agentOptions as { proxyEnv?: object }).proxyEnv) throw otherProxies();
    const connections = this.#connections;
    const route: Route = {
      decide: this.#decisions.decider(service, origin),
      service,
      proxy: proxyChooser(this.#decisions, proxy, defaultProxy),
      observe: this.#upkeep.observer,
      get generation() {
        return connections.generation;
      },
      get lastGeneration() {
        return connections.lastGeneration;
      },
      adopt: (agent) => connections.adopt(agent),
    };
    // Node's own delay is a second. axios sets a minute for every request: between the two, each request would
    // switch its socket to and fro, with system calls that take longer than all that is done here.
    return new RoutingAgent(route, { keepAlive: true, keepAliveMsecs: 60_000, ...agentOptions });
  }

  /**
   * The agent for this identity, the same one each time: what to hand to a client that takes an `https.Agent`. It shows
   * that it is none of the caller's (`isCallersAgent`).
   *
   * @throws ERR_CLIENTCERT_SERVICE_UNKNOWN; ERR_CLIENTCERT_ORIGIN_NEEDED for a service without `hosts` and no `origin`;
   *   ERR_CLIENTCERT_AGENT_CONFLICT where every request is forced over another agent
   */
  sharedAgent(options: ConnectIdentity): RoutingAgent {
    checkAsked();
    const service = written(options, 'service');
    const origin = written(options, 'origin');
    const proxy = written(options, 'proxy');
    const defaultProxy = written(options, 'defaultProxy');
    // Most calls are made as the one before.
    const last = this.#lastShared;
    if (last && last.service === service && last.origin === origin) {
      if (last.proxy === proxy && last.defaultProxy === defaultProxy) return last.agent;
    }
    checkService(service);
    // Read once, for the name and for the agent alike: an object may say something else the next time.
    const from = typeof origin === 'object' ? formatTarget(parseOrigin(origin)) : origin;
    const way = fixedProxy(proxy) as ConnectIdentity['proxy'];
    const key = JSON.stringify([service, from, way && describeValue(way), defaultProxy]);
    let agent = this.#shared.get(key);
    if (!agent) {
      const [oldest] = this.#shared.keys();
      if (oldest !== undefined && this.#shared.size >= maxSharedAgents) this.#shared.delete(oldest);
      agent = this.agent({ service, origin: from, proxy: way, defaultProxy });
      Object.defineProperty(agent, sharedAgent, { value: true });
      this.#shared.set(key, agent);
    }
    const isFixed = typeof origin !== 'object' && typeof proxy !== 'object';
    this.#lastShared = isFixed ? { service, origin, proxy, defaultProxy, agent } : undefined;
    return agent;
  }

  /**
   * Connects to a host with what is pinned to it, through the proxy if there is one: for clients that pool
   * connections themselves. Such a client must keep connections apart by {@link profileId} and {@link wayId}.
   *
   * @param options The host and port, as whom, and further options of `tls.connect`.
   * @throws ERR_CLIENTCERT_AGENT_CONFLICT, ERR_CLIENTCERT_VERIFICATION_OFF for options that the rule does not allow
   */
  connect(options: ConnectIdentity & ConnectionOptions): TLSSocket {
    const { service, origin, proxy, defaultProxy, ...rest } = snapshot(options);
    const given = snapshot(rest);
    const { host = 'localhost', port = 443, servername = isIP(host) === 0 ? host : '' } = given;
    const profile = this.#decisions.decider(service, origin)(host, port);
    if (given.path) return connectUnix(given, service ? 'service' : given.host, profile.resolution);
    const own = ownOptions(given as CallerOptions);
    if (own) checkCaller(profile.resolution, own);
    const pool = `${host}:${port}:${servername}:${profile.contexts.id}${describeOwn(own)}`;
    return dial(
      {
        profile,
        host,
        port,
        proxy: proxyChooser(this.#decisions, proxy, defaultProxy)(host, port),
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
  profileId(target: Target): string {
    return this.#decisions.profileOf(this.resolve(target)).contexts.id;
  }

  /**
   * What tells the way to a target from others: its proxy, with what is presented and said to that; never secret. Such a
   * client keeps connections apart by it as well.
   *
   * @throws ERR_CLIENTCERT_PROXY_UNSUPPORTED
   */
  wayId(target: Target, identity: Pick<Identity, 'proxy'> & Pick<ConnectIdentity, 'defaultProxy'>): string {
    const { proxy, defaultProxy } = snapshot(identity);
    const { host, port } = parseTarget(target);
    const written = proxy as ConnectIdentity['proxy'];
    return wayOf(proxyChooser(this.#decisions, written, defaultProxy)(host, port));
  }

  /**
   * Whether it can be told where a service applies, by the config of now: for clients that keep connections.
   *
   * @throws ERR_CLIENTCERT_ORIGIN_NEEDED for a service without `hosts` and no `origin`; ERR_CLIENTCERT_SERVICE_UNKNOWN
   */
  checkOrigin({ service, origin }: Pick<ConnectIdentity, 'service' | 'origin'>): void {
    this.#decisions.decider(service, origin);
  }

  /**
   * Refuses a call to `http:` as a service that says `required`, or whose host does: there is no handshake in which it could
   * be kept.
   *
   * @param to Where it goes; where that is `https:` all is well.
   * @throws ERR_CLIENTCERT_NOT_REQUESTED, ERR_CLIENTCERT_SERVICE_UNKNOWN
   */
  checkPlain({ service, origin }: Pick<ConnectIdentity, 'service' | 'origin'>, to: string | URL): void {
    this.#decisions.checkPlain(service, origin, to);
  }

  /**
   * SHA-256 fingerprint of the certificate that a target is presented with, as it is now, or `null` for none: for clients
   * that keep answers, which are those to one certificate. Of one that could not be loaded it is the name.
   *
   * @throws ERR_CLIENTCERT_HOST_INVALID, ERR_CLIENTCERT_SERVICE_UNKNOWN
   */
  fingerprint(target: Target): string | null {
    const { certificate } = this.resolve(target);
    const version = namedBy({ certificate }, this.#decisions.inventory.certificates);
    return version?.material.certificate.fingerprint256 ?? certificate;
  }

  /**
   * A number that changes with every renewal, new config and `close`, and where Node's own agents are given other proxies:
   * while it is the same, every decision is, and an adapter may keep what it was told.
   */
  get generation(): number {
    const proxies = nodeProxies();
    if (proxies !== this.#proxies) this.#connections.generation += 1;
    this.#proxies = proxies;
    return this.#connections.generation;
  }

  /** Whether the config says which proxy to use, `false` included; for clients with proxies of their own. */
  get decidesProxy(): boolean {
    return this.#decisions.inventory.proxy !== undefined;
  }

  /** Whether the config names a proxy, the environment's included: every https host is reached through it, or `NO_PROXY` says so. */
  get namesProxy(): boolean {
    return this.decidesProxy && this.#decisions.inventory.proxy !== false;
  }

  /** Has pools that a client keeps itself told of renewals, new configs and `close`. They are held weakly. */
  adopt(pools: Retirable): void {
    this.#connections.adopt(pools);
  }

  /**
   * Refuses a redirect from https to http for a call that sent a certificate, unless its rule says
   * `allowDowngrade`; for clients that let an adapter see redirects.
   *
   * @throws ERR_CLIENTCERT_DOWNGRADE
   */
  checkRedirect(from: Target, to: string | URL): void {
    const { certificate, rule, allowDowngrade } = this.resolve(from);
    if (certificate === null || allowDowngrade || parseOrigin(to).secure) return;
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_DOWNGRADE',
      `${rule}: the server redirects a call that presented certificate "${certificate}" to http:`,
      { hint: 'Call the https address, or write allowDowngrade: true on the rule if http is really meant.' },
    );
  }

  /**
   * Refuses an agent, dispatcher, certificate or key of the caller's own where a rule decides.
   *
   * @param option What the caller's client calls it, e.g. `httpsAgent`.
   * @throws ERR_CLIENTCERT_AGENT_CONFLICT
   */
  refuseOwn(target: Target, option: string): void {
    refuseOwnIdentity(this.resolve(target), option);
  }

  /** @internal */
  async close(): Promise<void> {
    this.#shared.clear();
    this.#lastShared = undefined;
    await this.#connections.close();
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

const maxSharedAgents = 1000;
