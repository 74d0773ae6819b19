import { latePattern } from '../late-pattern.ts';
import { isPlausible } from '../quote.ts';
import { formatHost, isIP, LONGEST_WRITTEN, normaliseHost } from './host.ts';

/** What a key under `hosts` names, normalised. */
export interface HostPattern {
  /** The host, or, for a wildcard, what stands after `*.`. */
  readonly host: string;
  readonly port: number | '*';
  /** `*.`: exactly one whole label before `host`. */
  readonly wildcard: boolean;
}

/** A pattern, or what is wrong with it and what to write instead. */
export type ParsedPattern =
  | { readonly pattern: HostPattern; readonly problem: undefined }
  | { readonly pattern: undefined; readonly problem: string };

/**
 * Reads one host pattern: `api.bank.example` (port 443), `api.bank.example:8443`, `api.bank.example:*`
 * (any port), `*.bank.example` (one whole label), `[2001:db8::1]:8443`.
 *
 * @param defaultPort The port where none is written: 443, or `'*'` for a rule that denies.
 *
 * Whether a wildcard stands over a public suffix is decided by `findPublicSuffixes`, which needs a list.
 */
export function parsePattern(text: string, defaultPort: number | '*' = 443): ParsedPattern {
  if (text.length > LONGEST_WRITTEN) return refused(TOO_LONG);
  const shape = SHAPES.find(({ test }) => test.test(text));
  if (shape) return refused(shape.problem(text));
  const { rest, port: portText } = splitPort(text);
  const port = portText === undefined ? defaultPort : parsePort(portText);
  if (port === undefined) {
    const advice = isPlausible(text, 'host') ? `: write ${quote(`${rest}:8443`)}` : '';
    return refused(`the port is a number from 1 to 65535, or * for any${advice}`);
  }
  const wildcard = rest.startsWith('*.');
  const written = wildcard ? rest.slice(2) : rest;
  if (written.includes('*')) return refused(wildcardProblem(rest));
  const host = normaliseHost(written);
  if (host === undefined) return refused(hostProblem(written));
  const ambiguity = portText === undefined ? findPortLike(written) : undefined;
  if (ambiguity !== undefined) return refused(ambiguity);
  if (written.includes('%')) {
    return refused(
      `a zone id names an interface of one machine: write ${quote(written.replace(/%[^\]]*/, ''))}`,
    );
  }
  if (wildcard && isAddress(host)) {
    return refused(`${quote('*.')} cannot stand before an IP address: write ${quote(formatHost(host))}`);
  }
  return { pattern: { host, port, wildcard }, problem: undefined };
}

/** `::1:8443` is an address as well as one with a port: nobody who reads it knows which was meant. */
function findPortLike(text: string): string | undefined {
  const colon = text.lastIndexOf(':');
  const [address, port] = [text.slice(0, colon), text.slice(colon + 1)];
  if (isIP(address) !== 6 || !/^[1-9]\d{1,3}$/.test(port)) return undefined;
  return `this may be an address or an address with a port: write ${quote(`[${address}]:${port}`)} or ${quote(`[${text}]`)}`;
}

function refused(problem: string): ParsedPattern {
  return { pattern: undefined, problem };
}

/** A pattern in its normalised spelling: equal for two patterns that name the same target. */
export function formatPattern({ host, port, wildcard }: HostPattern): string {
  return `${wildcard ? '*.' : ''}${formatHost(host, port)}`;
}

/** Whether a host in the compared spelling is an IPv4 or IPv6 address. No name ends in a number. */
function isAddress(host: string): boolean {
  return host.includes(':') || /(^|\.)\d+$/.test(host);
}

interface Shape {
  readonly test: RegExp;
  problem(text: string): string;
}

/** Spellings that are common elsewhere and not a host pattern here; the first that fits explains itself. */
const SHAPES: readonly Shape[] = [
  { test: /^\s*$/, problem: () => 'the host is empty: write a host name, such as "api.bank.example"' },
  {
    test: /^[a-z][a-z\d+.-]*:[/\\]{2}/i,
    problem: (text) => `a host stands without scheme, path, query or credentials: ${instead(text)}`,
  },
  {
    test: /[,;\s]/,
    problem: () => 'one entry names one host: write one entry for each, without spaces, commas or semicolons',
  },
  { test: /@/, problem: () => `a host stands without credentials: ${EXAMPLE}` },
  {
    test: /[/\\?#]/,
    problem: (text) =>
      `a host stands without path or query, a rule holds for the whole host: ${instead(`https://${text}`)}`,
  },
  {
    test: /^\*(:(\d+|\*))?$/,
    problem: () => 'a bare "*" would present a certificate to every host: write `default` if that is meant',
  },
  {
    test: /^\.[^.]/,
    problem: (text) =>
      isPlausible(text, 'host')
        ? `write ${quote(`*${text}`)} for one label before it, ${quote(text.slice(1))} for the host itself`
        : 'a host does not begin with a dot',
  },
];

/** Splits off `:port`; an IPv6 address without brackets has none. */
function splitPort(text: string): { rest: string; port: string | undefined } {
  const bracket = text.startsWith('[') ? text.indexOf(']') : -1;
  const colon = text.indexOf(':', bracket + 1);
  if (colon < 0) return { rest: text, port: undefined };
  if (bracket < 0 && text.indexOf(':', colon + 1) >= 0) return { rest: text, port: undefined };
  return { rest: text.slice(0, colon), port: text.slice(colon + 1) };
}

function parsePort(text: string): number | '*' | undefined {
  if (text === '*') return '*';
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65535 ? port : undefined;
}

function wildcardProblem(host: string): string {
  const rest = host.slice(host.lastIndexOf('*') + 1).replace(/^[^.]*\.?/, '');
  const suggestion = rest === '' || !isPlausible(host, 'host') ? '' : `: write ${quote(`*.${rest}`)}`;
  return `"*" stands for one whole label and only as the left-most one${suggestion}`;
}

function hostProblem(host: string): string {
  const lower = host.toLowerCase();
  if (lower.includes('..')) return 'the host has an empty label: remove the doubled dot';
  if (/^[\d.]+$/.test(host)) return 'this reads as an IPv4 address and is not one';
  if (host.includes(':') || host.startsWith('[')) {
    return 'this is neither a host with a port nor an IPv6 address: write "host:8443" or "[2001:db8::1]:8443"';
  }
  if (host.length > 253) return TOO_LONG;
  const [stray] = STRAY().exec(lower) ?? [];
  return stray === undefined
    ? 'this is not a host name'
    : `this is not a host name: none has a ${quote(stray)} in it`;
}

const TOO_LONG = 'no host name is longer than 253 characters';

const STRAY = latePattern(String.raw`[^\p{L}\p{M}\p{N}.\-]`);

const EXAMPLE = 'write the host alone, such as "api.bank.example"';

/**
 * The host and port of something that reads as a URL, as a pattern. Where a "@" stands behind the host, a "/" in a
 * password has ended it too soon; a host of one label after which something follows may be the head of a secret.
 */
function instead(text: string): string {
  const wildcard = text.includes('://*.');
  const plain = text.replace('://*.', '://');
  const url = URL.canParse(plain) ? new URL(plain) : undefined;
  if (!url || !/[.:]|^localhost$/.test(url.hostname) || url.hostname.includes('*')) return EXAMPLE;
  if (`${url.pathname}${url.search}${url.hash}`.includes('@')) return EXAMPLE;
  return `write ${quote(`${wildcard ? '*.' : ''}${url.host}`)}`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
