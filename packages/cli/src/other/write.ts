import { variableOf } from './entry.ts';

/** A host rule of a config with the files of its certificate. */
export interface ExportEntry {
  readonly name: string;
  /** As in `hosts`: `api.bank.example`, `*.tax.example:8443`, `api.bank.example:*`. */
  readonly pattern: string;
  readonly pfx: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
  /** The environment variable that holds the passphrase. */
  readonly variable: string | undefined;
  readonly protected: boolean;
}

export interface Exported {
  readonly content: string;
  readonly variables: readonly string[];
  /** What a person has to do with `variables`. */
  readonly advice: string;
  readonly omitted: readonly { what: string; why: string }[];
}

/** A module for Playwright's `use: { clientCertificates }`, which compares origins exactly. */
export function writePlaywright(entries: readonly ExportEntry[]): Exported {
  const omitted: { what: string; why: string }[] = [];
  const blocks = entries.flatMap((entry) => {
    const origin = originOf(entry.pattern);
    if (origin === undefined) {
      omitted.push({ what: entry.pattern, why: 'Playwright takes one origin, and no pattern' });
      return [];
    }
    const variable = variableFor(entry);
    return [
      [
        '  {',
        `    origin: ${JSON.stringify(origin)},`,
        ...(entry.pfx === undefined
          ? [
              `    certPath: ${JSON.stringify(entry.cert)},`,
              `    keyPath: ${JSON.stringify(entry.key ?? entry.cert)},`,
            ]
          : [`    pfxPath: ${JSON.stringify(entry.pfx)},`]),
        ...(variable ? [`    passphrase: process.env[${JSON.stringify(variable)}],`] : []),
        '  },',
      ].join('\n'),
    ];
  });
  const content = `/** For playwright.config: use: { clientCertificates }. */\nexport const clientCertificates = [\n${blocks.join('\n')}\n];\n`;
  return { content, variables: variablesOf(entries), advice: 'Set these before Playwright starts:', omitted };
}

/** What `newman run --ssl-client-cert-list` takes. It knows no variables: passphrases are for a person to fill in. */
export function writePostman(entries: readonly ExportEntry[]): Exported {
  const list = entries.map(({ name, pattern, pfx, cert, key }) => {
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
    content: `${JSON.stringify(list, null, 2)}\n`,
    variables: variablesOf(entries),
    advice,
    omitted: [],
  };
}

/** A line for each host. The passphrase comes in over a pipe: an argument would be seen by every process. */
export function writeCurl(entries: readonly ExportEntry[]): Exported {
  const omitted: { what: string; why: string }[] = [];
  const lines = entries.flatMap((entry) => {
    const origin = originOf(entry.pattern);
    if (origin === undefined) {
      omitted.push({ what: entry.pattern, why: 'curl calls one URL, and no pattern' });
      return [];
    }
    const variable = variableFor(entry);
    return [
      [
        `# ${entry.name.replace(/\p{Cc}/gu, '?')}`,
        [
          'curl',
          ...(variable ? [`--config <(printf 'pass = "%s"\\n' "$${variable}")`] : []),
          ...(entry.pfx === undefined
            ? [`--cert ${quote(entry.cert!)}`]
            : [`--cert-type P12 --cert ${quote(entry.pfx)}`]),
          ...(entry.key === undefined ? [] : [`--key ${quote(entry.key)}`]),
          ...(entry.ca === undefined ? [] : [`--cacert ${quote(entry.ca)}`]),
          quote(`${origin}/`),
        ].join(' '),
      ].join('\n'),
    ];
  });
  return {
    content: lines.length === 0 ? '' : `${lines.join('\n\n')}\n`,
    variables: variablesOf(entries),
    advice: 'For bash or zsh. Set these first (a backslash stands before " and \\ in them):',
    omitted,
  };
}

/** A name that a shell would take apart is not put into its line. */
function variableFor({ name, variable, protected: isProtected }: ExportEntry): string | undefined {
  if (!isProtected) return undefined;
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

function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) && !argument.startsWith('-')
    ? argument
    : `'${argument.replaceAll("'", "'\\''")}'`;
}
