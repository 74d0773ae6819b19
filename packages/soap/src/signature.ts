import type { RequestIdentity } from '@clientcert/axios';
import { ClientCertificateError, type Credentials } from '@clientcert/core';
import { WSSecurityCert } from 'soap';
import { insertIntoHeader, type SignOptions, timestamped } from './envelope.ts';

type Target = Parameters<Credentials['withSigningKey']>[0];

/** The signature of one message. The key is lent for the time of signing and stands nowhere afterwards. */
export class Signature {
  readonly #xml: string;
  readonly #envelopeKey: string;
  readonly #options: SignOptions;
  /** Name of the certificate that it was signed with. */
  #signer: string | undefined;
  #failure: unknown;

  constructor(xml: string, envelopeKey: string, options: SignOptions) {
    this.#xml = insertIntoHeader(xml, envelopeKey, '');
    this.#envelopeKey = envelopeKey;
    this.#options = options;
  }

  /**
   * The message, signed with the certificate that its address is sent.
   *
   * @throws ERR_CLIENTCERT_SIGNATURE_UNSUPPORTED, ERR_CLIENTCERT_SIGNATURE_REFUSED
   */
  sign(credentials: Credentials, url: URL, identity: RequestIdentity): string {
    if (certificateAt(credentials, url, identity) === null) throw nothingPinned(url);
    return this.#sign(credentials, targetOf(url, identity));
  }

  /** As {@link sign}, before the address is known; where it cannot be, as it is: {@link check} then stops it. */
  trySign(credentials: Credentials, origin: string | undefined, service: string | undefined): string {
    try {
      return this.#sign(credentials, origin ? targetOf(new URL(origin), { service, origin }) : { service });
    } catch (error) {
      this.#failure = error;
      return this.#xml;
    }
  }

  /**
   * Stops a message that is not signed, or signed with another certificate than this hop is to see. A redirect that is
   * followed with `GET` takes no message along.
   *
   * @throws ERR_CLIENTCERT_SIGNATURE_REFUSED, or what kept it from being signed
   */
  check(credentials: Credentials, hop: URL, method: string, identity: RequestIdentity): void {
    if (/^(GET|HEAD)$/i.test(method) || this.isFor(credentials, hop, identity)) return;
    if (hop.protocol !== 'https:') throw plainAddress(hop);
    if (this.#failure) throw this.#failure;
    const known = this.#signer !== undefined;
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_SIGNATURE_REFUSED',
      known
        ? `${hop.origin}: the message is signed with certificate "${this.#signer}", which this place is not to see`
        : `${hop.origin}: the message was to be signed while the certificates were still loading`,
      {
        hint: known
          ? 'Create the client with soapOptions(credentials), or name where it goes: { origin }.'
          : 'Await loadCredentials() first, or create the client with soapOptions(credentials), which waits for them.',
      },
    );
  }

  /** Whether it is signed with the certificate that this address is sent. */
  isFor(credentials: Credentials, url: URL, identity: RequestIdentity): boolean {
    return this.#signer !== undefined && certificateAt(credentials, url, identity) === this.#signer;
  }

  #sign(credentials: Credentials, target: Target): string {
    return credentials.withSigningKey(target, ({ name, privateKey, certificate }) => {
      if (privateKey.asymmetricKeyType !== 'rsa') throw unsupported(name, privateKey.asymmetricKeyType);
      const { xml, options } = timestamped(this.#xml, this.#envelopeKey, structuredClone(this.#options));
      // Made anew for each message, so that it is the certificate of now; with the leaf alone, because node-soap
      // would leave the header of a second certificate inside the token.
      const signer = new WSSecurityCert(privateKey, certificate.toString(), undefined, options);
      const signed = signer.postProcess(xml, this.#envelopeKey);
      this.#signer = name;
      return signed;
    });
  }
}

/** Why a signed message is not sent to `http:`: the decision for such an address is none. */
export function plainAddress(url: string | URL): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_SIGNATURE_REFUSED',
    `${new URL(url).origin}: the message is to be signed and would go to an http: address, which no certificate is shown to`,
    { hint: 'Call the https address.' },
  );
}

function nothingPinned(url: URL): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_SIGNATURE_REFUSED',
    `${url.origin}: the message is to be signed for a place that is presented with no certificate`,
    { hint: 'Pin a certificate to this host, or sign nothing that goes there.' },
  );
}

function certificateAt(credentials: Credentials, url: URL, identity: RequestIdentity): string | null {
  return url.protocol === 'https:' ? credentials.resolve(targetOf(url, identity)).certificate : null;
}

function targetOf(
  { hostname: host, port }: URL,
  { service, origin }: Omit<RequestIdentity, 'proxy'>,
): Exclude<Parameters<Credentials['resolve']>[0], string | URL> {
  return { host, port: port || 443, service, origin: service ? (origin ?? unnamed) : undefined };
}

/** Where no origin was named, a service without `hosts` applies nowhere; no host is called so (RFC 6761, section 6.4). */
const unnamed = 'https://unnamed.invalid';

function unsupported(name: string, type: string | undefined): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_SIGNATURE_UNSUPPORTED',
    `certificate "${name}": its key is of type ${type}, and node-soap would label the signature rsa-sha256, which no receiver can verify`,
    { hint: 'Sign with an RSA certificate; for mutual TLS alone leave sign out.' },
  );
}
