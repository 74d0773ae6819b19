import { readFileSync } from 'node:fs';

const path = new URL('../../packages/core/schema/clientcert.schema.json', import.meta.url);

/** An option: its name, what may be written, and what holds where it is not. */
export interface Option {
  name: string;
  type: string;
  fallback: string;
  description: string;
}

/** The options that stand in one place. */
export interface Group {
  id: string;
  title: string;
  options: Option[];
}

interface Schema {
  description?: string;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  items?: Schema;
}

declare const data: Group[];

export { data };

export default {
  watch: [path.pathname],
  /** Every option that the published schema describes, each once: rules of hosts, of services and `default` are one. */
  load: (): Group[] => {
    const { certificates, hosts, services, ...rest } = propertiesOf(JSON.parse(readFileSync(path, 'utf8')));
    const source = propertiesOf(entryOf(certificates!));
    const rule = propertiesOf(entryOf(hosts!));
    const ofServices = Object.entries(propertiesOf(entryOf(services!))).filter(([name]) => !(name in rule));
    return [
      group('config', 'The config', {
        certificates: certificates!,
        hosts: hosts!,
        services: services!,
        ...rest,
      }),
      group('source', 'A certificate: certificates.NAME', source),
      group('passphrase', 'A passphrase that is kept elsewhere', propertiesOf(source.passphrase!)),
      group('rule', 'A rule: hosts.HOST, services.NAME, default', rule),
      group('service', 'Of a service alone: services.NAME', Object.fromEntries(ofServices)),
      group('tls', 'TLS versions: tls', propertiesOf(rule.tls!)),
      group('proxy', 'A proxy with more than a URL: proxy', propertiesOf(rest.proxy!)),
      group('watch', 'Watching files: watch', propertiesOf(rest.watch!)),
    ];
  },
};

function group(id: string, title: string, properties: Record<string, Schema>): Group {
  const options = Object.entries(properties).flatMap(([name, schema]): Option[] => {
    const { description = '' } = schema;
    if (description === '') return [];
    const fallback = /\((.+?) unless written\)/.exec(description)?.[1] ?? '';
    const text = description.replace(/ \(.+? unless written\)/, '').replaceAll('`', '');
    return [{ name, type: typeOf(schema), fallback, description: text }];
  });
  return { id, title, options };
}

/** The properties of an object, or of the one object among several forms. */
function propertiesOf(schema: Schema): Record<string, Schema> {
  if (schema.properties) return schema.properties;
  for (const each of schema.anyOf ?? []) {
    const found = propertiesOf(each);
    if (Object.keys(found).length > 0) return found;
  }
  return {};
}

/** What stands under each name of a record. */
function entryOf({ additionalProperties }: Schema): Schema {
  return typeof additionalProperties === 'object' ? additionalProperties : {};
}

function typeOf({
  type,
  const: only,
  enum: values,
  properties,
  additionalProperties,
  anyOf,
  items,
}: Schema): string {
  if (only !== undefined) return JSON.stringify(only);
  if (values) return values.map((value) => JSON.stringify(value)).join(' | ');
  if (anyOf) return [...new Set(anyOf.map(typeOf))].join(' | ');
  if (items) return `list of ${typeOf(items)}`;
  if (properties) return namesOf(Object.keys(properties));
  if (typeof additionalProperties === 'object') return 'object, by name';
  return type ?? 'anything';
}

/** The first names: all of them have a table of their own. */
function namesOf(names: string[]): string {
  return `{ ${names.length > 4 ? `${names.slice(0, 3).join(', ')}, …` : names.join(', ')} }`;
}
