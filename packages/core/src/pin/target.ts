import { ClientCertificateError } from '../errors.ts';
import { isPlausible, quote } from '../quote.ts';
import type { Target } from '../types.ts';
import { isUrl } from '../url.ts';
import { normaliseHost } from './host.ts';

/** Where a call goes, in the compared spelling. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  /** False for `http:` and `ws:`, where there is no handshake to present a certificate in. */
  readonly secure: boolean;
}

/** A {@link Destination} and the name under which the call is made. */
export interface CheckedTarget extends Destination {
  /** The service's name, or `false` where the request asks for no certificate. */
  readonly service: string | false | undefined;
  /** The origin that the caller's own request named; `undefined`: this target itself. */
  readonly origin: Destination | undefined;
}

/**
 * Reads what `resolve` and `explain` take: a URL, a URL as text, or `{ host, port, service, origin }`.
 * Only the object's own properties count.
 *
 * @throws `ERR_CLIENTCERT_HOST_INVALID`
 */
export function parseTarget(target: Target): CheckedTarget {
  if (typeof target === 'string' || isUrl(target)) {
    const { host, port, secure } = parseOrigin(target);
    return { host, port, secure, service: undefined, origin: undefined };
  }
  if (typeof target !== 'object' || target === null) throw noHost();
  const host = own(target, 'host');
  const service = own(target, 'service');
  const origin = own(target, 'origin');
  if (typeof host !== 'string') throw noHost();
  return {
    host: checkHost(host),
    port: checkPort(own(target, 'port')),
    secure: true,
    service,
    origin: origin === undefined ? undefined : parseOrigin(origin),
  };
}

/**
 * The host and port of a URL.
 *
 * @throws `ERR_CLIENTCERT_HOST_INVALID`
 */
export function parseOrigin(origin: string | URL): Destination {
  const url = isUrl(origin) ? origin : parseUrl(origin);
  const scheme = SCHEMES.get(url.protocol);
  if (scheme === undefined) {
    // In `user:password@host` the user would be the scheme.
    const isUrl = url.href.startsWith(`${url.protocol}//`) && url.username === '' && url.password === '';
    const host = isUrl && isPlausible(url.host, 'host') && url.host !== '' ? url.host : 'api.bank.example';
    throw invalid(
      `no certificate is chosen by ${isUrl ? `a ${JSON.stringify(url.protocol)} URL` : 'what is no https: URL'}`,
      `Write https://${host}, or pass { host, port } for another protocol over TLS.`,
    );
  }
  const port = url.port === '' ? scheme.port : Number(url.port);
  return { host: checkHost(url.hostname), port, secure: scheme.secure };
}

/**
 * A host in the compared spelling.
 *
 * @throws `ERR_CLIENTCERT_HOST_INVALID`
 */
export function checkHost(text: string): string {
  const host = normaliseHost(text);
  if (host !== undefined) return host;
  throw invalid(
    `${quote(text, 'host')} is not a host name or IP address`,
    'Pass the host alone, without scheme, port, path or credentials, or pass a URL.',
  );
}

/** A port as Node's clients take it; 443 where there is none. */
export function checkPort(port: number | string | null | undefined): number {
  if (port === undefined || port === null || port === '') return 443;
  const value = typeof port === 'string' && /^\d{1,5}$/.test(port) ? Number(port) : port;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 65535) {
    throw invalid('the port of the target is not a number from 0 to 65535', 'Pass { host, port: 8443 }.');
  }
  return value;
}

const SCHEMES: ReadonlyMap<string, { port: number; secure: boolean }> = new Map([
  ['https:', { port: 443, secure: true }],
  ['wss:', { port: 443, secure: true }],
  ['http:', { port: 80, secure: false }],
  ['ws:', { port: 80, secure: false }],
]);

type TargetObject = Exclude<Target, string | URL>;

function own<Key extends keyof TargetObject>(target: TargetObject, key: Key): TargetObject[Key] | undefined {
  return Object.hasOwn(target, key) ? target[key] : undefined;
}

function parseUrl(text: unknown): URL {
  if (typeof text === 'string' && URL.canParse(text)) return new URL(text);
  // It is not repeated: it may hold credentials.
  throw invalid(
    'the target is not a URL',
    'Write it with its scheme, such as https://api.bank.example:8443.',
  );
}

function noHost(): ClientCertificateError {
  return invalid('the target names no host', 'Pass a URL, or { host, port, service }.');
}

function invalid(message: string, hint: string): ClientCertificateError {
  return new ClientCertificateError('ERR_CLIENTCERT_HOST_INVALID', message, { hint });
}
