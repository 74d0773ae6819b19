import type { Credentials } from '@clientcert/core';
import { acceptCredentials, loadedOf, withDiagnosis } from '@clientcert/core/adapter';
import type { AxiosInstance, InternalAxiosRequestConfig } from 'axios';
import { decideAgain } from './after-interceptors.ts';
import { untilCanceled } from './canceled.ts';
import { conflictOfJar } from './cookie-jar.ts';
import { decideAs, decided } from './decide.ts';
import { fix, own, urlOf } from './outgoing.ts';

/**
 * Gives every request of an axios instance the client certificate that its host, or the service it is made as,
 * is pinned to; every hop of a redirect is decided again, and a host that no rule names gets none.
 *
 * @param instance What `axios.create()` returned, or axios itself. Its copies made by `create` are not included.
 * @param credentials What `loadCredentials` returned, or the promise of it: requests wait for it, and where
 *   loading failed each of them fails with that error.
 * @returns A function that takes it off again.
 *
 * @example
 * import axios from 'axios';
 * import { clientCertificates, loadCredentials } from '@clientcert/axios';
 *
 * const api = axios.create({ baseURL: 'https://api.bank.example' });
 * clientCertificates(api, loadCredentials('clientcert.json'));
 * await api.get('/accounts');
 * await api.get('/invoices', { clientCertificate: 'Billing.InvoiceService' });
 */
export function clientCertificates(
  instance: AxiosInstance,
  credentials: Credentials | Promise<Credentials>,
): () => void {
  const loading = acceptCredentials(credentials, 'clientCertificates()');
  const before = installedOn(instance);
  if (before?.credentials === credentials) return before.eject;
  before?.eject();

  const decider: Decider =
    'then' in loading
      ? async (config) => decide(loadedOf(loading) ?? (await untilCanceled(loading, config)), config)
      : (config) => decide(loading, config);
  const id = instance.interceptors.request.use(decider, undefined, { runWhen: fix });
  const explainId = instance.interceptors.response.use(undefined, (error) => {
    const service = (error?.config as InternalAxiosRequestConfig | undefined)?.clientCertificate;
    throw withDiagnosis(conflictOfJar(error) ?? error, { credentials: loadedOf(loading), service });
  });
  const eject = () => {
    instance.interceptors.request.eject(id);
    instance.interceptors.response.eject(explainId);
  };
  decider[installed] = { on: instance.interceptors.request, credentials, eject };
  return eject;
}

interface Decider {
  (config: InternalAxiosRequestConfig): InternalAxiosRequestConfig | Promise<InternalAxiosRequestConfig>;
  [installed]?: Installed;
}

/** On deciders, by which another copy of this package knows them as well: the latest holds. */
const installed: unique symbol = Symbol.for('clientcert.axios.installed') as never;

interface Installed {
  /** Whose copies may have it as well. */
  readonly on: object;
  readonly credentials: Credentials | Promise<Credentials>;
  readonly eject: () => void;
}

/** Nothing after `clear()` of axios' own. */
function installedOn({ interceptors: { request } }: AxiosInstance): Installed | undefined {
  let found: Installed | undefined;
  (request as unknown as Handlers).forEach?.(({ fulfilled }) => {
    const each = fulfilled?.[installed];
    if (each?.on === request) found ??= each;
  });
  return found;
}

/** What axios' class has, and its type leaves out; mocks have none. */
interface Handlers {
  forEach?(look: (handler: { fulfilled?: Decider | null }) => void): void;
}

function decide(credentials: Credentials, config: InternalAxiosRequestConfig): InternalAxiosRequestConfig {
  apply(credentials, config);
  decideAgain(config, (changed) => apply(credentials, changed));
  return config;
}

function apply(credentials: Credentials, config: InternalAxiosRequestConfig): void {
  const again = own(config, decided);
  if (again) {
    again(config);
    return;
  }
  const service = own(config, 'clientCertificate');
  const origin = service ? urlOf(config).origin : undefined;
  decideAs(config, credentials, { service, origin, proxy: undefined, check: undefined });
}
