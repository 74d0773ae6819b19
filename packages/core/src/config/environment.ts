import { ClientCertificateError } from '../errors.ts';
import { variable } from '../own.ts';
import type { Config } from '../types.ts';

/**
 * The config of the bare case, from the environment: one certificate, for the hosts that are named.
 *
 * - `CLIENTCERT_PFX`: the path of the PFX (or of another file that holds certificate and key); PEM text or the base64
 *   of a PFX is taken as well.
 * - `CLIENTCERT_PASSPHRASE`: its passphrase, where it has one.
 * - `CLIENTCERT_HOST`: the host that gets it, as under `hosts`; several are separated by commas.
 *
 * @param env The variables; `process.env` unless given. The passphrase is read when the certificate is.
 * @throws `ERR_CLIENTCERT_CONFIG_INVALID` where a variable is not set.
 * @example
 * import { fromEnvironment, loadCredentials } from '@clientcert/core';
 * const credentials = await loadCredentials(fromEnvironment());
 */
export function fromEnvironment(env: NodeJS.ProcessEnv = process.env): Config<'client', never> {
  const read = (name: string) => variable(name, env);
  const pfx = read('CLIENTCERT_PFX')?.trim();
  const hosts = (read('CLIENTCERT_HOST') ?? '')
    .split(',')
    .map((host) => host.trim())
    .filter((host) => host !== '');
  if (!pfx) throw unset('CLIENTCERT_PFX', 'Set it to the path of the file that holds certificate and key.');
  if (hosts.length === 0) {
    throw unset('CLIENTCERT_HOST', 'Set it to the host that gets the certificate, such as api.bank.example.');
  }
  return {
    certificates: {
      client: {
        pfx: BASE64_DER.test(pfx) ? Buffer.from(pfx, 'base64') : pfx,
        passphrase:
          read('CLIENTCERT_PASSPHRASE') === undefined ? undefined : () => read('CLIENTCERT_PASSPHRASE'),
      },
    },
    hosts: Object.fromEntries([...new Set(hosts)].map((host) => [host, 'client'])),
  };
}

/** A DER SEQUENCE of more than 255 bytes in base64: no path begins so and goes on for so long. */
const BASE64_DER = /^MI[A-Za-z0-9+/\s]{340,}={0,2}$/;

function unset(name: string, hint: string): ClientCertificateError {
  return new ClientCertificateError('ERR_CLIENTCERT_CONFIG_INVALID', `${name} is not set`, {
    hint,
    issues: [{ path: [name], message: 'is not set' }],
  });
}
