import type { X509Certificate } from 'node:crypto';
import { parseSpiffeId } from '../load/spiffe-id.ts';
import { trustDomainOf } from '../load/svid.ts';
import type { ClientCertificate, Resolution } from '../types.ts';

/** What a certificate brings of whom to trust. */
export type Lender = Pick<ClientCertificate, 'certificate' | 'ca' | 'bundles'>;

/** Roots, and the certificate or certificates that they came with. */
export interface LentRoots {
  readonly roots: readonly X509Certificate[];
  readonly from: readonly string[];
}

/**
 * The roots that the certificates of a decision lend it, beside those of its rules.
 *
 * A server that has to prove a SPIFFE ID is verified by the roots of its trust domain alone, of one source: those of the
 * rule, else the bundle of the first certificate that has one for it. A source that says bundles vouches for no other
 * domain, and the certificate of one domain for no server of another: no authority makes ids of another's.
 *
 * @see https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Trust_Domain_and_Bundle.md section 3
 */
export function lentRoots(
  { server, ca, authorities }: Pick<Resolution, 'server' | 'ca' | 'authorities'>,
  lenderOf: (name: string) => Lender | undefined,
): LentRoots {
  const lenders = authorities.map((name) => ({ name, lender: lenderOf(name) }));
  if (server === null) return collect(lenders);
  if (ca.length > 0) return NOTHING;
  const trustDomain = parseSpiffeId(server)?.trustDomain ?? '';
  for (const { name, lender } of lenders) {
    const { bundles } = lender ?? {};
    if (bundles && Object.hasOwn(bundles, trustDomain)) return { roots: bundles[trustDomain]!, from: [name] };
  }
  return collect(
    lenders.filter(
      ({ lender }) =>
        lender && !lender.bundles && [undefined, trustDomain].includes(trustDomainOf(lender.certificate)),
    ),
  );
}

function collect(lenders: readonly { name: string; lender: Lender | undefined }[]): LentRoots {
  const lending = lenders.filter(({ lender }) => lender && lender.ca.length > 0);
  return {
    roots: lending.flatMap(({ lender }) => lender!.ca),
    from: lending.map(({ name }) => name),
  };
}

const NOTHING: LentRoots = Object.freeze({ roots: [], from: [] });
