import { type Entry, Findings } from './entry.ts';
import { isJson, notThat, parseYaml, placeOf, secretOf, textOf } from './settings.ts';

/**
 * Bruno's client certificates: `bruno.json` of a collection, `opencollection.yml`, or the file of
 * `bru run --client-cert-config`: `{ enabled, certs: [{ domain, type, certFilePath, keyFilePath, pfxFilePath,
 * passphrase }] }`. A domain without a port is any port.
 *
 * @see https://docs.usebruno.com/bru-cli/commandOptions
 */
export async function readBruno(text: string): Promise<Findings> {
  const [value] = await parseYaml(text);
  const config = isJson(value) && isJson(value.config) ? value.config : value;
  const held = isJson(config) ? (config.clientCertificates ?? config) : config;
  const list = Array.isArray(held) ? held : isJson(held) ? held.certs : undefined;
  if (!Array.isArray(list)) throw notThat('it holds no clientCertificates as Bruno writes them');
  const found = new Findings();
  if (isJson(held)) {
    found.leaveUnknown('clientCertificates', held, ['enabled', 'certs']);
    if (held.enabled === false)
      found.leave(
        '"enabled": false of clientCertificates',
        'the certificates are taken all the same, as Bruno does',
      );
  }
  for (const [index, each] of list.entries()) {
    const where = `entry ${index + 1}`;
    if (!isJson(each)) throw notThat(`${where} of the list is no object`);
    if (each.disabled === true) {
      found.leave(where, 'it is disabled in Bruno');
      continue;
    }
    found.leaveUnknown(where, each, [...PLACES, 'domain', 'type', 'passphrase', 'disabled', 'name', 'uid']);
    found.entries.push(entryOf(each, where, found));
  }
  if (isJson(config)) takeProxy(config.proxy, found);
  return found;
}

const PLACES = [
  'certFilePath',
  'keyFilePath',
  'pfxFilePath',
  'certificateFilePath',
  'privateKeyFilePath',
  'pkcs12FilePath',
];

function entryOf(each: Readonly<Record<string, unknown>>, where: string, found: Findings): Entry {
  const isPfx =
    each.type === 'pfx' || each.type === 'pkcs12' || (each.type === undefined && each.pfxFilePath);
  const place = (...names: string[]) => {
    const name = names.find((key) => textOf(each[key]) !== undefined);
    return name === undefined ? undefined : placeOf(each[name], `"${name}" of ${where}`, found);
  };
  return {
    name: textOf(each.name),
    hosts: hostsOf(each.domain, where, found),
    ...(isPfx
      ? { pfx: place('pfxFilePath', 'pkcs12FilePath') }
      : {
          cert: place('certFilePath', 'certificateFilePath'),
          key: place('keyFilePath', 'privateKeyFilePath'),
        }),
    passphrase: secretOf(each.passphrase),
  };
}

/** What is longer is no name, and takes long to take apart. */
const LONGEST_DOMAIN = 500;

function hostsOf(domain: unknown, where: string, found: Findings): string[] {
  const [, scheme = 'https', host = '', port = '*', path] =
    /^(?:([a-z]+):\/\/)?(\[[^\]]+\]|\{\{.*?\}\}[^/:]*|[^/:]+)(?::(\d+|\*))?(\/.*)?$/i.exec(
      textOf(domain)?.trim().slice(0, LONGEST_DOMAIN) ?? '',
    ) ?? [];
  if (host === '') throw notThat(`${where} of the list has no "domain"`);
  if (!/^(?:https|wss|grpcs?)$/i.test(scheme)) {
    found.leave(`"domain" of ${where}`, 'only https: has certificates');
    return [];
  }
  if (path !== undefined && !/^\/\**$/.test(path))
    found.leave(`the path of ${where}`, 'TLS knows no paths: it goes to the host');
  return [found.hostOf('Bruno', host, port) ?? []].flat();
}

function takeProxy(proxy: unknown, found: Findings): void {
  const held =
    isJson(proxy) && isJson(proxy.config) ? { ...proxy.config, enabled: proxy.inherit === false } : proxy;
  if (!isJson(held) || held.enabled !== true) return;
  const [protocol, hostname, port] = [held.protocol ?? 'http', held.hostname, held.port].map(String);
  if (/[{}]/.test(`${hostname}${port}`)) found.leave('the proxy', 'it is put together when Bruno runs');
  else found.takeProxy(`${protocol}://${hostname}${/^\d+$/.test(port!) ? `:${port}` : ''}`);
  if (isJson(held.auth) && held.auth.enabled === true)
    found.leave('user and password of the proxy', 'write proxy: { url, authorization: { "env": … } }');
  if (textOf(held.bypassProxy))
    found.leave('the hosts that go past the proxy', 'proxy: "env" with NO_PROXY has such a list');
}
