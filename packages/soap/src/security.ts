import { ClientCertificateError, type ConnectIdentity, type Credentials } from '@clientcert/core';
import { acceptOptions, loadedOf } from '@clientcert/core/adapter';
import type { IHeaders, ISecurity } from 'soap';
import { type Call, type Identity, identify, type RequestOptions } from './call.ts';
import { insertIntoHeader, type SignOptions } from './envelope.ts';
import { announce, lend, ownOf } from './lent-options.ts';
import { Signature } from './signature.ts';

/** As whom calls are made, and whether their messages are signed. */
export interface ClientCertificateSecurityOptions<ServiceName extends string = string> {
  /** Call as this service of the config; with `false`, send no certificate. That of `soapOptions` unless given. */
  service?: ServiceName | false | undefined;
  /** Where a service without `hosts` applies. A client made with `soapOptions` does not need it. */
  origin?: string | URL | undefined;
  /** `'env'`, a proxy's URL, or `false`; in place of what the config, or the environment, says. */
  proxy?: ConnectIdentity['proxy'];
  /** Sign the message with the same certificate; options are those of node-soap's `WSSecurityCert`. */
  sign?: boolean | SignOptions | undefined;
  /** Further securities, in this order: `WSSecurity`, `BasicAuthSecurity`, `NTLMSecurity`, … */
  and?: readonly ISecurity[] | undefined;
}

/**
 * Makes a client's calls with the certificate that their address, or the service they are made as, is pinned to;
 * signs their messages with it; and adds what further securities do.
 *
 * @param credentials What `loadCredentials` returned, or the promise of it: calls wait for it, and where loading
 *   failed each of them fails with that error.
 * @throws ERR_CLIENTCERT_SERVICE_UNKNOWN where the credentials are loaded and have no such service;
 *   ERR_CLIENTCERT_SIGNATURE_REFUSED for `sign` beside `service: false`
 *
 * @example
 * import soap from 'soap';
 * import { ClientCertificateSecurity, loadCredentials, soapOptions } from '@clientcert/soap';
 *
 * const credentials = await loadCredentials('clientcert.json');
 * const client = await soap.createClientAsync(wsdl, soapOptions(credentials));
 * client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true }));
 */
export class ClientCertificateSecurity<ServiceName extends string = string> implements ISecurity {
  /** There only where the message is signed, or a further security has it: node-soap then drops `toXML`. */
  declare postProcess?: (xml: string, envelopeKey: string) => string;
  readonly #identity: Identity;
  readonly #sign: SignOptions | undefined;
  readonly #members: readonly ISecurity[];
  /**
   * The calls that node-soap is putting together, the innermost last: it does so in one go, but functions that write
   * SOAP headers, and listeners, may make calls meanwhile.
   */
  readonly #pending: PendingCall[] = [];
  #headers: IHeaders | undefined;

  constructor(
    credentials: Credentials<string, ServiceName> | Promise<Credentials<string, ServiceName>>,
    options: ClientCertificateSecurityOptions<NoInfer<ServiceName>> = {},
  ) {
    const own = acceptOptions(options, 'ClientCertificateSecurity');
    const { sign = false, service, origin, proxy } = own;
    // The caller's own objects, and no copies: what they do may change.
    const and = own.and === undefined ? [] : options.and;
    if (!Array.isArray(and)) throw noList();
    if (sign && service === false) throw nothingToSignWith();
    this.#identity = identify(credentials, service, origin, proxy, 'ClientCertificateSecurity');
    this.#sign = sign ? structuredClone(sign === true ? {} : sign) : undefined;
    this.#members = [...and];
    if (sign || and.some((member) => member.postProcess)) {
      this.postProcess = (xml, envelopeKey) => {
        const pending = this.#pending.pop();
        if (!pending) throw handedOnInPart();
        const message = this.#process(xml, envelopeKey, pending.call);
        this.#lend(pending);
        return message;
      };
    }
  }

  addHeaders(headers: IHeaders): void {
    for (const member of this.#members) member.addHeaders?.(headers);
    this.#headers = headers;
  }

  addOptions(options: RequestOptions): void {
    const headers = this.#headers;
    if (!headers) throw handedOnInPart();
    this.#headers = undefined;
    const own = ownOf(options);
    for (const member of this.#members) member.addOptions?.(own);
    const call: Call = { identity: this.#identity, options: own, isSigned: this.#sign !== undefined };
    announce(call, options, headers);
    // What fails while it is put together stays behind up to the end of the turn.
    if (this.#pending.length === 0) queueMicrotask(() => this.#pending.splice(0));
    this.#pending.push({ call, options, isLent: false });
  }

  /** The headers of the further securities; where there is `postProcess`, it inserts them. */
  toXML(): string {
    const pending = this.#pending.at(-1);
    if (!pending) throw handedOnInPart();
    if (this.postProcess) return '';
    const xml = this.#membersXml();
    if (!pending.isLent) this.#lend(pending);
    return xml;
  }

  /** Nothing is written on the caller’s options before the message stands: until then much can fail. */
  #lend(pending: PendingCall): void {
    pending.isLent = true;
    lend(pending.options, pending.call, () => {
      const at = this.#pending.indexOf(pending);
      if (at >= 0) this.#pending.splice(at, 1);
    });
  }

  #membersXml(): string {
    return this.#members.map((member) => (member.postProcess ? '' : (member.toXML?.() ?? ''))).join('');
  }

  #process(xml: string, envelopeKey: string, call: Call): string {
    let message = insertIntoHeader(xml, envelopeKey, this.#membersXml());
    for (const member of this.#members) message = member.postProcess?.(message, envelopeKey) ?? message;
    if (!this.#sign) return message;

    call.signature = new Signature(message, envelopeKey, this.#sign);
    const { credentials, service, origin } = this.#identity;
    const loaded = loadedOf(credentials);
    if (!loaded) return message; // signed when it is sent
    return call.signature.trySign(loaded, origin, service || undefined);
  }
}

interface PendingCall {
  readonly call: Call;
  /** The caller’s. */
  readonly options: RequestOptions;
  isLent: boolean;
}

/** The call would go as anybody, or unsigned. */
function handedOnInPart(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    'ClientCertificateSecurity is asked for a part of what it adds to a call: a security around it leaves out the rest',
    {
      hint: 'Give the others to it, new ClientCertificateSecurity(credentials, { and: […] }), or hand on addHeaders, addOptions, toXML and postProcess.',
    },
  );
}

/** A single one, as `setSecurity` takes it. */
function noList(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    'ClientCertificateSecurity takes a list as "and"',
    { hint: 'Write { and: [new WSSecurity(…)] }.' },
  );
}

function nothingToSignWith(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_SIGNATURE_REFUSED',
    'sign is set beside service: false, which says that no certificate is used',
    { hint: 'Leave out one of the two.' },
  );
}
