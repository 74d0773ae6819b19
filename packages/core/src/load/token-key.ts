import { createPublicKey, type KeyObject } from 'node:crypto';

/** A private key that stays where it is: what it signs, an OpenSSL provider has signed by the token. */
export class TokenKey {
  /** What holds it, as messages call it: a PKCS#11 URI without a PIN. */
  readonly label: string;
  readonly privateKey: KeyObject;
  readonly #access: Access;

  constructor(label: string, privateKey: KeyObject, access: Access) {
    this.label = label;
    this.privateKey = privateKey;
    this.#access = access;
    withDetails(privateKey);
    known.set(privateKey, this);
  }

  /**
   * What `tls.createSecureContext` takes: it names the key, and holds the PIN.
   *
   * @throws Problem where the token did not take that PIN
   */
  pem(): string {
    return this.#access.pem();
  }

  /** Told where no secure context could be made of it. */
  failed(cause: unknown): void {
    this.#access.failed(cause);
  }
}

interface Access {
  pem(): string;
  failed(cause: unknown): void;
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
  const { asymmetricKeyDetails } = createPublicKey({ key: spki, type: 'spki', format: 'der' });
  Object.defineProperty(key, 'asymmetricKeyDetails', { value: asymmetricKeyDetails });
}
