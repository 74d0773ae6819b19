import { Findings } from './entry.ts';
import { Code, readProperty } from './literal.ts';
import { findLists, isJson, leaveIfSet, notThat, parseJson, placeOf, secretOf, textOf } from './settings.ts';
import { tlsOf } from './tls-versions.ts';

/**
 * The option `tlsAuth` of k6: `[{ domains, cert, key, password }]`, from a script, in which `open('bank.key')` reads
 * the file, or from JSON as `k6 run --config` takes it. A key that stands in it as text is not copied.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/k6-options/reference/#tls-auth
 */
export function readK6(text: string): Findings {
  const list = findLists(text, 'tlsAuth');
  if (list === undefined)
    throw notThat(
      'no list "tlsAuth" as k6 takes it is written down in it',
      'Give the script in which the list itself stands: nothing of it is run.',
    );
  const found = new Findings();
  for (const [index, each] of list.entries()) {
    const where = `entry ${index + 1}`;
    if (!isJson(each)) throw notThat(`${where} of the list is no object`);
    found.leaveUnknown(where, each, ['domains', 'cert', 'key', 'password']);
    const domains = each.domains ?? ['*'];
    if (!Array.isArray(domains)) throw notThat(`"domains" of ${where} is no list`);
    found.entries.push({
      hosts: domains.flatMap((domain: unknown) => {
        const name = textOf(domain);
        if (name !== undefined) return found.hostOf('k6', name, '*') ?? [];
        found.leave(`a domain of ${where}`, 'it is put together when k6 runs: write the host under hosts');
        return [];
      }),
      cert: placeOf(each.cert, `"cert" of ${where}`, found),
      key: placeOf(each.key, `"key" of ${where}`, found),
      passphrase: secretOf(each.password),
    });
  }
  takeVersion(text, found);
  leaveIfSet(
    text,
    'insecureSkipTLSVerify',
    'servers are verified here: trust a private root with `ca`',
    found,
  );
  leaveIfSet(text, 'tlsCipherSuites', "Node's own are used", found);
  return found;
}

function takeVersion(text: string, found: Findings): void {
  const json = parseJson(text);
  const value = isJson(json) ? json.tlsVersion : readProperty(text, 'tlsVersion')[0];
  if (value === undefined || value === null) return;
  const [min, max] = isJson(value) ? [value.min, value.max] : [value, value];
  const versions = [min, max].map(versionOf);
  if ([min, max].some((each, index) => each !== undefined && each !== '' && versions[index] === undefined))
    found.leave('"tlsVersion"', 'it is not known: write `tls` into the config');
  const tls = tlsOf(versions[0], versions[1]);
  if (tls !== undefined) found.options.tls = tls;
}

function versionOf(value: unknown): string | undefined {
  const text = value instanceof Code ? value.text : textOf(value);
  const minor = /^(?:http\.TLS_1_|tls1\.)([0-3])$/.exec(text?.trim() ?? '')?.[1];
  return minor === undefined ? undefined : minor === '0' ? 'TLSv1' : `TLSv1.${minor}`;
}
