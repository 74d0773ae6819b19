import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { variable } from '../own.ts';

let known: readonly string[] | undefined;

/** The roots of `NODE_EXTRA_CA_CERTS`, which Node reads once when it starts, and before 22.15 does not tell. */
export function extraRoots(): readonly string[] {
  known ??= readRoots(variable('NODE_EXTRA_CA_CERTS'));
  return known;
}

function readRoots(path: string | undefined): readonly string[] {
  if (!path) return [];
  try {
    // To OpenSSL a block begins with its line: one that is commented out is none.
    return (
      readFileSync(path, 'latin1').match(/^-----BEGIN CERTIFICATE-----[^-]+^-----END CERTIFICATE-----/gm) ??
      []
    ).filter(isCertificate);
  } catch {
    return []; // as Node itself, which warns of it at start
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem) !== undefined;
  } catch {
    return false;
  }
}
