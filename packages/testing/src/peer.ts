import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** The certificate that a client sent, as the server saw it. */
export interface PeerCertificate {
  /** As Node's `X509Certificate` writes it: one attribute a line. */
  readonly subject: string;
  /** The CN of its subject. */
  readonly commonName: string | null;
  /** Written like `subject`. */
  readonly issuer: string;
  /** Hexadecimal, as Node prints it. */
  readonly serialNumber: string;
  /** SHA-256 of the DER: upper-case hexadecimal pairs joined by colons. */
  readonly fingerprint256: string;
  /** Whether the server's authority vouches for it. */
  readonly authorized: boolean;
  /** Why not: `DEPTH_ZERO_SELF_SIGNED_CERT`, `CERT_HAS_EXPIRED`, …; null where it is authorized. */
  readonly authorizationError: string | null;
}

/** `getPeerX509Certificate` and never `getPeerCertificate`, which crashes Node 24 and 26 on some curves. */
export function describePeer(socket: TLSSocket): PeerCertificate | null {
  const certificate: X509Certificate | undefined = socket.getPeerX509Certificate();
  if (!certificate) return null;
  const { subject, issuer, serialNumber, fingerprint256 } = certificate;
  return {
    subject,
    commonName: /^CN=(.*)$/m.exec(subject)?.[1] ?? null,
    issuer,
    serialNumber,
    fingerprint256,
    authorized: socket.authorized,
    authorizationError: (socket.authorizationError as unknown as string | null) ?? null,
  };
}
