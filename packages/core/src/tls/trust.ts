import { X509Certificate } from 'node:crypto';
import {
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls';
import { extraRoots } from '../load/extra-roots.ts';
import { processTls } from './process.ts';

/** What is inside a `SecureContext`. Not documented, relied on for years; where it is missing the full list is passed. */
interface NativeContext {
  addCACert?: (pem: string) => void;
}

const node20 = process.versions.node.startsWith('20.');

/** Whom a connection believes beside those that Node trusts anyway. */
export interface Trust {
  readonly roots: readonly X509Certificate[];
  /**
   * Those that came with the client certificates. They vouch for nobody, and help where a server sends its own
   * certificate alone: as with Node's `pfx`, whose further certificates go into the store too.
   */
  readonly intermediates: readonly X509Certificate[];
}

/**
 * A secure context that trusts more than the roots that Node trusts anyway.
 *
 * Adding to the default store costs 2 kB; passing every root again as `ca` costs 1 MB and 20 ms.
 */
export function createTrustingContext(
  options: SecureContextOptions,
  trust: Trust | undefined,
): SecureContext {
  if (!trust || trust.roots.length + trust.intermediates.length === 0) return createSecureContext(options);
  // As to Node, an empty one is none.
  if (options.ca) {
    return createSecureContext(withRoots(options, [options.ca, pemOf(trust, [])].flat()));
  }
  const own = pemOf(trust, defaultRoots());
  const context = createSecureContext(options);
  const native = context.context as NativeContext | undefined;
  if (typeof native?.addCACert !== 'function') {
    return createSecureContext(withRoots(options, [...defaultRoots(), ...own]));
  }
  // Node 20 starts the extended store from the bundled roots alone.
  for (const pem of node20 ? [...extraRoots(), ...own] : own) native.addCACert(pem);
  return context;
}

/**
 * What goes into a store of these roots. An intermediate is left out where it could spoil what goes well without:
 * expired, or of the name of a root, with which it was cross-signed by another; OpenSSL takes what is in the store
 * before what the server sends.
 */
export function pemOf({ roots, intermediates }: Trust, others: readonly string[]): string[] {
  const now = Date.now();
  const valid = intermediates.filter(
    ({ validFrom, validTo }) => Date.parse(validFrom) <= now && now < Date.parse(validTo),
  );
  if (valid.length > 0) {
    const names = new Set([...roots.map(({ subject }) => subject), ...others.map(subjectOf)]);
    roots = [...roots, ...valid.filter(({ subject }) => !names.has(subject))];
  }
  return roots.map((each) => each.toString());
}

const subjects = new Map<string, string>();

/** Of a root that Node trusts; each is read once, and only where intermediates are to be told from them. */
function subjectOf(pem: string): string {
  let subject = subjects.get(pem);
  if (subject === undefined) {
    subject = new X509Certificate(pem).subject ?? '';
    subjects.set(pem, subject);
  }
  return subject;
}

/** What Node trusts by itself. */
function defaultRoots(): readonly string[] {
  return processTls().roots ?? [...rootCertificates, ...extraRoots()];
}

function withRoots(options: SecureContextOptions, ca: (string | Buffer)[]): SecureContextOptions {
  return Object.assign(Object.create(null), options, { ca });
}
