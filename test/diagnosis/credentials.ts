import { type Credentials, loadCredentials } from '@clientcert/core';
import { createAuthority, type IssuedCertificate } from '@clientcert/testing';

/** Nine credentials, of which a server takes the first. */
export const kinds = [
  'right',
  'none',
  'untrusted',
  'expired',
  'not yet valid',
  'wrong usage',
  'revoked',
  'missing intermediate',
  'weak',
] as const;
export type Kind = (typeof kinds)[number];

export type Version = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

// OpenSSL completes what it sends from the roots it trusts: the intermediate is none of them.
const authority = await createAuthority({ intermediates: 1, name: 'Clients' });
const stranger = await createAuthority({ name: 'Strangers' });

/** Whom a server trusts: the root alone. */
export const root = authority.parent!;

const issued: Record<Exclude<Kind, 'none'>, IssuedCertificate> = {
  right: await authority.issue({ name: 'bank' }),
  untrusted: await stranger.issue({ name: 'bank' }),
  expired: await authority.issue({ name: 'bank', expired: true }),
  'not yet valid': await authority.issue({ name: 'bank', notYetValid: true }),
  'wrong usage': await authority.issue({ name: 'bank', usage: 'server' }),
  revoked: await authority.issue({ name: 'bank' }),
  'missing intermediate': await authority.issue({ name: 'bank' }),
  weak: await authority.issue({ name: 'bank', keyType: { rsa: 1024 } }),
};

export const revoked = authority.revocationLists([issued.revoked]);

/** What presents one of the nine at a port of this machine. */
export async function load(
  kind: Kind,
  port: number,
  version: Version,
  rule: { readonly required?: boolean } = {},
): Promise<Credentials> {
  const place = `127.0.0.1:${port}`;
  const ca = root.certificate;
  const tls = isOld(version) ? { min: version, max: version, legacy: true } : version;
  if (kind === 'none') return await loadCredentials({ hosts: { [place]: { ca, tls } } });
  const { cert, fullChain, key } = issued[kind];
  const sent = kind === 'missing intermediate' ? cert : fullChain;
  const credentials = await loadCredentials({
    certificates: { bank: { cert: sent, key } },
    hosts: { [place]: { ...rule, certificate: 'bank', ca, tls } },
  });
  return credentials.on('warning', () => {});
}

function isOld(version: Version): version is 'TLSv1' | 'TLSv1.1' {
  return version === 'TLSv1' || version === 'TLSv1.1';
}
