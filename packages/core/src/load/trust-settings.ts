import { childrenOf, contentsOf, type Element, open, readElement, SEQUENCE } from './der.ts';

/**
 * Whether a certificate may vouch for servers, by what stands behind it in a PEM block: `openssl x509 -trustout` writes there
 * what it is trusted for, and what it is not, as the bundles of a system do for OpenSSL, which heeds it.
 *
 * @see https://docs.openssl.org/3.5/man1/openssl-verification-options/#trusted-certificate-options; X509_CERT_AUX, obj_trust()
 */
export function vouchesForServers(behind: Buffer): boolean {
  if (behind.length === 0) return true;
  try {
    const settings = open(readElement(behind), SEQUENCE);
    const says = (list: Element | undefined) =>
      list && childrenOf(list).some((usage) => concerned.has(contentsOf(usage).toString('hex')));
    const trusted = settings[0]?.tag === SEQUENCE ? settings[0] : undefined;
    const rejected = settings.find(({ tag }) => tag === REJECTED);
    // A list of what it is trusted for leaves out the rest.
    return !says(rejected) && (says(trusted) ?? true);
  } catch {
    return false; // OpenSSL refuses the block
  }
}

/** serverAuth (1.3.6.1.5.5.7.3.1) and anyExtendedKeyUsage (2.5.29.37.0), whatever stands before them in a list. */
const concerned: ReadonlySet<string> = new Set(['2b06010505070301', '551d2500']);

/** [0] IMPLICIT. */
const REJECTED = 0xa0;
