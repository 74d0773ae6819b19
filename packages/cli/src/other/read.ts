import { UsageError } from '../command.ts';
import type { Entry } from './entry.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * The certificate list of Postman's command line, Newman (`--ssl-client-cert-list`):
 * `[{ "name", "matches": ["https://host/*"], "cert": { "src" }, "key": { "src" }, "passphrase" }]`.
 *
 * @see https://github.com/postmanlabs/newman#using-ssl-client-certificates
 */
export function readPostman(value: unknown): Entry[] {
  const list = Array.isArray(value)
    ? value
    : isJson(value) && Array.isArray(value.certificates)
      ? value.certificates
      : undefined;
  if (list === undefined)
    throw notThat('a list of certificates as `newman run --ssl-client-cert-list` takes it');
  return list.map((each: unknown, index) => {
    if (!isJson(each) || !Array.isArray(each.matches))
      throw notThat(`entry ${index + 1} of the list has no "matches"`);
    return {
      name: text(each.name),
      hosts: each.matches.map((match) => hostOfMatch(match, index)),
      pfx: source(each.pfx),
      cert: source(each.cert),
      key: source(each.key),
      protected: typeof each.passphrase === 'string' && each.passphrase !== '',
    };
  });
}

/**
 * Playwright's `clientCertificates`, as JSON: the list itself, or under `use`.
 *
 * @see https://playwright.dev/docs/api/class-testoptions#test-options-client-certificates
 */
export function readPlaywright(value: unknown): Entry[] {
  const held = isJson(value)
    ? (value.clientCertificates ?? (isJson(value.use) ? value.use.clientCertificates : undefined))
    : value;
  if (!Array.isArray(held)) throw notThat('a list "clientCertificates" as Playwright takes it, in JSON');
  return held.map((each: unknown, index) => {
    const origin = isJson(each) ? text(each.origin) : undefined;
    if (!isJson(each) || origin === undefined || !URL.canParse(origin))
      throw notThat(`entry ${index + 1} of the list has no "origin" that is a URL`);
    return {
      hosts: [hostOf(new URL(origin))],
      pfx: text(each.pfxPath),
      cert: text(each.certPath),
      key: text(each.keyPath),
      protected: typeof each.passphrase === 'string' && each.passphrase !== '',
    };
  });
}

/** A match pattern of Postman's: `https://host:port/*`; a path in it is no part of what TLS knows. */
function hostOfMatch(match: unknown, index: number): string {
  const [, host = '', port] =
    /^https:\/\/(\*\.[^/:*]+|\[[^\]]+\]|[^/:*]+)(?::(\d+|\*))?(?:\/.*)?$/i.exec(String(match)) ?? [];
  if (host === '')
    throw notThat(`entry ${index + 1}: the pattern "${String(match)}" names no host with https`);
  return port === undefined ? host : `${host}:${port}`;
}

function hostOf({ hostname, port }: URL): string {
  return port === '' ? hostname : `${hostname}:${port}`;
}

function source(value: unknown): string | undefined {
  return isJson(value) ? text(value.src) : text(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notThat(what: string): UsageError {
  return new UsageError(`the file is not what it should be: ${what}`);
}
