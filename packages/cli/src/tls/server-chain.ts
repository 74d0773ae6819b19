import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import { certificateOf, checkServerId, spiffeIdOf } from '@clientcert/core/enrolment';

export interface ServerCertificate {
  readonly subject: string;
  readonly issuer: string;
  readonly validFrom: Date;
  readonly validTo: Date;
  readonly daysLeft: number;
  /** The subject alternative names, as Node writes them. */
  readonly names: string | null;
  readonly fingerprint256: string;
}

export interface ServerChain {
  /** In the order in which they were sent. */
  readonly chain: readonly ServerCertificate[];
  readonly unreadable: number;
  /** Whether the first is for the host, or has the SPIFFE ID that the rule asks for. */
  readonly nameMatches: boolean | null;
  /** What the rule asks for in place of a name: an id, or a trust domain. */
  readonly expectedId: string | null;
  /** Whom the first names by a SPIFFE ID. */
  readonly spiffeId: string | null;
  /** The issuer of the last of the chain, where that is neither sent nor a root of Node's. */
  readonly missingIssuer: string | null;
  /** Whether what is missing is an intermediate: an authority that says where its own certificate is to be had. */
  readonly forgotIntermediate: boolean;
}

/** What the certificates that a server sent come to. Whether they are trusted is for a real handshake to say. */
export function describeChain(
  sent: readonly Buffer[],
  host: string,
  expectedId: string | null = null,
): ServerChain {
  const certificates = sent.flatMap((bytes) => {
    try {
      return [certificateOf(bytes)];
    } catch {
      return [];
    }
  });
  const [leaf] = certificates;
  const top = leaf && climb(leaf, certificates);
  const missing = top && !top.checkIssued(top) && !isRootOfNode(top) ? top : undefined;
  return {
    chain: certificates.map(describe),
    unreadable: sent.length - certificates.length,
    nameMatches: leaf ? isFor(leaf, host, expectedId) : null,
    expectedId,
    spiffeId: spiffeIdOf(leaf) ?? null,
    missingIssuer: missing ? (missing.issuer ?? '') : null,
    forgotIntermediate: missing !== undefined && /CA Issuers/.test(missing.infoAccess ?? ''),
  };
}

function isFor(leaf: X509Certificate, host: string, id: string | null): boolean {
  if (id !== null) return checkServerId(id, '', host, leaf) === undefined;
  return (isIP(host) ? leaf.checkIP(host) : leaf.checkHost(host)) !== undefined;
}

function climb(leaf: X509Certificate, certificates: readonly X509Certificate[]): X509Certificate {
  const used = new Set([leaf]);
  for (let top = leaf; ; ) {
    const issuer = certificates.find((each) => !used.has(each) && top.checkIssued(each));
    if (issuer === undefined) return top;
    used.add(issuer);
    top = issuer;
  }
}

function isRootOfNode(top: X509Certificate): boolean {
  return rootCertificates.some((root) => top.checkIssued(new X509Certificate(root)));
}

function describe(certificate: X509Certificate): ServerCertificate {
  const validTo = new Date(certificate.validTo);
  return {
    // Node 20 says nothing of a name that is empty.
    subject: certificate.subject ?? '',
    issuer: certificate.issuer ?? '',
    validFrom: new Date(certificate.validFrom),
    validTo,
    daysLeft: Math.floor((validTo.getTime() - Date.now()) / 86_400_000),
    names: certificate.subjectAltName ?? null,
    fingerprint256: certificate.fingerprint256,
  };
}
