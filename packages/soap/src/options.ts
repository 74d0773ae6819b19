import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ClientCertificateError, type ConnectIdentity, type Credentials } from '@clientcert/core';
import {
  acceptOptions,
  type CallSignal,
  loadedOf,
  snapshot,
  withDiagnosis,
  written,
} from '@clientcert/core/adapter';
import {
  type Client,
  HttpClient,
  type IHeaders,
  type IHttpClient,
  type IOptions,
  type ISecurity,
} from 'soap';
import { clientAsCalled, headersAsCalled, optionsAsCalled, type SoapHttpClient } from './as-called.ts';
import {
  type Call,
  carried,
  decide,
  type Identity,
  identify,
  type RequestOptions,
  signatureOf,
  withFewer,
} from './call.ts';
import { documentsOf } from './documents.ts';
import { callOf as callMadeWith, notCarried, ownOf } from './lent-options.ts';
import { whenCompared, whenLoaded } from './loading.ts';
import { importHook, originOfCall, originOfDocument } from './named-origin.ts';
import { ClientCertificateSecurity } from './security.ts';
import { plainAddress } from './signature.ts';

/** node-soap's options, and as whom the WSDL is fetched and calls are made. */
export interface SoapOptions<ServiceName extends string = string> extends IOptions {
  /** As this service of the config; with `false`, with no certificate. */
  service?: ServiceName | false | undefined;
  /** Where a service without `hosts` applies, whatever the WSDL says. */
  origin?: string | URL | undefined;
  /** `'env'`, a proxy's URL, or `false`; in place of what the config, or the environment, says. */
  proxy?: ConnectIdentity['proxy'];
}

/**
 * Options of `soap.createClientAsync` with which the WSDL, what it imports and every call are each made with the
 * certificate that their own host is pinned to.
 *
 * @param credentials What `loadCredentials` returned, or the promise of it: requests wait for it, and where
 *   loading failed each of them fails with that error.
 * @param options node-soap's own options, beside `service`, `origin` and `proxy`.
 * @throws ERR_CLIENTCERT_SERVICE_UNKNOWN where the credentials are loaded and have no such service;
 *   ERR_CLIENTCERT_CONFIG_INVALID for `sign`, which is an option of `ClientCertificateSecurity`
 *
 * @example
 * import soap from 'soap';
 * import { loadCredentials, soapOptions } from '@clientcert/soap';
 *
 * const credentials = await loadCredentials('clientcert.json');
 * const client = await soap.createClientAsync('https://api.bank.example/payments?wsdl', soapOptions(credentials));
 */
export function soapOptions<ServiceName extends string>(
  credentials: Credentials<string, ServiceName> | Promise<Credentials<string, ServiceName>>,
  options: SoapOptions<NoInfer<ServiceName>> = {},
): IOptions {
  const { service, origin, proxy, ...rest } = acceptOptions(options, 'soapOptions()');
  const own = snapshot<IOptions>(rest); // which inherits nothing
  if ('sign' in own) throw notSigned();
  // The caller's own objects, and no copies: what they do may change.
  const httpClient = written(options, 'httpClient');
  const wsdlCache = written(options, 'wsdlCache');
  const sender = httpClient ?? own.request ?? credentials;
  if (certified in Object(sender)) throw madeBefore();
  const identity = identify(credentials, service, origin, proxy, 'soapOptions()');
  const { overrideImportLocation } = snapshot(own.wsdl_options ?? {});
  return {
    ...own,
    endpoint: own.endpoint as string, // there even where it is nothing: node-soap reads what every object inherits
    wsdlCache: wsdlCache ?? documentsOf(identity, sender),
    wsdl_options: { ...own.wsdl_options, overrideImportLocation: importHook(overrideImportLocation) },
    httpClient: certify(
      httpClient ?? new HttpClient(own),
      identity,
      own.endpoint,
      !httpClient && !own.request,
    ),
  };
}

/** Nobody is to believe that a message is signed. */
function notSigned(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    'soapOptions() signs no messages, and was given "sign"',
    { hint: 'client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true })) signs them.' },
  );
}

/** Calls would be made as what those were made for, and not as it is said now. */
function madeBefore(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    'soapOptions() was given what another soapOptions() returned',
    {
      hint: 'Give it node-soap’s own options, and spread what it returns last: { disableCache: true, ...soapOptions(credentials) }.',
    },
  );
}

/**
 * node-soap's HTTP client, through which all its requests go, with a decision for each of them.
 *
 * @param isPlain Whether it certainly sends through an axios that nobody else has installed anything on.
 */
function certify(
  inner: SoapHttpClient,
  identity: Identity,
  endpoint: string | undefined,
  isPlain: boolean,
): IHttpClient {
  /** What stands on the caller's objects is read at once, before anything is waited for. */
  const callOf = (url: string, given: RequestOptions, headers: IHeaders = {}, client?: Client) => {
    const made = client && callMadeWith(headers, given);
    if (!made && client && securityOf(client) instanceof ClientCertificateSecurity) throw notCarried();
    const copy = headersAsCalled(headers); // a security of another copy waits for them to be read
    const call: Call = made ?? { identity, options: ownOf(given) };
    const { credentials, service, proxy = identity.proxy, ...as } = call.identity;
    const named = () =>
      client ? originOfCall(url, client, endpoint) : originOfDocument(url, snapshot(given));
    // Read for a service that may be found only later.
    const origin = as.origin ?? identity.origin ?? ((service ?? identity.service) ? named() : undefined);
    const waits = !loadedOf(credentials) || !loadedOf(identity.credentials);
    const { isSigned, signature } = call;
    return {
      isSigned,
      signature,
      sender: waits && !isPlain ? clientAsCalled(inner) : inner,
      headers: copy,
      options: waits ? optionsAsCalled(call.options) : snapshot(call.options),
      identity: { credentials, service, origin, proxy },
    };
  };

  type Made = ReturnType<typeof callOf>;

  /** Where the call names no service, that of these options holds for it, if it is made with the same credentials. */
  const whenReady = <Result>(call: Made, go: (ready: Credentials, call: Made) => Result) => {
    const signal = signalOf(call);
    const { service } = identity;
    return whenLoaded(call.identity.credentials, signal, (ready) => {
      // No promise of them, of which another copy of this package knows whether it is kept.
      const made = { ...call, identity: { ...call.identity, credentials: ready } };
      if (service === undefined || call.identity.service !== undefined) return go(ready, made);
      const inherited = { ...made, identity: { ...made.identity, service } };
      return whenCompared(ready, identity.credentials, signal, (areSame) =>
        go(ready, areSame ? inherited : made),
      );
    });
  };

  const prepare = (url: string, message: unknown, call: Made, ready: Credentials, client?: Client) => {
    const { identity } = call;
    const signature = signatureOf(call);
    const to = new URL(url);
    let sent = message;
    if (signature) {
      if (to.protocol !== 'https:') throw plainAddress(to);
      if (!signature.isFor(ready, to, identity)) {
        sent = signature.sign(ready, to, identity);
        const { postProcess } = call.options;
        if (typeof postProcess === 'function') sent = postProcess.call(call.options, sent);
        if (client) client.lastRequest = sent as string;
      }
    }
    const { defaults } = call.sender._request ?? {};
    const options = withFewer(carried(call, defaults?.transformRequest));
    if (!isPlain) {
      // By what is known here: what the caller brings sends otherwise than through axios, or has interceptors that take
      // transformers off. NTLM has an instance of its own.
      const inherited = options.ntlm ? undefined : defaults;
      // As node-soap and axios put them together: the options of a call may name another address, or method.
      const merged: RequestOptions = { ...inherited, url, method: message ? 'POST' : 'GET' };
      for (const name of Object.keys(options)) if (options[name] !== undefined) merged[name] = options[name];
      decide(call, merged, ready);
      for (const name of decided) options[name] = merged[name];
    }
    return { sent, options };
  };

  const explained = (error: unknown, url: string, { identity: { credentials, service } }: Made) =>
    withDiagnosis(error, { credentials: loadedOf(credentials), url, service });

  const { requestStream } = inner;
  const outer: IHttpClient = {
    request(url, data, callback, headers, given = {}, client) {
      const fail = (error: unknown) => process.nextTick(callback, error);
      let call: Made;
      try {
        call = callOf(url, given, headers, client);
      } catch (error) {
        fail(error);
        return undefined as never;
      }
      const explain = (error: unknown): void => void explained(error, url, call);
      const answered: typeof callback = (error, response, body) => {
        if (error) explain(error);
        if (!client || !(response?.status >= 400)) return callback(error, response, body);
        // node-soap makes its error of an answer in the callback, and shows it here first.
        listen.call(client, 'soapError', explain);
        try {
          callback(error, response, body);
        } finally {
          cease.call(client, 'soapError', explain);
        }
      };
      const send = (ready: Credentials, made: Made) => {
        call = made;
        const { sent, options } = prepare(url, data, call, ready, client);
        return () => call.sender.request(url, sent, answered, call.headers, options, client);
      };
      // What was sent is reported by node-soap, the rest here; in a turn of its own, so that what a callback
      // throws is its caller's.
      return attempt(() => whenReady(call, send), fail, client !== undefined) as SoapAnswer;
    },
    ...(requestStream && {
      async requestStream(url, data, headers, given = {}, client) {
        const made = callOf(url, given, headers, client);
        const [ready, call] = await whenReady(made, (loaded, certain) => [loaded, certain] as const);
        const { sent, options } = prepare(url, data, call, ready, client);
        const response = await requestStream
          .call(call.sender, url, sent, call.headers, options, client)
          .catch((error: unknown) => Promise.reject(explained(error, url, call)));
        // What axios' fetch adapter brings is none that node-soap could read, and nothing where there is no body.
        const answer = (response.data ?? []) as Readable | AsyncIterable<Uint8Array> | [];
        const whole = 'pipe' in answer ? answer : Readable.from(answer, { objectMode: false });
        // node-soap reads all of what is no answer, and nobody would catch that it was cut off, nor hear that it is by now.
        const isToRead = response.status === 200 && !whole.destroyed;
        const body = isToRead ? whole : Readable.from([await text(whole)]);
        standAtCut(body);
        return Object.assign(response, { data: body });
      },
    }),
  };
  return Object.defineProperty(outer, certified, { value: true });
}

/** On clients of `soapOptions`, of whichever copy of this package. */
const certified: unique symbol = Symbol.for('clientcert.soap.certified') as never;

/** The client's own methods may be operations: node-soap writes these on it by their names. */
const { addListener: listen, removeListener: cease } = EventEmitter.prototype;

/**
 * Goes on at once where that is possible, as node-soap's own client does.
 *
 * @param isCall Whether what sending throws is thrown on: a document is asked for in turns of node-soap's own as well, where
 *   nobody would catch it.
 */
function attempt(
  prepare: () => Send | Promise<Send>,
  fail: (error: unknown) => void,
  isCall: boolean,
): unknown {
  let prepared: Send | Promise<Send>;
  try {
    prepared = prepare();
  } catch (error) {
    prepared = Promise.reject(error);
  }
  if (isCall && typeof prepared === 'function') return prepared();
  const sent = begin(prepared);
  sent.catch(fail);
  const answered = sent.then(({ answer }) => answer);
  answered.catch(() => {});
  return answered;
}

/** In an object: how the answer itself fails node-soap reports. */
async function begin(prepared: Send | Promise<Send>): Promise<{ answer: unknown }> {
  const send = typeof prepared === 'function' ? prepared : await prepared;
  return { answer: send() };
}

/**
 * It iterates, from 1.7 on, over an answer that has no type as well, which shows only there: an error of it, heard by the event
 * too, is nobody's.
 */
function standAtCut(data: Readable): void {
  const iterate = data[Symbol.asyncIterator]?.bind(data);
  if (!iterate) return; // of a client of the caller's own
  data[Symbol.asyncIterator] = async function* () {
    try {
      yield* iterate();
    } catch {
      await new Promise(() => {});
    }
  } as typeof iterate;
}

/** Of an option that node-soap hands to axios. */
function signalOf({ options: { signal } }: Call): CallSignal | undefined {
  return typeof signal === 'object' && signal !== null ? (signal as CallSignal) : undefined;
}

type Send = () => unknown;
type SoapAnswer = ReturnType<IHttpClient['request']>;

/** What a decision sets of axios' options. */
const decided = [
  'httpsAgent',
  'proxy',
  'beforeRedirect',
  'http2Options',
  'fetchOptions',
  'clientcert.decided', // how, for an instance with certificates of its own
] as const;

function securityOf(client: Client): unknown {
  return (client as unknown as { security?: ISecurity }).security;
}
