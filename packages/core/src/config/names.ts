import { didYouMean } from '../pin/did-you-mean.ts';
import type { Issue } from '../pin/issue.ts';
import { isSecret, quote } from '../quote.ts';

/** Whether a name that the user chose can be shown in messages and logs as it is. */
export function checkName(path: readonly (string | number)[], name: string): Issue[] {
  if (name.trim() === '') return [invalidName(path, 'the name is empty')];
  if (isSecret(name)) {
    return [invalidName(path, 'this reads as a secret and not as a name: choose one that may be shown')];
  }
  return [];
}

/** Whether a rule names a certificate that there is; `known` is `undefined` where that cannot be told. */
export function checkCertificateName(
  path: readonly (string | number)[],
  name: string,
  known: ReadonlySet<string> | undefined,
): Issue[] {
  if (known === undefined || known.has(name)) return [];
  return [{ code: 'ERR_CLIENTCERT_CERTIFICATE_UNKNOWN', path, message: describeUnknown(name, known) }];
}

function describeUnknown(name: string, known: ReadonlySet<string>): string {
  if (name === '') return 'the name of a certificate is empty: write `false` if none is meant';
  const near = suggest(name, known);
  // What is near to a name was meant as that name.
  const missing = `there is no certificate ${quote(name, near === '' ? 'name' : 'chosen')}`;
  if (near !== '') return `${missing}: ${near}`;
  if (/\.(pfx|p12|pem|crt|cer|key|jks)$/i.test(name)) {
    return `${missing}: a rule takes a name, the file is given under \`certificates\``;
  }
  const names: string[] = [];
  for (const each of known) if (names.push(quote(each, 'chosen')) === 10) break;
  return `${missing}: ${names.length === 0 ? '`certificates` is empty' : `there is ${names.join(', ')}${known.size > 10 ? ', …' : ''}`}`;
}

/** What was meant, for the first mistakes: comparing all of them with all names takes as long as both multiplied. */
function suggest(name: string, known: ReadonlySet<string>): string {
  const compared = (comparisons.get(known) ?? 0) + known.size;
  comparisons.set(known, compared);
  return compared - known.size < MOST_COMPARED ? didYouMean(name, known) : '';
}

const comparisons = new WeakMap<ReadonlySet<string>, number>();
const MOST_COMPARED = 20_000;

function invalidName(path: readonly (string | number)[], message: string): Issue {
  return { code: 'ERR_CLIENTCERT_CONFIG_INVALID', path, message };
}
