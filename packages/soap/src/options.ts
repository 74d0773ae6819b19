import { type ConnectIdentity, type Loading, loadedOf } from '@clientcert/core';
import { type Client, HttpClient, type IHttpClient, type IOptions } from 'soap';
import { namedOrigin } from './address.ts';
import { Call, callOf, type Identity, identify, type RequestOptions } from './call.ts';
import { Documents, sharedDocuments } from './documents.ts';
import { areSame } from './loading.ts';
import { plainAddress } from './signature.ts';

/** node-soap's options, and as whom the WSDL is fetched and calls are made. */
export interface SoapOptions extends IOptions {
  /** As this service of the config; with `false`, with no certificate. */
  service?: string | false | undefined;
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
 * @throws ERR_CLIENTCERT_SERVICE_UNKNOWN where the credentials are loaded and have no such service
 *
 * @example
 * import soap from 'soap';
 * import { loadCredentials, soapOptions } from '@clientcert/soap';
 *
 * const credentials = await loadCredentials('clientcert.json');
 * const client = await soap.createClientAsync('https://api.bank.example/payments?wsdl', soapOptions(credentials));
 */
export function soapOptions(credentials: Loading, options: SoapOptions = {}): IOptions {
  const { service, origin, proxy, httpClient, wsdlCache, disableCache, ...own } = options;
  const identity = identify(credentials, { service, origin, proxy }, 'soapOptions()');
  const documents = disableCache
    ? new Documents(undefined)
    : wsdlCache
      ? new Documents(wsdlCache)
      : sharedDocuments(identity);
  const inner = httpClient ?? new HttpClient(own);
  return { ...own, wsdlCache: documents, httpClient: certify(inner, identity, documents, own.endpoint) };
}

/** node-soap's HTTP client, through which all its requests go, with a decision for each of them. */
function certify(
  inner: IHttpClient,
  identity: Identity,
  documents: Documents,
  endpoint: string | undefined,
): IHttpClient {
  const named = (url: string, client: Client | undefined) =>
    client ? namedOrigin(url, client, endpoint) : documents.originOf(url);

  const prepare = async (
    url: string,
    message: unknown,
    given: RequestOptions,
    client: Client | undefined,
  ) => {
    // All that stands on options which may be used again is read before anything is waited for.
    const options = { ...given };
    const call = callOf(given) ?? new Call(identity, given);
    call.inherit((inner as SoapHttpClient)._request?.defaults ?? {});
    const own = call.identity;
    const service =
      own.service ?? (areSame(own.credentials, identity.credentials) ? identity.service : undefined);
    const origin = own.origin ?? identity.origin ?? (service ? named(url, client) : undefined);
    call.identity = { ...own, service, origin, proxy: own.proxy ?? identity.proxy };

    const credentials = loadedOf(own.credentials) ?? (await own.credentials);
    const { protocol, hostname, port } = new URL(url);
    const plain = protocol === 'http:';
    const target = call.at(hostname, port || (plain ? 80 : 443));
    credentials.resolve(target); // an unknown service is an error, whatever the address
    if (!plain && call.usesOwn(credentials, target)) call.yieldTo(options, credentials);
    else call.apply(options, plain);

    const { signature } = call;
    if (signature && plain) throw plainAddress();
    if (!signature || signature.isFor(credentials, target)) return { message, options };
    const signed = signature.sign(credentials, target);
    const finished = typeof given.postProcess === 'function' ? given.postProcess(signed) : signed;
    if (client) client.lastRequest = finished;
    return { message: finished, options };
  };

  const { requestStream } = inner;
  return {
    request(url, data, callback, headers, given = {}, client) {
      const send = async () => {
        const { message, options } = await prepare(url, data, given, client);
        return { answer: inner.request(url, message, callback, headers, options, client) };
      };
      // What was sent is reported by node-soap, the rest here; in a turn of its own, so that what a callback
      // throws is its caller's.
      const sent = send();
      sent.catch((error) => process.nextTick(callback, error));
      const answer = sent.then(({ answer }) => answer);
      answer.catch(() => {});
      return answer;
    },
    ...(requestStream && {
      async requestStream(url, data, headers, given = {}, client) {
        const { message, options } = await prepare(url, data, given, client);
        return await requestStream.call(inner, url, message, headers, options, client);
      },
    }),
  };
}

/** What node-soap's class has and its type leaves out: the axios instance, the caller's own or one of its. */
type SoapHttpClient = IHttpClient & { _request?: { defaults?: RequestOptions } };
