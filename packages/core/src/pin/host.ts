import { domainToASCII } from 'node:url';
import { latePattern } from '../late-pattern.ts';

/**
 * What may stand in a host name before WHATWG's host parser sees it. That parser itself drops tabs, stops
 * at `/`, `\`, `?` and `#`, and decodes `%`: in a host that did not come out of a URL these are a trick or a slip.
 */
const FORBIDDEN = latePattern(String.raw`[\p{Cc}\s#%/:<>?@[\\\]^|]`);
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;
const NAME = /^[a-z\d._-]+$/;
const LONGEST_NAME = 253;
/** As it may be written, with characters that IDNA drops: Node 20 takes a time for it that grows with the square. */
export const LONGEST_WRITTEN = 1024;

/**
 * Brings a host to the one spelling in which hosts are compared: lower case, IDNA A-labels, no trailing dot,
 * IPv6 compressed, without brackets and zone, IPv4 as four decimal numbers whether it was written `127.1`, `0x7f.1`
 * or as the IPv4-mapped IPv6 address that carries it. A zone is known on this machine alone (RFC 4007, section 6): a
 * rule for the address, `false` too, holds in each, as the server's certificate does.
 *
 * @returns The host, or `undefined` where the text is not a host.
 * @see WHATWG URL, section 3.5 (host parsing); RFC 4291, section 2.5.5.2 (IPv4-mapped addresses).
 */
export function normaliseHost(text: string): string | undefined {
  if (isPlain(text)) return text;
  if (text.length > LONGEST_WRITTEN) return undefined;
  if (text.startsWith('[')) return text.endsWith(']') ? normaliseIPv6(text.slice(1, -1)) : undefined;
  if (text.includes(':')) return normaliseIPv6(text);
  if (FORBIDDEN().test(text)) return undefined;
  const ascii = domainToASCII(text);
  const name = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii;
  // IDNA may map a character to a forbidden one or to nothing, and lets pass what no name in the DNS has ("!", "~").
  if (name.length > LONGEST_NAME || !NAME.test(name)) return undefined;
  return name.startsWith('.') || name.endsWith('.') || name.includes('..') ? undefined : name;
}

/** `host:port` as a person writes it: IPv6 in brackets. */
export function formatHost(host: string, port?: number | '*'): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? shown : `${shown}:${port}`;
}

/** What stands after the left-most label, or `''` for an address or a single label. */
export function parentOf(host: string): string {
  const dot = host.indexOf('.');
  return dot < 1 || host.includes(':') ? '' : host.slice(dot + 1);
}

/** True for names that are in the compared spelling already: most of them, and much cheaper than IDNA. */
function isPlain(text: string): boolean {
  const length = text.length;
  if (length === 0 || length > LONGEST_NAME) return false;
  let labelStart = 0;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code === 46) {
      if (index === labelStart) return false;
      labelStart = index + 1;
    } else if (!isPlainCode(code)) {
      return false;
    } else if (code === 45 && text.charCodeAt(index + 1) === 45) {
      return false; // perhaps an A-label, which has to be valid
    }
  }
  if (labelStart === length) return false;
  const last = text.charCodeAt(labelStart);
  return last < 48 || last > 57; // a last label that begins with a digit may be an IPv4 number
}

function isPlainCode(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 45 || code === 95;
}

/** To import `node:net` loads streams and sockets, and is a large part of what importing the package costs. */
export function isIP(text: string): number {
  return process.getBuiltinModule('node:net').isIP(text);
}

function normaliseIPv6(text: string): string | undefined {
  const zone = text.indexOf('%');
  const address = zone < 0 ? text : text.slice(0, zone);
  if (isIP(text) !== 6 || isIP(address) !== 6) return undefined;
  const compressed = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = MAPPED.exec(compressed);
  if (!mapped) return compressed;
  const bits = Number.parseInt(mapped[1]!, 16) * 65536 + Number.parseInt(mapped[2]!, 16);
  return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.');
}
