import { X509Certificate } from 'node:crypto';
import { UsageError } from '../command.ts';
import { bold, dim } from '../paint.ts';
import { count, dayOf, jsonOf, nameOf, printJson, safe } from '../text.ts';
import { type Entry, P11Tool } from './p11tool.ts';

/** What `--json` prints of one token. */
interface TokenReport {
  label: string;
  manufacturer: string;
  model: string;
  serial: string;
  objects: ObjectReport[];
}

/** What has one `id` on a token: a certificate, a key, or both. */
interface ObjectReport {
  label: string;
  /** Hexadecimal pairs, as p11tool writes them. */
  id: string;
  /** What p11tool says of the key: `RSA-2048`. */
  type: string;
  /** What `key` in a config is. */
  key: string;
  certificate: { subject: string; validTo: string; fingerprint256: string; uri: string } | null;
}

/** Prints what a PKCS#11 module offers, and what to write to use it. */
export async function listTokens(
  module: string | undefined,
  json: boolean | undefined,
  exit: (code: number) => void,
): Promise<void> {
  const tool = new P11Tool(module);
  const reports: TokenReport[] = [];
  for (const token of await tool.tokens()) {
    const report = await describeToken(tool, token);
    if (report) reports.push(report);
  }
  if (reports.length === 0)
    throw new UsageError(
      'the module shows no token',
      'Is it plugged in, and initialised? Name its module by its path: clientcert tokens /usr/lib/…/opensc-pkcs11.so',
    );
  if (json) printJson({ tokens: reports });
  else for (const report of reports) printToken(report, module);
  exit(0);
}

async function describeToken(tool: P11Tool, token: Entry): Promise<TokenReport | undefined> {
  // What p11-kit brings itself is a list of authorities.
  if (/trust/i.test(token.fields.get('Type') ?? '')) return undefined;
  const objects = new Map<string, ObjectReport>();
  for (const entry of await tool.objects(token)) {
    const type = attributeOf(entry.uri, 'type');
    if (!['cert', 'public', 'private'].includes(type ?? '')) continue;
    const id = attributeOf(entry.uri, 'id');
    const object = attributeOf(entry.uri, 'object');
    const place = id ?? `object ${object}`;
    const report = objects.get(place) ?? {
      label: entry.fields.get('Label') ?? '',
      id: entry.fields.get('ID') ?? '',
      type: /\((.*)\)/.exec(entry.fields.get('Type') ?? '')?.[1] ?? '',
      key: keyUri(attributeOf(entry.uri, 'token'), id, object),
      certificate: null,
    };
    objects.set(place, report);
    if (type === 'cert' && report.certificate === null)
      report.certificate = await readCertificate(tool, entry);
  }
  const { fields } = token;
  return {
    label: fields.get('Label') ?? '',
    manufacturer: fields.get('Manufacturer') ?? '',
    model: fields.get('Model') ?? '',
    serial: fields.get('Serial') ?? '',
    objects: [...objects.values()],
  };
}

async function readCertificate(tool: P11Tool, entry: Entry): Promise<ObjectReport['certificate']> {
  try {
    const { subject, validTo, fingerprint256 } = new X509Certificate(await tool.certificate(entry));
    return {
      subject: subject ?? '',
      validTo: new Date(validTo).toISOString(),
      fingerprint256,
      uri: entry.uri,
    };
  } catch {
    // One that Node cannot read: its key may be used all the same.
    return null;
  }
}

/** Of an attribute the value as it is written in a URI. */
export function attributeOf(uri: string, name: string): string | undefined {
  const found = uri.slice('pkcs11:'.length).split(/[;?&]/);
  return found.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
}

export function keyUri(
  token: string | undefined,
  id: string | undefined,
  object: string | undefined,
): string {
  const attributes = Object.entries({ token, object, id }).filter(([, value]) => value !== undefined);
  return `pkcs11:${attributes.map(([name, value]) => `${name}=${value}`).join(';')}`;
}

function printToken(
  { label, manufacturer, model, serial, objects }: TokenReport,
  module: string | undefined,
): void {
  console.log(bold(safe(label)));
  console.log(dim(safe(`  ${manufacturer}, ${model}, serial ${serial}`)));
  if (objects.length === 0) console.log('  shows no certificate and no key without a PIN');
  for (const { label: name, id, type, key, certificate } of objects) {
    const what =
      certificate === null
        ? `a key (${type}) without its certificate`
        : `${nameOf(certificate.subject)}, ${type}, until ${dayOf(new Date(certificate.validTo))}`;
    console.log(safe(`\n  ${name || '(no label)'}  id ${id}  ${what}`));
    const file = `${/^[\w.-]{1,40}$/.test(name) ? name : 'client'}.pem`;
    if (certificate !== null)
      console.log(
        safe(
          `    p11tool${module === undefined ? '' : ` --provider ${quoted(module)}`} --export ${quoted(certificate.uri)} --outfile ${file}`,
        ),
      );
    const source = { cert: file, key, pin: { env: 'TOKEN_PIN' } };
    console.log(safe(`    ${jsonOf(name || 'client')}: ${jsonOf(source)}`));
  }
  console.log(
    `\n  ${count(objects.length, 'object')}; private keys are not shown without a PIN, and none is asked for.`,
  );
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
