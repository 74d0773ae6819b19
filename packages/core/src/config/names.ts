import type { Finding } from '../pin/finding.ts';
import { didYouMean } from '../pin/nearest.ts';

/** Whether a name that the user chose can be shown in messages and logs as it is. */
export function checkName(path: readonly (string | number)[], name: string): Finding[] {
  if (name.trim() === '') return [invalidName(path, 'the name is empty')];
  return /\p{Cc}/u.test(name) ? [invalidName(path, 'the name has a control character in it')] : [];
}

/** Whether a rule names a certificate that there is; `known` is `undefined` where that cannot be told. */
export function checkCertificateName(
  path: readonly (string | number)[],
  name: string,
  known: ReadonlySet<string> | undefined,
): Finding[] {
  if (known === undefined || known.has(name)) return [];
  return [{ code: 'ERR_CLIENTCERT_CERTIFICATE_UNKNOWN', path, message: describeUnknown(name, known) }];
}

function describeUnknown(name: string, known: ReadonlySet<string>): string {
  if (name === '') return 'the name of a certificate is empty: write `false` if none is meant';
  // What is no name may be key material or a passphrase that was put in the wrong place.
  if (name.length > 64 || !/^[\p{L}\p{N}][\p{L}\p{N} ._/@:-]*$/u.test(name)) {
    return `this is not the name of a certificate but ${name.length} other characters: certificates are defined under \`certificates\` and named here`;
  }
  const near = suggest(name, known);
  if (near !== '') return `there is no certificate ${JSON.stringify(name)}: ${near}`;
  if (/\.(pfx|p12|pem|crt|cer|key|jks)$/i.test(name)) {
    return `there is no certificate ${JSON.stringify(name)}: a rule takes a name, the file is given under \`certificates\``;
  }
  const names: string[] = [];
  for (const each of known) if (names.push(JSON.stringify(each)) === 10) break;
  return `there is no certificate ${JSON.stringify(name)}: ${names.length === 0 ? '`certificates` is empty' : `there is ${names.join(', ')}${known.size > 10 ? ', …' : ''}`}`;
}

/** What was meant, for the first mistakes: comparing all of them with all names takes as long as both multiplied. */
function suggest(name: string, known: ReadonlySet<string>): string {
  const compared = (comparisons.get(known) ?? 0) + known.size;
  comparisons.set(known, compared);
  return compared - known.size < MOST_COMPARED ? didYouMean(name, known) : '';
}

const comparisons = new WeakMap<ReadonlySet<string>, number>();
const MOST_COMPARED = 20_000;

function invalidName(path: readonly (string | number)[], message: string): Finding {
  return { code: 'ERR_CLIENTCERT_CONFIG_INVALID', path, message };
}
