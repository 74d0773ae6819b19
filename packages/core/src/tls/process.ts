import tls from 'node:tls';
import type { TlsVersion } from '../types.ts';

/** What a whole process says of TLS: its flags, `NODE_OPTIONS`, `tls.DEFAULT_*`, `tls.setDefaultCACertificates()`. */
export interface ProcessTls {
  readonly min: TlsVersion;
  readonly max: TlsVersion;
  readonly ciphers: string;
  readonly curve: string;
  /** The roots that Node trusts by default; another list whenever they were set anew. `undefined` where they cannot be. */
  readonly roots: readonly string[] | undefined;
}

let last: ProcessTls | undefined;

/** The same object for as long as nothing of it has changed. */
export function processTls(): ProcessTls {
  const roots = defaultRoots();
  if (
    last === undefined ||
    last.min !== tls.DEFAULT_MIN_VERSION ||
    last.max !== tls.DEFAULT_MAX_VERSION ||
    last.ciphers !== tls.DEFAULT_CIPHERS ||
    last.curve !== tls.DEFAULT_ECDH_CURVE ||
    last.roots !== roots
  ) {
    last = {
      min: tls.DEFAULT_MIN_VERSION,
      max: tls.DEFAULT_MAX_VERSION,
      ciphers: tls.DEFAULT_CIPHERS,
      curve: tls.DEFAULT_ECDH_CURVE,
      roots,
    };
  }
  return last;
}

/** What newer Nodes have, and the types of older ones leave out. */
interface RootsOfNode {
  setDefaultCACertificates?: unknown;
  getCACertificates?(type: 'default'): readonly string[];
}

/** Node keeps the list, and makes another when it is set. */
function defaultRoots(): readonly string[] | undefined {
  const { setDefaultCACertificates, getCACertificates } = tls as RootsOfNode;
  return setDefaultCACertificates === undefined ? undefined : getCACertificates?.('default');
}
