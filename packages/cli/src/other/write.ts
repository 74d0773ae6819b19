import { jsonOf, safe } from '../text.ts';
import { type Omitted, variableOf } from './entry.ts';

/** A host rule of a config with the files of its certificate. */
export interface ExportEntry {
  readonly name: string;
  /** As in `hosts`: `api.bank.example`, `*.tax.example:8443`, `api.bank.example:*`. */
  readonly pattern: string;
  readonly pfx: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: readonly string[];
  /** Whether nothing but `ca` is trusted. */
  readonly only: boolean;
  readonly tls: unknown;
  readonly spki: readonly string[];
  /** The environment variable that holds the passphrase, or the file. */
  readonly variable: string | undefined;
  readonly passphraseFile: string | undefined;
  readonly protected: boolean;
}

export interface Exported {
  readonly content: string;
  readonly variables: readonly string[];
  /** What a person has to do with `variables`. */
  readonly advice: string;
  readonly omitted: readonly Omitted[];
  /** What is written, and is not quite what the config says. */
  readonly notes?: readonly string[];
}

/** A module for Playwright's `use: { clientCertificates }`, which compares origins exactly. */
export function writePlaywright(entries: readonly ExportEntry[]): Exported {
  const omitted: Omitted[] = [];
  const written = entries.filter((entry) => {
    if (originOf(entry.pattern) === undefined)
      omitted.push({ what: entry.pattern, why: 'Playwright takes one origin, and no pattern' });
    return originOf(entry.pattern) !== undefined;
  });
  const blocks = written.map((entry) => {
    omitted.push(...leftOf(entry, { spki: true, tls: true, ca: true }, 'Playwright'));
    const variable = variableFor(entry);
    return [
      '  {',
      `    origin: ${jsonOf(originOf(entry.pattern))},`,
      ...(entry.pfx === undefined
        ? [`    certPath: ${jsonOf(entry.cert)},`, `    keyPath: ${jsonOf(entry.key ?? entry.cert)},`]
        : [`    pfxPath: ${jsonOf(entry.pfx)},`]),
      ...(variable ? [`    passphrase: process.env[${jsonOf(variable)}],`] : []),
      '  },',
    ].join('\n');
  });
  return {
    content: `/** For playwright.config: use: { clientCertificates }. */\nexport const clientCertificates = [\n${blocks.join('\n')}\n];\n`,
    variables: variablesOf(written),
    advice: 'Set these before Playwright starts:',
    omitted,
  };
}

/**
 * A module for Cypress' `clientCertificates`, which reads a passphrase from a file: where ours is in a variable, a file
 * of that name in the project's directory.
 */
export function writeCypress(entries: readonly ExportEntry[]): Exported {
  const omitted: Omitted[] = [];
  const files: string[] = [];
  const list = entries.map((entry) => {
    omitted.push(...leftOf(entry, { spki: true, tls: true }, 'Cypress'));
    const { host, port } = split(entry.pattern);
    if (port === undefined || port === '443')
      omitted.push({ what: `the port of ${entry.pattern}`, why: 'to Cypress 443 is every port' });
    const variable = variableFor(entry);
    const passphrase = entry.passphraseFile ?? (variable && `${variable}.txt`);
    if (passphrase !== undefined && entry.passphraseFile === undefined) files.push(passphrase);
    return {
      url: `https://${host}${port === undefined || port === '*' || port === '443' ? '' : `:${port}`}`,
      ...(entry.ca.length > 0 && { ca: entry.ca }),
      certs: [
        {
          ...(entry.pfx === undefined
            ? { cert: entry.cert, key: entry.key ?? entry.cert }
            : { pfx: entry.pfx }),
          ...(passphrase !== undefined && { passphrase }),
        },
      ],
    };
  });
  const held = jsonOf(list, 2);
  return {
    content: `/** For cypress.config: { clientCertificates }. Paths are relative to the project. */\nexport const clientCertificates = ${held};\n`,
    variables: [...new Set(files)],
    advice: 'Cypress reads each passphrase from a file. Make these, without a newline, for your eyes only:',
    omitted,
    notes: widened(entries, 'Cypress'),
  };
}

/** What `newman run --ssl-client-cert-list` takes. It knows no variables: passphrases are for a person to fill in. */
export function writePostman(entries: readonly ExportEntry[]): Exported {
  const omitted: Omitted[] = [];
  const written = entries.filter(({ pattern }) => {
    const { port } = split(pattern);
    if (port === '*')
      omitted.push({ what: pattern, why: 'Postman takes one port, 443 unless it is written' });
    return port !== '*';
  });
  const list = written.map((entry) => {
    const { name, pattern, pfx, cert, key } = entry;
    omitted.push(...leftOf(entry, { spki: true, tls: true, ca: true }, 'Postman'));
    const { host, port } = split(pattern);
    return {
      name,
      matches: [`https://${host}${port === undefined ? '' : `:${port}`}/*`],
      ...(pfx === undefined ? { key: { src: key ?? cert }, cert: { src: cert } } : { pfx: { src: pfx } }),
    };
  });
  const advice =
    'Newman takes a passphrase from this file alone, as "passphrase": put them in from these, and keep the file to yourself:';
  return {
    content: `${jsonOf(list, 2)}\n`,
    variables: variablesOf(written),
    advice,
    omitted,
    notes: widened(written, 'Postman'),
  };
}

/** A star is one label here. */
function widened(entries: readonly ExportEntry[], tool: string): string[] {
  return entries
    .filter(({ pattern }) => pattern.startsWith('*.'))
    .map(
      ({ name, pattern }) =>
        `${pattern} is wider there: in ${tool} the star stands for any number of labels, here for one, so that ` +
        `certificate "${name}" goes to deeper names, too`,
    );
}

/** A line for each host. The passphrase comes in over a pipe: an argument would be seen by every process. */
export function writeCurl(entries: readonly ExportEntry[]): Exported {
  const omitted: Omitted[] = [];
  const written = entries.filter(({ pattern }) => {
    if (originOf(pattern) === undefined)
      omitted.push({ what: pattern, why: 'curl calls one URL, and no pattern' });
    return originOf(pattern) !== undefined;
  });
  const lines = written.map((entry) => {
    omitted.push(...leftOf(entry, {}, 'curl'));
    if (entry.ca.length > 1)
      omitted.push({
        what: `${entry.ca.length} files of roots for ${entry.pattern}`,
        why: 'curl takes one: put them into one PEM file',
      });
    const variable = variableFor(entry);
    return [
      `# ${safe(entry.name)}`,
      [
        'curl',
        ...(entry.passphraseFile !== undefined
          ? [`--config <(printf 'pass = "%s"\\n' "$(cat ${quote(entry.passphraseFile)})")`]
          : variable
            ? [`--config <(printf 'pass = "%s"\\n' "$${variable}")`]
            : []),
        ...(entry.pfx === undefined
          ? [`--cert ${quote(colons(entry.cert!))}`]
          : [`--cert-type P12 --cert ${quote(colons(entry.pfx))}`]),
        ...(entry.key === undefined ? [] : [`--key ${quote(entry.key)}`]),
        ...(entry.ca.length === 1 ? [`--cacert ${quote(entry.ca[0]!)}`] : []),
        ...versionOptions(entry.tls),
        ...(entry.spki.length > 0
          ? [`--pinnedpubkey ${quote(entry.spki.map((pin) => pin.replace('sha256/', 'sha256//')).join(';'))}`]
          : []),
        quote(`${originOf(entry.pattern)}/`),
      ].join(' '),
    ].join('\n');
  });
  return {
    content: lines.length === 0 ? '' : `${lines.join('\n\n')}\n`,
    variables: variablesOf(written),
    advice: 'For bash or zsh. Set these first (a backslash stands before " and \\ in them):',
    omitted,
  };
}

/** What a tool has no way to say, of what a rule says. */
function leftOf(
  { pattern, spki, tls, ca, only }: ExportEntry,
  lacks: { spki?: boolean; tls?: boolean; ca?: boolean },
  tool: string,
): Omitted[] {
  const left: Omitted[] = [];
  const why = `${tool} has no way to say it for one host`;
  if (lacks.spki && spki.length > 0) left.push({ what: `"spki" at ${pattern}`, why });
  if (lacks.tls && tls !== undefined) left.push({ what: `"tls" at ${pattern}`, why });
  if (lacks.ca && ca.length > 0)
    left.push({ what: `"ca" at ${pattern}`, why: `${why}: NODE_EXTRA_CA_CERTS is read` });
  if (!lacks.ca && ca.length > 0 && !only)
    left.push({ what: `the usual roots at ${pattern}`, why: `to ${tool} "ca" stands in their place` });
  return left;
}

function versionOptions(tls: unknown): string[] {
  const { min, max } =
    typeof tls === 'string' ? { min: tls, max: tls } : ((tls ?? {}) as { min?: string; max?: string });
  const number = (version: string) => version.replace(/^TLSv1$/, 'TLSv1.0').replace('TLSv', '');
  return [
    ...(min === undefined ? [] : [`--tlsv${number(min)}`]),
    ...(max === undefined ? [] : [`--tls-max ${number(max)}`]),
  ];
}

/** A name that a shell would take apart is not put into its line. */
function variableFor({
  name,
  variable,
  passphraseFile,
  protected: isProtected,
}: ExportEntry): string | undefined {
  if (!isProtected || passphraseFile !== undefined) return undefined;
  return variable !== undefined && /^[A-Za-z_]\w*$/.test(variable) ? variable : variableOf(name);
}

function variablesOf(entries: readonly ExportEntry[]): string[] {
  return [...new Set(entries.flatMap((entry) => variableFor(entry) ?? []))];
}

function split(pattern: string): { host: string; port: string | undefined } {
  const [, host = pattern, port] = /^(.*?)(?::(\d+|\*))?$/.exec(pattern) ?? [];
  // Without brackets every colon is one of an IPv6 address.
  return host.includes(':') && !host.startsWith('[')
    ? { host: `[${pattern}]`, port: undefined }
    : { host, port };
}

function originOf(pattern: string): string | undefined {
  const { host, port } = split(pattern);
  if (host.startsWith('*') || port === '*') return undefined;
  return port === undefined || port === '443' ? `https://${host}` : `https://${host}:${port}`;
}

/** In the value of --cert a colon would begin the passphrase. */
function colons(path: string): string {
  return /^[a-z]:[\\/]/i.test(path) ? path : path.replace(/[\\:]/g, '\\$&');
}

function quote(argument: string): string {
  // Not as it is: it may be printed, and a terminal would obey it. As bash and zsh write bytes.
  if (safe(argument) !== argument)
    return `$'${[...Buffer.from(argument)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}'`;
  return /^[\w@%+=:,./-]+$/.test(argument) && !argument.startsWith('-')
    ? argument
    : `'${argument.replaceAll("'", "'\\''")}'`;
}
