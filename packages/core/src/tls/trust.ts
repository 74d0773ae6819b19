import type { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls';

import { processTls } from './process.ts';

/** What is inside a `SecureContext`. Not documented, relied on for years; where it is missing the full list is passed. */
interface NativeContext {
  addCACert?: (pem: string) => void;
}

const node20 = process.versions.node.startsWith('20.');

/**
 * A secure context that trusts `roots` beside those that Node trusts anyway.
 *
 * Adding to the default store costs 2 kB; passing every root again as `ca` costs 1 MB and 20 ms.
 */
export function createTrustingContext(
  options: SecureContextOptions,
  roots: readonly X509Certificate[],
): SecureContext {
  if (roots.length === 0) return createSecureContext(options);
  const own = roots.map((root) => root.toString());
  if (options.ca !== undefined) return createSecureContext(withRoots(options, [options.ca, own].flat()));

  const context = createSecureContext(options);
  const native = context.context as NativeContext | undefined;
  if (typeof native?.addCACert !== 'function') {
    return createSecureContext(
      withRoots(options, [...(processTls().roots ?? [...rootCertificates, ...extraRoots()]), ...own]),
    );
  }
  // Node 20 starts the extended store from the bundled roots alone.
  for (const pem of node20 ? [...extraRoots(), ...own] : own) native.addCACert(pem);
  return context;
}

function withRoots(options: SecureContextOptions, ca: (string | Buffer)[]): SecureContextOptions {
  return Object.assign(Object.create(null), options, { ca });
}

let extra: readonly string[] | undefined;

/** The roots of `NODE_EXTRA_CA_CERTS`, which Node reads once when it starts. */
function extraRoots(): readonly string[] {
  extra ??= readExtraRoots(process.env.NODE_EXTRA_CA_CERTS);
  return extra;
}

function readExtraRoots(path: string | undefined): readonly string[] {
  if (!path) return [];
  try {
    return (
      readFileSync(path, 'latin1').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    );
  } catch {
    return []; // as Node itself, which warns of it at start
  }
}
