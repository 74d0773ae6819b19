import { Findings } from './entry.ts';
import { Code } from './literal.ts';
import {
  findLists,
  isComputed,
  isJson,
  leaveIfSet,
  notThat,
  parseJson,
  placeOf,
  secretOf,
  textOf,
} from './settings.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * The certificate list of Postman's command line, Newman (`--ssl-client-cert-list`):
 * `[{ "name", "matches": ["https://host/*"], "cert": { "src" }, "key": { "src" }, "passphrase" }]`, or the
 * `certificate` of each request in a collection (`item[].request.certificate`, in folders too).
 *
 * @see https://github.com/postmanlabs/newman#using-ssl-client-certificates
 * @see https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html
 */
export function readPostman(text: string): Findings {
  const value = parseJson(text);
  const list = Array.isArray(value)
    ? value
    : isJson(value) && Array.isArray(value.certificates)
      ? value.certificates
      : isJson(value) && Array.isArray(value.item)
        ? certificatesOf(value)
        : undefined;
  if (list === undefined || list.length === 0)
    throw notThat(
      'a list of certificates as `newman run --ssl-client-cert-list` takes it',
      'Postman keeps its certificates to itself, and exports none: write them into such a list.',
    );
  const found = new Findings();
  for (const [index, each] of list.entries()) {
    const where = `entry ${index + 1}`;
    if (!isJson(each) || !Array.isArray(each.matches)) throw notThat(`${where} of the list has no "matches"`);
    found.leaveUnknown(where, each, ['name', 'matches', 'pfx', 'cert', 'key', 'passphrase', 'id']);
    found.entries.push({
      name: textOf(each.name),
      hosts: each.matches.flatMap((match) => hostOfMatch(match, where, found)),
      pfx: source(each.pfx, `"pfx" of ${where}`, found),
      cert: source(each.cert, `"cert" of ${where}`, found),
      key: source(each.key, `"key" of ${where}`, found),
      passphrase: secretOf(each.passphrase),
    });
  }
  return found;
}

/**
 * Playwright's `clientCertificates`: the list itself, or where it stands in a config, JSON or program.
 *
 * @see https://playwright.dev/docs/api/class-testoptions#test-options-client-certificates
 */
export function readPlaywright(text: string): Findings {
  const list = findLists(text, 'clientCertificates');
  if (list === undefined)
    throw notThat(
      'no list "clientCertificates" as Playwright takes it is written down in it',
      'Give the file in which the list itself stands: nothing of a program is run.',
    );
  const found = new Findings();
  const known = ['origin', 'certPath', 'cert', 'keyPath', 'key', 'pfxPath', 'pfx', 'passphrase'];
  for (const [index, each] of list.entries()) {
    const where = `entry ${index + 1}`;
    if (each instanceof Code || (isJson(each) && isComputed(each.origin))) {
      found.leave(where, 'its origin is put together when Playwright runs: write it out');
      continue;
    }
    const origin = isJson(each) ? textOf(each.origin) : undefined;
    if (!isJson(each) || origin === undefined || !URL.canParse(origin))
      throw notThat(`${where} of the list has no "origin" that is a URL`);
    found.leaveUnknown(where, each, known);
    const { protocol, hostname, port } = new URL(origin);
    if (protocol !== 'https:') {
      found.leave(`${where}, ${origin}`, 'only https: has certificates');
      continue;
    }
    const host = found.hostOf('Playwright', hostname, port);
    found.entries.push({
      hosts: host === undefined ? [] : [host],
      pfx: placeOf(each.pfxPath ?? each.pfx, `"pfx" of ${where}`, found),
      cert: placeOf(each.certPath ?? each.cert, `"cert" of ${where}`, found),
      key: placeOf(each.keyPath ?? each.key, `"key" of ${where}`, found),
      passphrase: secretOf(each.passphrase),
    });
  }
  leaveIfSet(text, 'ignoreHTTPSErrors', 'servers are verified here: trust a private root with `ca`', found);
  leaveIfSet(text, 'proxy', 'write `proxy` into the config, if the program is to use it too', found);
  return found;
}

/** A match pattern of Postman's: `https://host:port/*`; a path in it is no part of what TLS knows. */
function hostOfMatch(match: unknown, where: string, found: Findings): string[] {
  const pattern = isJson(match) ? match.pattern : match;
  if (pattern === '<all_urls>') return ['*'];
  const [, scheme = '', host = '', port, path = '/*'] =
    /^([a-z*+]+):\/\/(\*\.[^/:*]+|\*|\[[^\]]+\]|[^/:*]+)(?::(\d+|\*))?(\/.*)?$/i.exec(String(pattern)) ?? [];
  if (host === '') throw notThat(`a pattern in "matches" of ${where} names no host with https`);
  if (!/^(?:https|\*|https?\+https?)$/i.test(scheme)) {
    found.leave(`${scheme}://${host} of ${where}`, 'only https: has certificates');
    return [];
  }
  if (!/^\/\*?$/.test(path))
    found.leave(`the path of ${host} in ${where}`, 'TLS knows no paths: it goes to the host');
  return [found.hostOf('Postman', host, port) ?? []].flat();
}

function certificatesOf(value: Json, depth = 0): unknown[] {
  const request = isJson(value.request) ? value.request : {};
  const own = [value.certificate, request.certificate].filter(isJson).map((certificate) =>
    // A certificate that says nothing of hosts is that of its request's.
    Array.isArray(certificate.matches) ? certificate : { ...certificate, matches: originOf(request.url) },
  );
  const items = Array.isArray(value.item) && depth < 50 ? value.item : [];
  return [...own, ...items.flatMap((item: unknown) => (isJson(item) ? certificatesOf(item, depth + 1) : []))];
}

/** As a match pattern: of a request's URL, which is a text or has one as `raw`. */
function originOf(url: unknown): string[] | undefined {
  const [origin] = /^https?:\/\/[^/?#]+/i.exec(String(isJson(url) ? url.raw : url)) ?? [];
  return origin === undefined ? undefined : [`${origin}/*`];
}

function source(value: unknown, where: string, found: Findings) {
  return placeOf(isJson(value) ? value.src : value, where, found);
}
