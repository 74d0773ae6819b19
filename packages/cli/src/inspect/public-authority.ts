import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';

const SERVER = '1.3.6.1.5.5.7.3.1';
const CLIENT = '1.3.6.1.5.5.7.3.2';

let roots: readonly X509Certificate[] | undefined;

function rootsOfNode(): readonly X509Certificate[] {
  roots ??= rootCertificates.map((pem) => new X509Certificate(pem));
  return roots;
}

/** Whether a root that every Node has is the issuer: then nothing is missing above. */
export function isIssuedByPublicRoot(certificate: X509Certificate): boolean {
  return rootsOfNode().some((root) => certificate.checkIssued(root) && certificate.verify(root.publicKey));
}

/**
 * What becomes of a certificate for servers and clients alike from an authority that browsers trust. Chrome's root
 * programme (policy 1.8) lets no such authority issue for clients: none new since 15 June 2026, and no certificate
 * from 15 March 2027 on.
 *
 * @see https://googlechrome.github.io/chromerootprogram/
 */
export function publicAuthorityNote(
  leaf: X509Certificate,
  chain: readonly X509Certificate[],
): { code: string; message: string } | undefined {
  const usages = leaf.keyUsage ?? [];
  // Authorities for clients alone are no part of that programme.
  if (!usages.includes(CLIENT) || !usages.includes(SERVER)) return undefined;
  const top = chain.at(-1) ?? leaf;
  if (!isIssuedByPublicRoot(top) && !hasPublicIssuer(leaf)) return undefined;
  return {
    code: 'PUBLIC_CLIENT_AUTH_ENDS',
    message:
      "its issuer is a public authority of browsers, and Chrome's root programme ends client authentication there: new issuing authorities have had none since 2026-06-15, certificates from 2027-03-15 on will have none. Its renewal will not work as a client certificate: ask the other side now which private authority, or which authority for clients alone, it takes instead",
  };
}

/** By its organisation, where the chain does not reach a root. */
function hasPublicIssuer(leaf: X509Certificate): boolean {
  const organisation = organisationOf(leaf.issuer);
  return (
    organisation !== undefined &&
    rootsOfNode().some(({ subject }) => organisationOf(subject) === organisation)
  );
}

function organisationOf(name: string): string | undefined {
  return /^O=(.+)$/m.exec(name)?.[1]?.toLowerCase();
}
