import type { PeerCertificate } from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import { parseSpiffeId } from '../load/spiffe-id.ts';
import { readSvid } from '../load/svid.ts';
import { quote } from '../quote.ts';
import type { Resolution } from '../types.ts';

/**
 * Whether the server is who the rule says: the very id, or any in the trust domain. Its names count for nothing.
 *
 * @see https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md section 5.2
 */
export function checkServerId(
  expected: string,
  rule: string,
  host: string,
  peer: Pick<PeerCertificate, 'raw'>,
): ClientCertificateError | undefined {
  const { trustDomain, path } = parseSpiffeId(expected)!;
  const svid = readSvid(peer.raw);
  if ('fault' in svid) {
    const seen = svid.uri === undefined ? '' : `: ${quote(svid.uri, 'host')}`;
    return mismatch(expected, rule, `${host} showed ${svid.fault}${seen}`);
  }
  const isExpected = path === '' ? svid.trustDomain === trustDomain : svid.id === expected;
  return isExpected ? undefined : mismatch(expected, rule, `${host} is ${shorten(svid.id)}`);
}

function mismatch(expected: string, rule: string, seen: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_SERVER_ID_MISMATCH',
    `${rule}: ${seen}, and has to be ${describeExpected(expected)}`,
    {
      hint: 'Is it the right host and port? Where the server has another id, and you know it, write that as `server`.',
    },
  );
}

function describeExpected(id: string): string {
  const { trustDomain, path } = parseSpiffeId(id)!;
  return path === '' ? `one of the trust domain ${trustDomain}` : shorten(id);
}

/** Ids hold nothing that a terminal would act on. */
function shorten(id: string): string {
  return id.length > 200 ? `${id.slice(0, 200)}…` : id;
}

/** The error of a rule for whose server there is nobody to trust. */
export function bundleMissing({
  rule,
  server,
  authorities,
}: Pick<Resolution, 'rule' | 'server' | 'authorities'>): ClientCertificateError {
  const domain = parseSpiffeId(server ?? '')?.trustDomain;
  const from = authorities.map((name) => JSON.stringify(name)).join(' and ');
  return new ClientCertificateError(
    'ERR_CLIENTCERT_BUNDLE_MISSING',
    `${rule}: there are no roots of the trust domain ${domain}${from === '' ? '' : ` with ${from}`}, so that no server in it can be verified`,
    {
      hint: `Give them to the certificate as bundles: { "${domain}": … }, or to the rule as \`ca\`. Where a SPIFFE server brings them, it has to federate with that trust domain.`,
    },
  );
}
