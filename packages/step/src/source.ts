import { X509Certificate } from 'node:crypto';
import {
  clientExtensions,
  createKey,
  createRequest,
  type Issued,
  isFor,
  keyPem,
  commonName as nameOf,
  partsOf,
  pem,
  type RenewedSource,
  renewing,
} from '@clientcert/core/enrolment';
import { Authority } from './authority.ts';
import { type CheckedOptions, checkOptions, type StepCaOptions } from './options.ts';

/**
 * A certificate from step-ca, as a source of a config. The key is made here, once for each version, and never leaves the
 * process. The first certificate is had with a one-time token; each further one over mutual TLS with the one before, when
 * two thirds of its lifetime are over, up to a tenth sooner.
 *
 * All `Credentials` that the source stands in share the certificate.
 *
 * @throws ERR_CLIENTCERT_CONFIG_INVALID for options that cannot be right. What step-ca refuses, `loadCredentials` rejects
 *   with; later it is an `error` event, and step-ca is asked again.
 * @see https://smallstep.com/docs/step-ca/
 *
 * @example
 * import { fromStepCa, loadCredentials } from '@clientcert/step';
 *
 * const credentials = await loadCredentials({
 *   certificates: {
 *     bank: fromStepCa({
 *       address: 'https://ca.example',
 *       fingerprint: process.env.STEP_FINGERPRINT,
 *       token: { file: '/run/secrets/step-token' },
 *       commonName: 'my-service.example',
 *       files: { cert: '/var/lib/my-service/bank.pem' },
 *     }),
 *   },
 *   hosts: { 'api.bank.example': 'bank' },
 * });
 */
export function fromStepCa(options: StepCaOptions): RenewedSource {
  const checked = checkOptions(options);
  const authority = new Authority(checked);
  return renewing(
    ({ signal }) => ({
      issue: (current) =>
        current ? renew(checked, authority, current, signal) : issueFirst(checked, authority, signal),
    }),
    checked.renewing,
    (found) => isFor(found, checked.commonName, checked.names),
  );
}

async function issueFirst(
  { keyType, commonName, names }: CheckedOptions,
  authority: Authority,
  signal: AbortSignal,
): Promise<Issued> {
  const key = await createKey(keyType);
  const request = createRequest(key, nameOf(commonName), clientExtensions(names));
  const cert = await authority.sign(pem('CERTIFICATE REQUEST', request), signal);
  return { cert, key: keyPem(key) };
}

async function renew(
  { keyType, rekey }: CheckedOptions,
  authority: Authority,
  current: Issued,
  signal: AbortSignal,
): Promise<Issued> {
  if (!rekey) return { ...current, cert: await authority.renew(current, signal) };
  const key = await createKey(keyType);
  const { subject, extensions } = partsOf(new X509Certificate(current.cert).raw);
  const request = createRequest(key, subject, clientExtensions([], extensions));
  const cert = await authority.rekey(current, pem('CERTIFICATE REQUEST', request), signal);
  return { cert, key: keyPem(key) };
}
