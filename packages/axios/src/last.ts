import type { AxiosRequestTransformer, InternalAxiosRequestConfig } from 'axios';

/** What decisions are made by, or stands on the config because of them. */
const decisive = [
  'adapter',
  'allowAbsoluteUrls',
  'baseURL',
  'beforeRedirect',
  'clientCertificate',
  'env',
  'fetchOptions',
  'http2Options',
  'httpVersion',
  'httpsAgent',
  'proxy',
  'url',
] as const;

/**
 * Has a request decided anew where an interceptor that runs after ours changes what it was decided by: axios
 * transforms a request after its interceptors, and hands the transformers its config.
 */
export function decideAgain(
  config: InternalAxiosRequestConfig,
  decide: (config: InternalAxiosRequestConfig) => void,
): void {
  const before = decisive.map((name) => written(config, name));
  const transformers = [config.transformRequest ?? []].flat();
  const given: Ours | undefined = transformers.pop();
  const own = given && replaced in given ? given[replaced] : given;
  // In place of the last one, because axios goes through all headers for each.
  const last: Ours = function (data, headers) {
    const transformed = own ? own.call(this, data, headers) : data;
    if (decisive.some((name, index) => written(this, name) !== before[index])) decide(this);
    return transformed;
  };
  last[replaced] = own;
  config.transformRequest = [...transformers, last];
}

/** On ours, what it took the place of: a used config comes back with ours. */
const replaced: unique symbol = Symbol('clientcert.replaced');

interface Ours extends AxiosRequestTransformer {
  [replaced]?: AxiosRequestTransformer | undefined;
}

function written(config: object, name: (typeof decisive)[number]): unknown {
  return (config as Record<string, unknown>)[name];
}
