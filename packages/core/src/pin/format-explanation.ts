import { parseSpiffeId } from '../load/spiffe-id.ts';
import type { Explanation, Resolution } from '../types.ts';

const COLUMNS = 80;
const INDENT = '  ';
const LABEL = 13;

/** An explanation as a text of at most 80 columns, safe to print whatever a certificate's subject holds. */
export function formatExplanation(explanation: Omit<Explanation, 'toString'>): string {
  const { target, service, resolution, certificate, summary, considered, tls, trust, proxy } = explanation;
  const lines = [
    ...wrap(service === null ? target : `${target} as ${JSON.stringify(service)}`, ''),
    '',
    ...summary.flatMap((sentence) => wrap(sentence, INDENT)),
    '',
    ...field('Certificate', resolution.certificate ?? 'none'),
  ];
  if (certificate !== null) {
    const { subject, issuer, spiffeId, fingerprint256, validTo, daysLeft, token, signedBy } = certificate;
    lines.push(
      ...(spiffeId === null ? [] : field('SPIFFE ID', spiffeId)),
      ...field('Subject', oneLine(subject)),
      ...field('Issuer', oneLine(issuer)),
      ...field('SHA-256', fingerprint256),
      ...field('Valid until', describeEnd(validTo, daysLeft)),
      ...(token === null ? [] : field('Key', `on a token, by an OpenSSL ${signedBy}: ${token}`)),
    );
  }
  lines.push(
    ...field('Rule', resolution.rule),
    ...field('TLS', `${describeTls(tls)}${tls.legacy ? ', legacy allowed' : ''}`),
    ...field('Trust', trust),
    ...field('Proxy', proxy ?? 'none'),
  );
  if (considered.length > 0) lines.push('', `${INDENT}Rules considered`);
  for (const { rule, certificate: named, outcome, reason } of considered) {
    const shown = named === null ? '' : ` (${named === false ? 'never one' : named})`;
    lines.push(...wrap(`${rule}${shown}`, `${INDENT}${outcome.padEnd(6)}`), ...wrap(reason, ' '.repeat(10)));
  }
  return lines.join('\n');
}

/** Whose servers are believed, in a sentence. */
export function describeTrust(
  resolution: Resolution,
  { lending }: { lending(resolution: Resolution): readonly string[] },
): string {
  const { acceptsAnyServer, trust, ca, spki, server } = resolution;
  const { trustDomain, path } = parseSpiffeId(server ?? '') ?? {};
  const of = trustDomain === undefined ? '' : ` of ${trustDomain}`;
  if (acceptsAnyServer) return 'any server, unverified';
  const extra = [
    ...(ca.length > 0 ? [`${ca.length} extra ${ca.length === 1 ? 'root' : 'roots'} of the rule`] : []),
    ...lending(resolution).map((name) => `the roots${of} that came with ${JSON.stringify(name)}`),
  ];
  const roots =
    trust === 'only'
      ? `only ${extra.join(' and ') || `extra roots${of}, of which none is loaded`}`
      : ["Node's roots", ...extra].join(', ');
  return [
    roots,
    ...(server === null ? [] : [`the server is ${path === '' ? `any in ${server}` : server}`]),
    ...(spki.length === 0 ? [] : [`the server's key is one of ${spki.length} pinned`]),
  ].join('; ');
}

function describeTls({ min, max }: Resolution['tls']): string {
  const [low, high] = [min, max].map((version) => version.replace(/^TLSv1$/, '1.0').replace('TLSv', ''));
  return low === high ? `${low} only` : `${low} to ${high}`;
}

/** To the minute where that is what is left. */
function describeEnd(validTo: Date, days: number): string {
  const time = validTo.toISOString();
  if (days !== 0) return `${time.slice(0, 10)}, ${describeDays(days)}`;
  return `${time.slice(0, 16).replace('T', ' ')} UTC, less than a day left`;
}

/** Whole days, rounded down: negative from the first moment on. */
function describeDays(days: number): string {
  if (days === -1) return 'expired less than a day ago';
  const whole = days < 0 ? -days - 1 : days;
  const count = `${whole} ${whole === 1 ? 'day' : 'days'}`;
  return days < 0 ? `expired ${count} ago` : `${count} left`;
}

function field(label: string, text: string): string[] {
  return wrap(text, `${INDENT}${label.padEnd(LABEL)}`);
}

/** A distinguished name comes with one attribute on a line. */
function oneLine(text: string): string {
  return text.trim().replaceAll('\n', ', ') || '(no name)';
}

/** Breaks a text between words, and a word that is longer than a line after a separator, or anywhere. */
function wrap(text: string, first: string): string[] {
  const width = COLUMNS - first.length;
  const words = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?').split(' ');
  const lines: string[] = [];
  for (const piece of words.flatMap((word) => breakWord(word, width))) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + piece.length <= width)
      lines[lines.length - 1] = `${last} ${piece}`;
    else lines.push(piece);
  }
  return lines.map((line, index) => (index === 0 ? first : ' '.repeat(first.length)) + line);
}

/** Each piece as long as it can be, so that no two of them fit into one line. */
function breakWord(word: string, width: number): string[] {
  if (word.length <= width) return [word];
  const head = word.slice(0, width);
  const separator = Math.max(...[':', '.', ',', '/', '_'].map((each) => head.lastIndexOf(each)));
  const end = separator > 0 ? separator + 1 : width;
  return [word.slice(0, end), ...breakWord(word.slice(end), width)];
}
