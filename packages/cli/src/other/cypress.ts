import { Findings } from './entry.ts';
import { Code } from './literal.ts';
import { findLists, isComputed, isJson, notThat, placeOf, textOf } from './settings.ts';

/**
 * Cypress' `clientCertificates`: `[{ url, ca: [], certs: [{ cert, key, passphrase } | { pfx, passphrase }] }]`, in
 * JSON or in its config. A passphrase there is the path of a file that holds it; a URL without a port, or with 443,
 * is any port.
 *
 * @see https://docs.cypress.io/app/references/client-certificates
 */
export function readCypress(text: string): Findings {
  const list = findLists(text, 'clientCertificates');
  if (list === undefined)
    throw notThat(
      'no list "clientCertificates" as Cypress takes it is written down in it',
      'Give the file in which the list itself stands: nothing of a program is run.',
    );
  const found = new Findings();
  for (const [index, each] of list.entries()) {
    const where = `entry ${index + 1}`;
    const url = isJson(each) ? textOf(each.url) : undefined;
    if (each instanceof Code || (isJson(each) && (isComputed(each.url) || isComputed(each.certs)))) {
      found.leave(where, 'its URL or certificates are put together when Cypress runs: write them out');
      continue;
    }
    if (!isJson(each) || url === undefined || !Array.isArray(each.certs))
      throw notThat(`${where} of the list has no "url" and "certs"`);
    found.leaveUnknown(where, each, ['url', 'ca', 'certs']);
    const certs: unknown[] = each.certs;
    const hosts = hostsOf(url, where, found);
    const ca = [each.ca ?? []].flat().flatMap((file) => placeOf(file, `"ca" of ${where}`, found) ?? []);
    for (const [count, held] of certs.entries()) {
      if (!isJson(held)) throw notThat(`${where} has a certificate that is no object`);
      const which = certs.length > 1 ? `certificate ${count + 1} of ${where}` : where;
      if (count > 0) {
        found.leave(which, 'a host gets one certificate: make it a rule of its own');
        continue;
      }
      found.leaveUnknown(which, held, ['cert', 'key', 'pfx', 'passphrase']);
      const passphrase = placeOf(held.passphrase, `"passphrase" of ${which}`, found);
      const hasPfx = textOf(held.pfx) !== undefined;
      if (hasPfx && textOf(held.cert) !== undefined)
        found.leave(`"cert" of ${which}`, 'it has "pfx" as well, and one of them goes to a host');
      found.entries.push({
        hosts,
        ...(hasPfx
          ? { pfx: placeOf(held.pfx, `"pfx" of ${which}`, found) }
          : {
              cert: placeOf(held.cert, `"cert" of ${which}`, found),
              key: placeOf(held.key, `"key" of ${which}`, found),
            }),
        ...(passphrase !== undefined && 'path' in passphrase && { passphrase: { file: passphrase.path } }),
        ...(ca.length > 0 && { ca }),
      });
    }
  }
  return found;
}

function hostsOf(url: string, where: string, found: Findings): string[] {
  if (url === '*' || url === 'https://*') return ['*'];
  if (!URL.canParse(url)) throw notThat(`"url" of ${where} is no URL`);
  const { protocol, hostname, port, pathname } = new URL(url);
  if (protocol !== 'https:') {
    found.leave(`"url" of ${where}`, 'only https: has certificates');
    return [];
  }
  if (!/^\/\**$/.test(pathname))
    found.leave(`the path of ${where}`, 'TLS knows no paths: it goes to the host');
  return [found.hostOf('Cypress', hostname, port === '' ? '*' : port) ?? []].flat();
}
