import { isIPv6, type Socket } from 'node:net';
import { normaliseHost } from '../pin/host.ts';

/** Who asks: what is written for the proxy, or a user and password in its URL. */
interface ProxyAuthority {
  readonly url: URL;
  readonly authorization?: string | undefined;
}

/** What a proxy answered to CONNECT. */
export interface ConnectAnswer {
  readonly status: number;
  /** The reason phrase, safe to print. */
  readonly reason: string;
  /** The authentication schemes that a 407 offers, as the proxy writes them. */
  readonly schemes: readonly string[];
  /** What came after the answer: the first bytes of the tunnel. */
  readonly rest: Buffer;
}

/** Parts of a challenge that are looked at. */
const maxParts = 100;

/** Interim answers (1xx) that are waited through. */
const maxInterim = 8;

/** As much as Node reads of a header. */
const maxHeaderSize = 16_384;

/**
 * `host:port` as an authority, an IPv6 address in brackets, a name as the DNS has it: cut to bytes, other characters
 * would be line breaks (CWE-93).
 */
export function authorityOf(host: string, port: number | string): string {
  const ascii = /^[!-~]*$/.test(host) ? host : (normaliseHost(host) ?? '');
  return `${isIPv6(ascii) ? `[${ascii}]` : ascii}:${port}`;
}

/**
 * Asks the proxy at the other end of `socket`, which is connected, for a tunnel, and reads its answer.
 *
 * Written and read here and not by `http.request`: that keeps the header on objects which `util.inspect` reaches, and
 * tells it to `NODE_DEBUG` and to the channel `http.client.request.start`.
 *
 * @param answered Called with the answer, or with why there is none.
 * @see RFC 9110, section 9.3.6; RFC 9112, section 4
 */
export function requestTunnel(
  socket: Socket,
  proxy: ProxyAuthority,
  target: string,
  answered: (answer: ConnectAnswer | string) => void,
): void {
  const authorization = authorizationOf(proxy);
  if (authorization !== undefined && !isFieldValue(authorization)) {
    answered('its authorization holds characters that no header can hold');
    return;
  }
  let received = Buffer.alloc(0);
  const read = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const answer = parseAnswer(received);
    if (answer === undefined) return;
    finish(typeof answer === 'string' ? answer : withoutSecrets(answer, secretsIn(authorization)));
  };
  const end = () => finish('it closed the connection without an answer');
  const finish = (answer: ConnectAnswer | string) => {
    socket.off('data', read).off('end', end).off('close', end);
    socket.pause();
    answered(answer);
  };
  socket.on('data', read).on('end', end).on('close', end);
  const fields = authorization === undefined ? '' : `proxy-authorization: ${authorization}\r\n`;
  socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${fields}\r\n`, 'latin1');
}

/** The answer that begins these bytes, why they are none, or `undefined` as long as there may be one. */
export function parseAnswer(received: Buffer): ConnectAnswer | string | undefined {
  for (let from = 0, interim = 0; ; interim++) {
    const text = received.toString('latin1', from, from + maxHeaderSize);
    if (!isBeginning(text)) return 'it does not answer as an HTTP proxy does';
    const end = /\r?\n\r?\n/.exec(text);
    if (!end) return text.length < maxHeaderSize ? undefined : 'its answer has a header without end';
    const [first, ...fields] = text.slice(0, end.index).split(/\r?\n/);
    const [, code, reason = ''] = /^HTTP\/1\.\d (\d{3})(?: (.*))?$/.exec(first!) ?? [];
    if (code === undefined) return 'it does not answer as an HTTP proxy does';
    from += end.index + end[0].length;
    const status = Number(code);
    if (status < 200 && interim < maxInterim) continue;
    return {
      status,
      reason: reason.replace(/[^\x20-\x7e]/g, '').slice(0, 80),
      schemes: schemesOf(fields),
      rest: received.subarray(from),
    };
  }
}

function isBeginning(text: string): boolean {
  return 'HTTP/1.'.startsWith(text.slice(0, 7));
}

/** The schemes of `Proxy-Authenticate`, which may hold several challenges and stand several times. */
function schemesOf(fields: readonly string[]): string[] {
  const schemes = fields.flatMap((field) => {
    const [, challenges = ''] = /^proxy-authenticate:(.*)$/i.exec(field) ?? [];
    // Without quoted texts a comma ends a parameter, and what has no "=" directly behind it is a scheme.
    // One that does not end goes to the end: where it did not count, each quote would be tried for one.
    const parts = challenges.replace(/"(?:[^"\\]|\\.)*"?/g, '').split(',', maxParts);
    return parts.flatMap(
      (part) => /^\s*([\w!#$%&'*+.^`|~-]{1,30})(?=\s+\S|\s*$)(?!\s*=)/.exec(part)?.[1] ?? [],
    );
  });
  return [...new Map(schemes.map((scheme) => [scheme.toLowerCase(), scheme])).values()].slice(0, 8);
}

/** Value of `Proxy-Authorization`: what is written for the proxy, else Basic from the user and password in its URL. */
function authorizationOf({ url, authorization }: ProxyAuthority): string | undefined {
  if (authorization !== undefined) return authorization;
  if (!url.username && !url.password) return undefined;
  const user = `${decode(url.username)}:${decode(url.password)}`;
  return `Basic ${Buffer.from(user).toString('base64')}`;
}

/** What is secret of it: all but its scheme, and of Basic user and password as they are. */
function secretsIn(authorization: string | undefined): string[] {
  if (authorization === undefined) return [];
  const [, scheme, credentials = authorization] = /^(\S+) +(.*)$/.exec(authorization) ?? [];
  if (scheme?.toLowerCase() !== 'basic') return [credentials];
  const pair = Buffer.from(credentials, 'base64').toString();
  return [credentials, pair, pair.slice(pair.indexOf(':') + 1)].filter((secret) => secret !== '');
}

/** A proxy may repeat what it was told, and what it says stands in the error. */
function withoutSecrets(answer: ConnectAnswer, secrets: readonly string[]): ConnectAnswer {
  const isSecret = (text: string) => secrets.some((secret) => repeats(text, secret));
  const { reason, schemes } = answer;
  return {
    ...answer,
    reason: isSecret(reason) ? '' : reason,
    schemes: schemes.filter((scheme) => !isSecret(scheme)),
  };
}

/** Whether a part of a secret stands in a text; a short one as a word, for letters stand in any. */
function repeats(text: string, secret: string): boolean {
  if (secret.length < leastPart) return text.split(/[^\w$!#%&*+.~-]+/).includes(secret);
  for (let at = 0; at + leastPart <= text.length; at++) {
    if (secret.includes(text.slice(at, at + leastPart))) return true;
  }
  return false;
}

/** Characters. */
const leastPart = 8;

/** A "%" that encodes nothing stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether a header can hold this text (RFC 9110, section 5.5). */
export function isFieldValue(text: string): boolean {
  return !/[^\t\x20-\x7e\x80-\xff]/.test(text);
}
