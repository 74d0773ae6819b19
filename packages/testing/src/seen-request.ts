import type { IncomingHttpHeaders } from 'node:http';
import type { PeerCertificate } from './peer.ts';

/** One request, as the server saw it. */
export interface SeenRequest {
  /** In upper case. */
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** With scheme, the host that the client named, and query. */
  readonly url: string;
  /** As Node has them: names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** The body as UTF-8, its first MiB at most; null until something has read it to its end. */
  body: string | null;
  /** How many bytes of the body have arrived. */
  bodyLength: number;
  /** What the client sent; null for none. */
  readonly clientCertificate: PeerCertificate | null;
  /** Whether the client sent a certificate that the authority vouches for. */
  readonly authorized: boolean;
  /** `'TLSv1.3'`; null over plain HTTP. */
  readonly protocol: string | null;
  /** Whether the TLS session was resumed instead of negotiated anew. */
  readonly resumed: boolean;
  /** The running number of the connection, from 1, over all ports of the server. */
  readonly connection: number;
  /** The port of the server that it came to. */
  readonly port: number;
  /** `'1.1'`, `'2.0'` */
  readonly httpVersion: string;
  /** What ALPN chose: `'h2'`, `'http/1.1'`; null where the client offered nothing. */
  readonly alpn: string | null;
  /** The name that the client asked for (SNI); null without. */
  readonly servername: string | null;
  /** Whether the connection was lost before the answer was complete. */
  aborted: boolean;
  /** When it arrived. */
  readonly time: Date;
}
