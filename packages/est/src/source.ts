import { X509Certificate } from 'node:crypto';
import { readCertificate } from '@clientcert/core';
import {
  clientExtensions,
  commonName,
  createKey,
  createRequest,
  type Issued,
  isFor,
  keyPem,
  partsOf,
  type RenewedSource,
  renewing,
} from '@clientcert/core/enrolment';
import { Authority } from './authority.ts';
import { type CheckedOptions, checkOptions, type EstOptions } from './options.ts';

/**
 * A certificate from an authority that speaks EST (RFC 7030), as a source of a config. The key is made here, once for each
 * version, and never leaves the process. The first certificate is asked for with a name and password, or with a
 * certificate that there is; each further one over mutual TLS with the one before, when two thirds of its lifetime are
 * over, up to a tenth sooner.
 *
 * All `Credentials` that the source stands in share the certificate.
 *
 * @throws ERR_CLIENTCERT_CONFIG_INVALID for options that cannot be right. What the server refuses, `loadCredentials`
 *   rejects with; later it is an `error` event, and the server is asked again, not before it said.
 * @see https://www.rfc-editor.org/rfc/rfc7030
 *
 * @example
 * import { fromEst, loadCredentials } from '@clientcert/est';
 *
 * const credentials = await loadCredentials({
 *   certificates: {
 *     bank: fromEst({
 *       address: 'https://est.example',
 *       login: { user: 'my-service', password: { file: '/run/secrets/est' } },
 *       commonName: 'my-service.example',
 *       files: { cert: '/var/lib/my-service/bank.pem' },
 *     }),
 *   },
 *   hosts: { 'api.bank.example': 'bank' },
 * });
 */
export function fromEst(options: EstOptions): RenewedSource {
  const checked = checkOptions(options);
  const authority = new Authority(checked);
  return renewing(
    ({ signal }) => ({ issue: (current) => issue(checked, authority, current, signal) }),
    checked.renewing,
    (found) => isFor(found, checked.commonName, checked.names),
  );
}

async function issue(
  options: CheckedOptions,
  authority: Authority,
  current: Issued | undefined,
  signal: AbortSignal,
): Promise<Issued> {
  // Before what may be had only once.
  const authorities = await authority.certificates(signal);
  const { key, enrolled } = await authority.enrol(current, () => createEnrolment(options, current), signal);
  const { certificate, chain, ca } = await readCertificate({ cert: [enrolled, authorities], key });
  const last = chain.at(-1) ?? certificate;
  const roots = ca.filter((root) => last.checkIssued(root));
  return { cert: [certificate, ...chain, ...roots].map(String).join(''), key };
}

/** A new key, and the request for its certificate. */
async function createEnrolment(
  { keyType, commonName: name, names }: CheckedOptions,
  current: Issued | undefined,
): Promise<{ key: string; request: string }> {
  const key = await createKey(keyType);
  // RFC 7030, section 4.2.2: subject and alternative names stay what they are.
  const before = current && partsOf(new X509Certificate(current.cert).raw);
  const request = createRequest(
    key,
    before?.subject ?? commonName(name),
    clientExtensions(before ? [] : names, before?.extensions),
  );
  return {
    key: keyPem(key),
    request: request.toString('base64'),
  };
}
