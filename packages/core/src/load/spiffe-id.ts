import { isPlausible, type Kind } from '../quote.ts';

/** A SPIFFE ID, or a trust domain, taken apart. */
export interface SpiffeId {
  /** Its name, such as `bank.example`. */
  readonly trustDomain: string;
  /** With the slash before it; empty for a trust domain alone. */
  readonly path: string;
}

/**
 * Takes a SPIFFE ID apart, `spiffe://bank.example/payments`, or a trust domain that is written like one,
 * `spiffe://bank.example`.
 *
 * @returns `undefined` where the text is neither. No spelling is brought to another: two IDs are the same where they
 *   are written the same.
 * @see https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md section 2
 */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  if (text.length > LONGEST_ID) return undefined;
  const match = ID.exec(text);
  if (match === null) return undefined;
  const [, trustDomain = '', path = ''] = match;
  if (!isTrustDomain(trustDomain)) return undefined;
  return path.split('/').some((segment) => segment === '.' || segment === '..')
    ? undefined
    : { trustDomain, path };
}

export function isTrustDomain(text: string): boolean {
  return text.length <= LONGEST_DOMAIN && DOMAIN.test(text);
}

const ID = /^spiffe:\/\/([^/]*)((?:\/[A-Za-z0-9._-]+)*)$/;
const DOMAIN = /^[a-z0-9._-]+$/;
/** Bytes; only ASCII gets so far. */
const LONGEST_ID = 2048;
const LONGEST_DOMAIN = 255;

/** As what a name of one is shown: a host with a dot, or a word. */
export function kindOfTrustDomain(name: string): Kind {
  return name.includes('.') ? 'host' : 'option';
}

/** What is wrong with a text in the place of a SPIFFE ID, and what was meant; `undefined` where it is one. */
export function faultOfSpiffeId(text: string): string | undefined {
  if (parseSpiffeId(text)) return undefined;
  return suggest(
    'must be a SPIFFE ID such as "spiffe://bank.example/payments", or a trust domain: "spiffe://bank.example"',
    respell(text),
  );
}

/** The same for the name of a trust domain. */
export function faultOfTrustDomain(text: string): string | undefined {
  if (isTrustDomain(text)) return undefined;
  const meant = respell(text);
  return suggest(
    'is not the name of a trust domain, such as "bank.example": lower-case letters, digits, ".", "-", "_"',
    meant && parseSpiffeId(meant)?.trustDomain,
  );
}

/** Nothing that may be a secret: it has been written as an id, or its name has a dot. */
function suggest(usage: string, meant: string | undefined): string {
  return meant !== undefined && isPlausible(meant, 'host')
    ? `${usage}; did you mean ${JSON.stringify(meant)}?`
    : usage;
}

/** With the scheme, the trust domain in lower case, and without slashes that stand for nothing. */
function respell(text: string): string | undefined {
  const [, scheme, trustDomain = '', path = ''] =
    /^\s*(spiffe:\/*)?([^/]*)(.*?)\/*\s*$/is.exec(text.slice(0, 300)) ?? [];
  if (scheme === undefined && !trustDomain.includes('.')) return undefined;
  const id = `spiffe://${trustDomain.toLowerCase()}${path.replace(/\/{2,}/g, '/')}`;
  return parseSpiffeId(id) && id;
}
