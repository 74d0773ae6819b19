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
  const before = read(config);
  const last: AxiosRequestTransformer = function (data) {
    if (read(this).some((value, index) => value !== before[index])) decide(this);
    return data;
  };
  // A used config comes back with ours.
  const transformers = [config.transformRequest ?? []].flat().filter((each) => !lasts.has(each));
  lasts.add(last);
  config.transformRequest = [...transformers, last];
}

const lasts = new WeakSet<AxiosRequestTransformer>();

function read(config: object): unknown[] {
  return decisive.map((name) => (config as Record<string, unknown>)[name]);
}
