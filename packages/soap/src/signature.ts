import { ClientCertificateError, type Credentials } from '@clientcert/core';
import { WSSecurityCert } from 'soap';
import type { CallTarget } from './call.ts';

/** How the message is signed: the options of node-soap's `WSSecurityCert`. */
export type SignOptions = NonNullable<ConstructorParameters<typeof WSSecurityCert>[3]>;

/** The signature of one message. The key is lent for the time of signing and stands nowhere afterwards. */
export class Signature {
  readonly #xml: string;
  readonly #envelopeKey: string;
  readonly #options: SignOptions;
  /** Name of the certificate that it was signed with. */
  #signer: string | undefined;
  #failure: unknown;

  constructor(xml: string, envelopeKey: string, options: SignOptions) {
    this.#xml = xml;
    this.#envelopeKey = envelopeKey;
    this.#options = options;
  }

  /**
   * The message, signed with the certificate that its target is presented with.
   *
   * @throws ERR_CLIENTCERT_SIGNATURE_UNSUPPORTED, ERR_CLIENTCERT_SIGNATURE_REFUSED, ERR_CLIENTCERT_ORIGIN_NEEDED
   */
  sign(credentials: Credentials, target: Parameters<Credentials['withSigningKey']>[0]): string {
    return credentials.withSigningKey(target, ({ name, privateKey, certificate }) => {
      if (privateKey.asymmetricKeyType !== 'rsa') throw unsupported(name, privateKey.asymmetricKeyType);
      // Made anew for each message, so that it is the certificate of now; with the leaf alone, because node-soap
      // would leave the header of a second certificate inside the token.
      const options = structuredClone(this.#options);
      const signer = new WSSecurityCert(privateKey, certificate.toString(), undefined, options);
      const signed = signer.postProcess(this.#xml, this.#envelopeKey);
      this.#signer = name;
      return signed;
    });
  }

  /** As {@link sign}; where it cannot be done yet, the message as it is: {@link check} then stops it. */
  trySign(credentials: Credentials, target: Parameters<Credentials['withSigningKey']>[0]): string {
    try {
      return this.sign(credentials, target);
    } catch (error) {
      this.#failure = error;
      return this.#xml;
    }
  }

  /** Whether it was made with the certificate that this target is presented with. */
  isFor(credentials: Credentials, target: CallTarget): boolean {
    return this.#signer !== undefined && credentials.resolve(target).certificate === this.#signer;
  }

  /**
   * Stops a message that is not signed, or signed with another certificate than this target is to see.
   *
   * @throws ERR_CLIENTCERT_SIGNATURE_REFUSED, or what kept it from being signed
   */
  check(credentials: Credentials, target: CallTarget): void {
    if (this.isFor(credentials, target)) return;
    if (this.#failure) throw this.#failure;
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_SIGNATURE_REFUSED',
      this.#signer === undefined
        ? `${target.host}:${target.port}: the message was to be signed while the certificates were still loading`
        : `${target.host}:${target.port}: the message is signed with certificate "${this.#signer}", which this place is not to see`,
      {
        hint:
          this.#signer === undefined
            ? 'Create the client with soapOptions(credentials), which waits for them, or await loadCredentials() first.'
            : 'Create the client with soapOptions(credentials), or name where it goes: { origin }.',
      },
    );
  }
}

/** Why a signed message is not sent to `http:`: the decision for such an address is none. */
export function plainAddress(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_SIGNATURE_REFUSED',
    'the message is to be signed and would go to an http: address, which no certificate is shown to',
    { hint: 'Call the https address.' },
  );
}

function unsupported(name: string, type: string | undefined): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_SIGNATURE_UNSUPPORTED',
    `certificate "${name}": its key is of type ${type}, and node-soap would label the signature rsa-sha256, which no receiver can verify`,
    { hint: 'Sign with an RSA certificate; for mutual TLS alone leave sign out.' },
  );
}
