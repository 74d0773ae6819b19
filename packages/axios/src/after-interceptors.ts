import type { AxiosRequestTransformer, InternalAxiosRequestConfig } from 'axios';
import type { AnyConfig } from './outgoing.ts';
import { transportOf } from './transport.ts';

/**
 * Has a request decided anew where an interceptor that runs after ours changes what it was decided by: axios
 * transforms a request after its interceptors, and hands the transformers its config.
 */
export function decideAgain(
  config: InternalAxiosRequestConfig,
  decide: (config: InternalAxiosRequestConfig) => void,
): void {
  const isChanged = observe(config);
  const transformRequest = config.transformRequest ?? [];
  const transformers = Array.isArray(transformRequest) ? transformRequest.slice() : [transformRequest];
  const given: Ours | undefined = transformers.pop();
  const own = given && replaced in given ? given[replaced] : given;
  // In place of the last one, because axios goes through all headers for each.
  const last: Ours = function (data, headers) {
    const transformed = own ? own.call(this, data, headers) : data;
    if (isChanged(this)) decide(this);
    return transformed;
  };
  last[replaced] = own;
  transformers.push(last);
  config.transformRequest = transformers;
}

/** On ours, what it took the place of: a used config comes back with ours, also to another copy of this package. */
const replaced: unique symbol = Symbol.for('clientcert.axios.replaced') as never;

interface Ours extends AxiosRequestTransformer {
  [replaced]?: AxiosRequestTransformer | undefined;
}

/**
 * What decisions are made by, or stands on the config because of them. Written out, because a loop over the names
 * takes several times as long, and this is run for every request.
 */
function observe(config: AnyConfig): (now: AnyConfig) => boolean {
  const { adapter, allowAbsoluteUrls, baseURL, beforeRedirect, clientCertificate, env } = config;
  const { fetchOptions, http2Options, httpVersion, httpsAgent, proxy, transport, url } = config;
  // What was decided stands in the objects that are ours; the others are the caller's to write on.
  const dispatcher = fetchOptions?.dispatcher;
  const createConnection = http2Options?.createConnection;
  const fetch = env?.fetch;
  const way = Array.isArray(adapter) && transportOf(config);
  // It may be a `URL`, on which somebody writes.
  const address = String(url);
  return (now) =>
    // A session that stands takes no request that comes after a renewal or `close()`, however long an interceptor waits.
    createConnection !== undefined ||
    String(now.url) !== address ||
    now.baseURL !== baseURL ||
    now.httpsAgent !== httpsAgent ||
    now.proxy !== proxy ||
    now.beforeRedirect !== beforeRedirect ||
    now.clientCertificate !== clientCertificate ||
    now.adapter !== adapter ||
    now.allowAbsoluteUrls !== allowAbsoluteUrls ||
    now.env !== env ||
    now.fetchOptions !== fetchOptions ||
    now.http2Options !== http2Options ||
    now.httpVersion !== httpVersion ||
    now.transport !== transport ||
    now.fetchOptions?.dispatcher !== dispatcher ||
    now.http2Options?.createConnection !== createConnection ||
    now.env?.fetch !== fetch ||
    (Array.isArray(adapter) && transportOf(now) !== way);
}
