import { Findings } from './entry.ts';
import { isJson, notThat, parseJson, parseYaml, placeOf, secretOf, textOf } from './settings.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * Insomnia's client certificates: from its own `insomnia.ClientCertificate.db` (one JSON object a line, of which the
 * last of an `_id` holds), from exports of old versions, which had them in the workspace, and from what an export of
 * version 4 or 5 has of roots. Today's exports hold no client certificates.
 *
 * @see https://docs.insomnia.rest/insomnia/client-certificates
 */
export async function readInsomnia(text: string): Promise<Findings> {
  const { certificates, roots } = sort(linesOf(text) ?? (await parseYaml(text)));
  if (certificates.length === 0)
    throw notThat(
      roots.length > 0 ? 'it holds roots, and no client certificate' : 'it holds no client certificate',
      'Insomnia exports none: give insomnia.ClientCertificate.db, which lies in its data directory.',
    );
  const found = new Findings();
  for (const [index, each] of certificates.entries()) {
    const where = `entry ${index + 1}`;
    if (each.disabled === true) {
      found.leave(where, 'it is disabled in Insomnia');
      continue;
    }
    found.leaveUnknown(where, each, KNOWN);
    const place = (key: string) => {
      const value = textOf(each[key]);
      // Before it kept paths, Insomnia kept the files themselves.
      if (value === undefined || !/^(?:MI|LS0t)[A-Za-z0-9+/=\s]{200,}$/.test(value))
        return placeOf(value, `"${key}" of ${where}`, found);
      found.leave(`"${key}" of ${where}`, 'it is no path but the file itself: save it as one');
      return undefined;
    };
    found.entries.push({
      hosts: hostsOf(each.host, where, found),
      ...(textOf(each.pfx) !== undefined
        ? { pfx: place('pfx') }
        : { cert: place('cert'), key: place('key') }),
      passphrase: secretOf(each.passphrase),
    });
  }
  const ca = roots.flatMap((root, index) => {
    if (root.disabled === true) {
      found.leave(`root ${index + 1}`, 'it is disabled in Insomnia');
      return [];
    }
    return placeOf(root.path, `root ${index + 1}`, found) ?? [];
  });
  if (ca.length > 0) found.options.ca = ca;
  return found;
}

const KNOWN = [
  ...['host', 'passphrase', 'cert', 'key', 'pfx', 'disabled', 'isPrivate', 'meta'],
  ...['_id', '_type', 'type', 'parentId', 'created', 'modified', 'name', 'metaSortKey'],
];

/** Lines of JSON, as the database has them. */
function linesOf(text: string): unknown[] | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length < 2 && parseJson(text) === undefined) return undefined;
  const values = lines.map(parseJson);
  if (!values.every((value) => isJson(value) && '_id' in value)) return undefined;
  const last = new Map<unknown, unknown>();
  for (const value of values as Json[]) {
    if (value.$$deleted === true) last.delete(value._id);
    else last.set(value._id, value);
  }
  return [...last.values()];
}

function sort(documents: readonly unknown[]): { certificates: Json[]; roots: Json[] } {
  const all = documents.flatMap((document): unknown[] => {
    if (!isJson(document)) return [];
    const resources = Array.isArray(document.resources) ? document.resources : [document];
    return resources.flatMap((resource: unknown): unknown[] => {
      const own = isJson(resource) && Array.isArray(resource.certificates) ? resource.certificates : [];
      return [resource, ...own];
    });
  });
  const objects = all.filter(isJson);
  const isRoot = (each: Json) => textOf(each.path) !== undefined && each.host === undefined;
  return {
    certificates: objects.filter(
      (each) => 'host' in each && ['cert', 'pfx', 'key'].some((key) => key in each),
    ),
    roots: objects.filter(
      (each) => isRoot(each) && !('url' in each) && !('name' in each && 'method' in each),
    ),
  };
}

function hostsOf(host: unknown, where: string, found: Findings): string[] {
  const [, scheme = 'https', name = '', port] =
    /^(?:([a-z]+):\/\/)?(\[[^\]]+\]|[^/:]+)(?::(\d+|\*))?(?:\/.*)?$/i.exec(textOf(host)?.trim() ?? '') ?? [];
  if (name === '') throw notThat(`${where} has no "host"`);
  if (!/^(?:https|wss|grpcs?)$/i.test(scheme)) {
    found.leave(`"host" of ${where}`, 'only https: has certificates');
    return [];
  }
  return [found.hostOf('Insomnia', name, port) ?? []].flat();
}
