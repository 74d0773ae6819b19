import type { TlsRange, WarningCode } from '../types.ts';

/** What is known on this side of a call that failed, beside what was seen of it. */
export interface Facts {
  /** Host and port, e.g. `api.bank.example:443`. */
  readonly place: string;
  /** Whether it is `https:`; over plain HTTP no certificate is sent. */
  readonly secure: boolean;
  /** The rule that decided, as its place in the config; `none` where none names the host. */
  readonly rule: string;
  /** Where no rule names the host with this port, and one does with another: which, and what to write. */
  readonly otherPort?: string | undefined;
  /** The SPIFFE ID or trust domain that the rule asks of the server; none where it asks for a name. */
  readonly server?: string | undefined;
  /** The certificate that the call was to send; `null` for none. */
  readonly certificate: CertificateFacts | null;
  /** The TLS versions allowed on the connection. */
  readonly tls: TlsRange;
  /** The proxy in between, or `null`. */
  readonly proxy: string | null;
  /** The connection that failed, or the last one to that place; `null` where there was none. */
  readonly connection: ConnectionFacts | null;
  /** The issuers that the server names, written like `subject`; none where it names none, or that is not known. */
  readonly issuers?: readonly string[] | undefined;
}

/** What is known of the certificate that a call was to send. */
export interface CertificateFacts {
  /** Its name in the config. */
  readonly name: string;
  /** As Node's `X509Certificate` writes it: one attribute a line. */
  readonly subject: string;
  /** Its SPIFFE ID; none where it is no X.509-SVID. */
  readonly spiffeId?: string | undefined;
  /** Of the leaf and of each intermediate, written like `subject`. */
  readonly issuers: readonly string[];
  /** Of the leaf and of each intermediate. */
  readonly validity: readonly { readonly from: Date; readonly to: Date }[];
  /** Whether what is sent leads to a root; `unknown` where the issuer is missing and may be one. */
  readonly chain: 'complete' | 'incomplete' | 'unknown';
  /** What loading had to say of it. */
  readonly warnings: readonly WarningCode[];
}

/** What was seen of a TLS handshake. */
export interface ConnectionFacts {
  /** Whether it is the very connection that failed, and not an earlier one to the same place. */
  readonly failed: boolean;
  /** e.g. `TLSv1.3`; `null` where the handshake did not come so far. */
  readonly protocol: string | null;
  /** Whether the server asked for a certificate in the handshake; `null` where that is not known. */
  readonly requested: boolean | null;
  /** Whether one was sent. */
  readonly presented: boolean;
  /** Whether an earlier TLS session was resumed, in which no certificate is sent again. */
  readonly resumed: boolean;
  /** Whether the server had sent anything on it: over TLS 1.3 it has taken the certificate then. */
  readonly answered: boolean;
}
