import { createPublicKey, type KeyObject } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { keyDetailsOf } from './key-type.ts';
import type { Problem } from './problem.ts';

/** What `tls.createSecureContext` is told of a key on a token. It holds the PIN, or the way to it. */
export type TokenKeyOptions = Pick<
  SecureContextOptions,
  'key' | 'passphrase' | 'privateKeyEngine' | 'privateKeyIdentifier'
>;

/** What brings a token's signatures to OpenSSL. */
export type TokenWay = 'provider' | 'engine';

export interface TokenAccess {
  /** Another where it is opened with another PIN. */
  readonly mark: string;
  /**
   * Has something made with the key, at once.
   *
   * @throws Problem where the token did not take that PIN before
   */
  use<Made>(make: (key: TokenKeyOptions) => Made): Made;
  /** Told where none could be made: why, where that is the token. */
  failed(cause: unknown): Problem | undefined;
  /** Told where it signed nothing when it was loaded; says it with what it knows beside. */
  unproved?(problem: Problem): Problem;
}

/** A private key that stays where it is: what it signs, the token signs. */
export class TokenKey {
  /** What holds it, as messages call it: a PKCS#11 URI without a PIN, or `TPM 2.0`. */
  readonly label: string;
  /** Of an engine's key, which no `KeyObject` stands for, the public half. */
  readonly privateKey: KeyObject;
  readonly way: TokenWay;
  readonly access: TokenAccess;

  constructor(label: string, privateKey: KeyObject, way: TokenWay, access: TokenAccess) {
    this.label = label;
    this.privateKey = privateKey;
    this.way = way;
    this.access = access;
    if (way === 'provider') withDetails(privateKey);
    known.set(privateKey, this);
  }
}

const known = new WeakMap<KeyObject, TokenKey>();

/** What is known of a key beside what Node knows, where a token holds it. */
export function tokenKeyOf(key: KeyObject | null | undefined): TokenKey | undefined {
  return key ? known.get(key) : undefined;
}

/**
 * To ask a provider's key for its details ends the process on Node 20 and 22 (an assertion in `GetRsaKeyDetail`), so
 * whoever is lent the key is given those of its public key.
 */
function withDetails(key: KeyObject): void {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const value = keyDetailsOf(createPublicKey({ key: spki, type: 'spki', format: 'der' }));
  Object.defineProperty(key, 'asymmetricKeyDetails', { value });
}
