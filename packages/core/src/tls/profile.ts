import { createHash, randomUUID } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity as checkByNode,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import { certificateOf } from '../load/certificate-of.ts';
import type { Resolution } from '../types.ts';
import { type CertificateVersion, createContext } from './context.ts';
import { describeValue } from './digest.ts';
import { type ProcessTls, processTls } from './process.ts';
import { checkServerId } from './server-id.ts';
import { canSign } from './signatures.ts';
import type { Trust } from './trust.ts';

const maxMergedContexts = 32;
let count = 0;

/** How a server is checked against the name it was dialled by: Node's `checkServerIdentity`. */
export type CheckServerIdentity = NonNullable<ConnectionOptions['checkServerIdentity']>;

/**
 * The secure contexts for one partition of connections and one version of its certificates: the plain one,
 * built when first used, and those that callers asked for with TLS options of their own. Pools and TLS
 * sessions are kept apart by `id`. Keys and contexts stand in private fields only.
 */
export class SecureContexts {
  readonly id: string;
  /** Set when a certificate was renewed or taken away: no new connection, no reuse, no resumption. */
  retired = false;
  readonly resolution: Resolution;
  readonly #presented: CertificateVersion | null;
  readonly #trust: Trust;
  #plain: SecureContext | undefined;
  readonly #merged = new Map<string, SecureContext>();
  /** What the process said when they were built. */
  #builtUnder: ProcessTls | undefined;

  constructor(resolution: Resolution, presented: CertificateVersion | null, trust: Trust) {
    this.resolution = resolution;
    this.#presented = presented;
    this.#trust = trust;
    count += 1;
    this.id = `${presented ? `${presented.name}@${presented.version}` : 'none'}#${count}`;
  }

  /** Whether there is nobody to trust: of a server that has to prove an id, whose bundle is not there. */
  get isRootless(): boolean {
    return this.resolution.server !== null && this.#trust.roots.length === 0;
  }

  /** Name, version and fingerprint of what is presented, or `null`. */
  get presented(): { name: string; version: number; fingerprint256: string } | null {
    const presented = this.#presented;
    if (!presented) return null;
    const { name, version, material } = presented;
    return { name, version, fingerprint256: material.certificate.fingerprint256 };
  }

  /**
   * The secure context; with `overrides` of the caller, one of their own beside it, kept by their digest. Built
   * again where the process trusts other roots by now, or was told to allow less.
   *
   * @throws ERR_CLIENTCERT_CERTIFICATE_REFUSED where this Node's OpenSSL does not take the certificate;
   *   ERR_CLIENTCERT_AGENT_CONFLICT where it does not take an option of the caller's;
   *   ERR_CLIENTCERT_CONFIG_INVALID where config and process leave no TLS version
   */
  get(overrides?: SecureContextOptions): SecureContext {
    const now = processTls();
    if (this.#builtUnder !== now) {
      this.#builtUnder = now;
      this.#plain = undefined;
      this.#merged.clear();
    }
    if (!overrides) {
      this.#plain ??= createContext(this.resolution, this.#presented, this.#trust);
      return this.#plain;
    }
    const key = describeValue({ ...overrides });
    const known = this.#merged.get(key);
    if (known) return known;
    const context = createContext(this.resolution, this.#presented, this.#trust, overrides);
    const [oldest] = this.#merged.keys();
    if (oldest !== undefined && this.#merged.size >= maxMergedContexts) this.#merged.delete(oldest);
    this.#merged.set(key, context);
    return context;
  }

  /** Whether the certificate can be presented where the server takes these signature algorithms. */
  canSignWith(algorithms: readonly string[], protocol: string): boolean {
    const certificate = this.#presented?.material.certificate;
    return certificate !== undefined && canSign(certificate, algorithms, protocol);
  }
}

/** Options of `tls.connect` for one target: what to send, whom to trust, how to check. Nothing on it is secret. */
export interface PinnedConnectOptions {
  /** The certificate, the roots that are trusted and the TLS versions: as they are now, so ask again after a renewal. */
  secureContext: SecureContext;
  /** Checks the server's name, or its id where the rule says `server`, the rule's `spki`, and `required`. */
  checkServerIdentity: CheckServerIdentity;
  /** `false` only where the rule accepts any server. */
  rejectUnauthorized: boolean;
  /** The host, unless it is an IP address, which TLS does not send (RFC 6066). */
  servername?: string;
  /**
   * Another for each certificate, its versions, and what a rule says. Node's `https.Agent` keeps connections and TLS
   * sessions apart by it, and not by secure contexts; for the connection itself it means nothing.
   */
  sessionIdContext: string;
}

/** All that a connection is made with: what was decided for it, and the secure contexts for that. */
export class ConnectionProfile {
  readonly resolution: Resolution;
  readonly contexts: SecureContexts;

  constructor(resolution: Resolution, contexts: SecureContexts) {
    this.resolution = resolution;
    this.contexts = contexts;
  }

  /** What `tls.connect` takes to reach `host` under this profile; nothing on it is secret. */
  connectOptions(host: string): PinnedConnectOptions {
    const servername = this.resolution.servername ?? host;
    return {
      secureContext: this.contexts.get(),
      checkServerIdentity: this.checkServerIdentity(host),
      rejectUnauthorized: !this.resolution.acceptsAnyServer,
      sessionIdContext: nameOf(this.contexts),
      ...(isIP(servername) === 0 && { servername }),
    };
  }

  /**
   * What `tls.connect` checks after the chain: the name that the rule is for, or its `servername`; the one that was
   * said to the server, where it is another (`servername`, the `Host` header); then the rule's `spki` pins, then what
   * the caller checks. A rule's `server` takes the place of every name. Where no rule names the host, Node's or a caller's
   * own check stands alone, as in Node.
   *
   * @param dialled The host, as the rule was found by it.
   */
  checkServerIdentity(dialled: string, own?: CheckServerIdentity): CheckServerIdentity {
    const { spki, rule, servername, server } = this.resolution;
    if (rule === 'none') return own ?? checkNames;
    return refusing((said, certificate) => {
      const name = servername ?? dialled;
      const host = servername ?? said;
      return (
        (server === null
          ? (checkNames(name, certificate) ?? (host === name ? undefined : checkNames(host, certificate)))
          : checkServerId(server, rule, dialled, certificate)) ??
        (spki.length === 0 ? undefined : checkPublicKey(spki, rule, name, certificate)) ??
        // Last: what it is handed is an object, which it may write to.
        own?.(host, certificate)
      );
    });
  }
}

/** A check that throws is one that fails: Node would have it end the process, or, where that goes on, take the server. */
function refusing(check: CheckServerIdentity): CheckServerIdentity {
  return (host, certificate) => {
    try {
      return check(host, certificate);
    } catch (error) {
      return (error as Error) || new Error(`the check of ${host} threw nothing`);
    }
  };
}

/** Copies of this package in one process count alike. */
const copy = randomUUID();

/** In as many characters as OpenSSL takes, should somebody make another context with it. */
function nameOf({ id }: SecureContexts): string {
  return createHash('sha256').update(`${copy} ${id}`).digest('base64url').slice(0, 32);
}

/** RFC 7469, section 2.4: SHA-256 over the DER SubjectPublicKeyInfo. */
function checkPublicKey(
  pins: readonly string[],
  rule: string,
  host: string,
  peer: PeerCertificate,
): Error | undefined {
  const key = certificateOf(peer.raw).publicKey.export({ type: 'spki', format: 'der' });
  const seen = `sha256/${createHash('sha256').update(key).digest('base64')}`;
  if (pins.includes(seen)) return undefined;
  return new ClientCertificateError(
    'ERR_CLIENTCERT_SERVER_KEY_MISMATCH',
    `${rule}: ${host} showed the public key ${seen}, which is none of the ${pins.length} pinned`,
    { hint: 'If the server was renewed with a new key, and you know it, add that pin to spki.' },
  );
}

/**
 * Node's check. Node 22.23 takes every IPv6 address for a name, and finds it in no certificate; OpenSSL knows better.
 *
 * @see RFC 6125, appendix B.1, and RFC 5280, section 4.2.1.6: an address is compared with `iPAddress` entries alone;
 *   RFC 4007, section 6: what stands behind its "%" is known on this machine alone
 */
function checkNames(host: string, certificate: PeerCertificate): Error | undefined {
  const error = checkByNode(host, certificate);
  if (!error || !isIPv6(host) || !certificate.raw) return error;
  const [address] = host.split('%', 1);
  return certificateOf(certificate.raw).checkIP(address!) === undefined ? error : undefined;
}
