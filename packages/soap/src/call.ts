import type { Agent } from 'node:https';
import { decideRequest, type RequestIdentity, transportOf } from '@clientcert/axios';
import { ClientCertificateError, type ConnectIdentity, type Credentials } from '@clientcert/core';
import {
  acceptCredentials,
  adapterOf,
  agentService,
  isCallersAgent,
  type Loading,
  loadedOf,
  originOf,
  quote,
  quoteOrigin,
  snapshot,
  written,
} from '@clientcert/core/adapter';
import { waitFor } from './loading.ts';
import { plainAddress, type Signature } from './signature.ts';

/** As whom calls are made. */
export interface Identity extends Omit<RequestIdentity, 'check'> {
  readonly credentials: Loading;
}

/**
 * @param callee To whom the credentials were given.
 * @throws ERR_CLIENTCERT_SERVICE_UNKNOWN where the credentials are loaded and have no such service;
 *   ERR_CLIENTCERT_CONFIG_INVALID where they are none; ERR_CLIENTCERT_ORIGIN_NEEDED for an `origin` that is none
 */
export function identify(
  given: unknown,
  service: string | false | undefined,
  origin: string | URL | undefined,
  proxy: ConnectIdentity['proxy'],
  callee: string,
): Identity {
  const credentials = acceptCredentials(given, callee);
  // `null` too, which is no name.
  if (service !== undefined && service !== false) {
    loadedOf(credentials)?.resolve({ host: 'localhost', service });
  }
  return {
    credentials,
    service,
    origin: origin === undefined ? undefined : checkOrigin(origin, callee),
    // The caller's, who may make another of it.
    proxy: snapshot({ proxy }).proxy,
  };
}

/** @throws ERR_CLIENTCERT_ORIGIN_NEEDED, in words of our own: those of `URL` repeat what they are about */
function checkOrigin(written: string | URL, callee: string): string {
  const origin = originOf(written);
  if (origin !== undefined) return origin;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_ORIGIN_NEEDED',
    `${callee}: the origin is ${quoteOrigin(written)}, which is none`,
    { hint: 'Write it with its scheme, such as "https://api.bank.example".' },
  );
}

/** Options of a call, or of the request for a WSDL; node-soap hands all of them to axios. */
export type RequestOptions = Record<string, unknown>;

/** One call, or one request for a WSDL: as whom it is made, and with which options of its own. */
export interface Call {
  readonly identity: Identity;
  /** A copy of the caller's, with what further securities added. */
  readonly options: RequestOptions;
  /** Whether the message is to be signed. */
  readonly isSigned?: boolean | undefined;
  /** Of the message, once it stands. */
  signature?: Signature | undefined;
}

/**
 * The options with which axios makes a call: it transforms a request last of all, after its interceptors, and hands
 * the transformers its config. So the decision is made there, of this one call, by all that axios will go by.
 *
 * @param inherited The transformers that hold where the call brings none.
 */
export function carried(call: Call, inherited: unknown = []): RequestOptions {
  const options = { ...call.options };
  const said = written(options, 'transformRequest');
  const own = said === undefined ? inherited : said;
  const { credentials } = call.identity;
  if (isForNtlm(options)) {
    // NTLM authenticates the connection, so no other user's call may be sent on it.
    const { service, origin, proxy } = call.identity;
    const agentOf = (ready: Credentials) =>
      ready.agent({ service, origin: service ? origin : undefined, proxy, defaultProxy: 'env' });
    const ready = loadedOf(credentials);
    options.httpsAgent = ready ? agentOf(ready) : waitFor(credentials, call.identity.service, agentOf);
  }
  const certify = function (this: AxiosConfig, data: unknown) {
    const ready = loadedOf(credentials);
    if (ready) decide(call, this, ready);
    else decideLater(call, this);
    return data;
  };
  const transformers = Array.isArray(own) ? own : [own].filter(Boolean);
  options.transformRequest = [...transformers, certify];
  return options;
}

/** The same with the last two transformers as one, because axios goes through all headers for each. */
export function withFewer(options: RequestOptions): RequestOptions {
  const all = options.transformRequest as Transformer[];
  const certify = all.at(-1)!;
  const own = all.at(-2);
  if (!own) return options;
  const both: Transformer = function (...given) {
    return certify.call(this, own.apply(this, given));
  };
  options.transformRequest = [...all.slice(0, -2), both];
  return options;
}

/** Whether the call goes over an agent that {@link carried} makes for it alone, with the proxy of its identity. */
function isForNtlm({ ntlm, httpsAgent }: RequestOptions): boolean {
  return Boolean(ntlm) && httpsAgent === undefined;
}

/** Decides by a config of axios', or by options that a client of the caller's own is to send with. */
export function decide(call: Call, config: object, ready: Credentials): void {
  const signature = signatureOf(call);
  const { clientCertificate, httpsAgent } = config as AxiosConfig; // of the caller's own instance
  const inherited = Object.hasOwn(config, 'clientCertificate') ? clientCertificate : undefined;
  const { service = inherited } = call.identity;
  const { clientCertificate: said } = call.options;
  if (said !== undefined && said !== service) throw otherwise(said, service);
  if (signature && isCallersAgent(httpsAgent) && httpsAgent[agentService] !== service) throw otherSigner();
  const proxy = isForNtlm(call.options) ? undefined : call.identity.proxy;
  const { credentials, origin } = call.identity;
  const identity = { credentials, service, origin, proxy };
  // The message goes along for as long as the method is that of the first hop, whichever the options of the call name.
  let first: string | undefined;
  const check = (hop: URL, method: string) => {
    first ??= method;
    signature?.check(ready, hop, method === first ? 'POST' : method, identity);
  };
  decideRequest(config as AxiosConfig, ready, {
    service,
    origin: service ? origin : undefined,
    proxy,
    check: signature && check,
  });
}

/** @throws ERR_CLIENTCERT_SIGNATURE_REFUSED where a message that is to be signed has come to stand without it */
export function signatureOf({ isSigned, signature }: Call): Signature | undefined {
  if (isSigned && !signature) throw unsigned();
  return signature;
}

/** Where they disagree nobody knows which of them is meant. */
function otherwise(said: unknown, service: string | false | undefined): ClientCertificateError {
  const named = (name: unknown) =>
    typeof name === 'string'
      ? `the service ${quote(name, 'name')}`
      : name === false
        ? 'no certificate'
        : 'no name';
  return new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    `the options of the call say ${named(said)} (clientCertificate), and its client is made for ${named(service)}`,
    {
      hint: 'Leave clientCertificate out, and call as another service by a client, or a security, of its own.',
    },
  );
}

/** The connection would be one identity's, and the message another's. */
function otherSigner(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_SIGNATURE_REFUSED',
    'the "httpsAgent" of the call is made for another service than its message is signed as',
    {
      hint: 'Name the service for both, new ClientCertificateSecurity(credentials, { service: …, sign: true }), or leave the agent out.',
    },
  );
}

function unsigned(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_SIGNATURE_REFUSED',
    'the message was to be signed, and was not: another call was made, and failed, while it was written, or a security around that of the call leaves out its postProcess',
    {
      hint: 'Make the other call before or after, or with a security of its own; give further securities as "and".',
    },
  );
}

/** A transformer cannot wait, and an agent can: for a client that was not made with `soapOptions`. */
function decideLater(call: Call, config: AxiosConfig): void {
  const { credentials, service } = call.identity;
  const url = new URL(String(config.url));
  if (signatureOf(call) && url.protocol === 'http:') throw plainAddress(url);
  if (transportOf(config) !== 'http' || config.transport) throw stillLoading(url);
  const later = { ...config };
  const isSecure = url.protocol === 'https:';
  let isDecided = false;
  const agentOf = (ready: Credentials) => {
    if (!isDecided) {
      decide(call, later, ready);
      // That of the caller's own, for which axios would have tunnelled.
      if (isSecure && (later.proxy ?? namesProxy(url, ready))) throw stillLoading(url);
    }
    isDecided = true;
    return later.httpsAgent as Agent;
  };
  const agent = waitFor(credentials, service, agentOf);
  config.httpsAgent = agent;
  config.beforeRedirect = (...hop) => {
    // From http:, where the agent was not asked yet, and axios may have put a proxy in the place of the hop.
    const [{ href, agents, hostname }] = hop;
    const to = new URL(href);
    const ready = loadedOf(credentials);
    if (ready) agentOf(ready);
    else if (
      to.protocol === 'https:' &&
      (agents?.https !== agent || hostname !== to.hostname.replace(/^\[|\]$/g, ''))
    )
      throw stillLoading(to);
    later.beforeRedirect?.(...hop);
  };
  if (isSecure) config.proxy = false;
}

/** Whether the environment does. */
function namesProxy(url: URL, ready: Credentials): boolean {
  return adapterOf(ready).wayId(url, { proxy: 'env', defaultProxy: undefined }) !== '';
}

/** What a transformer of axios' has as `this`. */
export type RequestConfig = Parameters<typeof decideRequest>[0];
type AxiosConfig = RequestConfig;
type Transformer = (this: AxiosConfig, ...given: unknown[]) => unknown;

function stillLoading({ host }: URL): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    `${host}: the certificates are still loading, and only axios’ http adapter, over HTTP/1.1 and without a proxy or transport of its own, can wait`,
    {
      hint: 'Create the client with soapOptions(credentials), which waits, or await loadCredentials() first.',
    },
  );
}
