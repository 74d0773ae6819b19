import { ClientCertificateError } from '../errors.ts';

/**
 * In JavaScript it may be anything, such as `null`, which is no name, and in a key made of names like none.
 *
 * @throws `ERR_CLIENTCERT_SERVICE_UNKNOWN`
 */
export function checkService(service: unknown): void {
  if (service === undefined || service === false || typeof service === 'string') return;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_SERVICE_UNKNOWN',
    `a service is called by its name, not by ${service === null ? 'null' : `a value of type ${typeof service}`}`,
    {
      hint: 'Pass the name of a service, false for no certificate, or leave it out to be decided by host alone.',
    },
  );
}
