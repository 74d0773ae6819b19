import type { ClientRequest } from 'node:http';
import type { Agent } from 'node:https';
import {
  acceptCredentials,
  type ConnectIdentity,
  type Credentials,
  isRoutingAgent,
  type Loading,
  loadedOf,
} from '@clientcert/core';
import { CallAgent, RefusingAgent } from './agent.ts';
import { whenLoaded } from './loading.ts';
import { readProxy } from './proxy.ts';
import { agentOf, type BeforeRedirect, goDirect, type Redirect } from './redirect.ts';
import type { Signature } from './signature.ts';

/** As whom calls are made. */
export interface Identity {
  readonly credentials: Loading;
  readonly service: string | false | undefined;
  /** The origin that the caller named: where a service without `hosts` applies. */
  readonly origin: string | undefined;
  readonly proxy: ConnectIdentity['proxy'];
}

/**
 * @param callee To whom the credentials were given.
 * @throws ERR_CLIENTCERT_SERVICE_UNKNOWN where the credentials are loaded and have no such service;
 *   ERR_CLIENTCERT_CONFIG_INVALID where they are none
 */
export function identify(
  given: Loading,
  { service, origin, proxy }: ConnectIdentity,
  callee: string,
): Identity {
  const credentials = acceptCredentials(given, callee);
  if (service) loadedOf(credentials)?.resolve({ host: 'localhost', service });
  return { credentials, service, origin: origin === undefined ? undefined : new URL(origin).origin, proxy };
}

/** Options of a call, or of the request for a WSDL; node-soap hands all of them to axios. */
export type RequestOptions = Record<string, unknown>;

/** A host that is called, and as whom: what core decides by. */
export type CallTarget = Pick<Identity, 'service' | 'origin'> & { host: string; port: number | string };

/**
 * One call, or one request for a WSDL: as whom it is made, and what its caller brought.
 *
 * node-soap hands a security the options of a call and not its address. So the agent that is set on them decides
 * when a host is dialled, for every hop anew.
 */
export class Call {
  identity: Identity;
  /** Of the message, where it is to be signed. */
  signature: Signature | undefined;
  readonly #brought: RequestOptions;
  readonly #ours: RequestOptions;
  readonly #alone: boolean;
  #chosen: { from: Credentials; agent: Agent } | undefined;
  #hop: { credentials: Credentials; target: CallTarget } | undefined;
  #plain = false;

  constructor(identity: Identity, options: RequestOptions, signed = false) {
    this.identity = identity;
    // On options that are used again stands what an earlier call set.
    const before = calls.get(options.httpsAgent as object);
    this.#brought = {};
    for (const name of [...setOptions, ...identityOptions]) {
      const ours = before && options[name] === before.#ours[name];
      this.#brought[name] = ours ? before.#brought[name] : options[name];
    }
    // NTLM authenticates the connection, so no other user's call may be sent on it.
    this.#alone = Boolean(options.ntlm);
    this.#ours = {
      httpsAgent: new CallAgent((request, host, port) => this.#admit(request, host, port)),
      proxy: false,
      beforeRedirect: (to: Redirect, ...details: unknown[]) => this.#redirect(to, details),
      httpAgent: signed ? new RefusingAgent() : this.#brought.httpAgent,
    };
    calls.set(this.#ours.httpsAgent as object, this);
  }

  /** Takes what the caller has set for every call, as `defaults` of an axios instance. */
  inherit(defaults: RequestOptions): void {
    for (const name of [...setOptions, ...identityOptions]) this.#brought[name] ??= defaults[name];
  }

  /** Sets what carries the call. The proxy for a plain `http:` address remains the caller's. */
  apply(options: RequestOptions, plain = false): void {
    for (const name of setOptions) options[name] = this.#ours[name];
    if (plain) options.proxy = this.#brought.proxy;
    this.#plain = plain;
  }

  /** Leaves the call to what its caller brought, as far as no redirect leads to a host where a rule decides. */
  yieldTo(options: RequestOptions, credentials: Credentials): void {
    for (const name of setOptions) options[name] = this.#brought[name];
    options.beforeRedirect = (to: Redirect, ...details: unknown[]) => {
      const { protocol, hostname, port } = new URL(to.href);
      if (protocol === 'https:') this.usesOwn(credentials, this.at(hostname, port || 443));
      (this.#brought.beforeRedirect as BeforeRedirect | undefined)?.(to, ...details);
    };
  }

  at(host: string, port: number | string): CallTarget {
    const { service, origin } = this.identity;
    return { host, port, service, origin };
  }

  /**
   * Whether the caller brought an agent or certificate of their own, to a host where that is theirs to do.
   *
   * @throws ERR_CLIENTCERT_AGENT_CONFLICT where a rule decides
   */
  usesOwn(credentials: Credentials, target: CallTarget): boolean {
    const own = identityOptions.find((name) => this.#brought[name] != null);
    if (own === undefined || isRoutingAgent(this.#brought[own])) return false;
    credentials.refuseOwn(target, own);
    return true;
  }

  #admit(request: ClientRequest, host: string, port: number | string): Agent | Promise<Agent> {
    return whenLoaded(this.identity.credentials, (credentials) => {
      const target = this.at(host, port);
      this.usesOwn(credentials, target);
      if (request.method === 'POST') this.signature?.check(credentials, target);
      this.#hop = { credentials, target };
      return (this.#brought.httpsAgent as Agent | undefined) ?? this.#agentOf(credentials);
    });
  }

  #agentOf(credentials: Credentials): Agent {
    if (this.#chosen?.from === credentials) return this.#chosen.agent;
    const {
      service,
      origin,
      proxy = readProxy(this.#brought.proxy as object | false | undefined),
    } = this.identity;
    const identity: ConnectIdentity = {
      service,
      origin: service ? origin : undefined,
      proxy,
      defaultProxy: 'env',
    };
    const agent = this.#alone ? credentials.agent(identity) : credentials.sharedAgent(identity);
    this.#chosen = { from: credentials, agent };
    return agent;
  }

  #redirect(to: Redirect, details: unknown[]): void {
    const { protocol, hostname, port } = new URL(to.href);
    const { httpsAgent } = this.#ours;
    if (this.#hop) this.#hop.credentials.checkRedirect(this.#hop.target, to.href);
    if (this.#plain && protocol === 'https:') goDirect(to, httpsAgent);
    (this.#brought.beforeRedirect as BeforeRedirect | undefined)?.(to, ...details);
    const credentials = loadedOf(this.identity.credentials);
    const agent = agentOf(to);
    if (protocol !== 'https:' || agent === httpsAgent || isRoutingAgent(agent) || !credentials) return;
    credentials.refuseOwn(this.at(hostname, port || 443), 'beforeRedirect');
  }
}

/** The call that a security has set on these options. */
export function callOf(options: RequestOptions): Call | undefined {
  return calls.get(options.httpsAgent as object);
}

const calls = new WeakMap<object, Call>();

/** What a call sets of axios' options. */
const setOptions = ['httpsAgent', 'httpAgent', 'proxy', 'beforeRedirect'] as const;
/** With what a caller, or node-soap's own securities, bring a certificate. */
const identityOptions = ['httpsAgent', 'pfx', 'cert', 'key'] as const;
