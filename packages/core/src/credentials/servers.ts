import { createHash } from 'node:crypto';
import type { Server } from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import { allowsServerAuth } from '../load/identity.ts';
import { tokenKeyIn } from '../load/stored-certificate.ts';
import { written } from '../own.ts';
import { quote } from '../quote.ts';
import { type CertificateVersion, refusedWith, withIdentity } from '../tls/context.ts';
import type { Events } from './events.ts';
import { versionOf } from './inventory.ts';
import { closed, type Upkeep } from './upkeep.ts';

/** Which clients a server of one's own lets in. */
export interface ServerOptions {
  /**
   * `'certificate'`: those vouched for by the roots that come with the certificate (its `ca`; of an SVID those of its trust
   * domain), each time as they are by then, and not those of the `ca` that the server was created with. That stays unless
   * this is written.
   */
  readonly clientCa?: 'certificate' | undefined;
}

/** What a server was told to present last. */
interface Presentation {
  readonly name: string;
  readonly clientCa: ServerOptions['clientCa'];
  /** The version that it was given, or that it refused; `undefined` where the config has none of that name by now. */
  version: CertificateVersion | undefined;
}

/** On a server, the `ca` that it was given in the place of its own, and that. */
const replaced: unique symbol = Symbol.for('clientcert.replacedCa') as never;
interface Replaced {
  readonly ca: unknown;
  readonly own: unknown;
}

/** On a server, who told it last: that is whom it follows, be it of another copy of this package. */
const follows: unique symbol = Symbol.for('clientcert.follows') as never;
type Following = Server & { [follows]?: unknown; [replaced]?: Replaced };

/** Servers of the user's that present one of the certificates, each as it is renewed. They are held weakly. */
export class Servers {
  readonly #upkeep: Upkeep;
  readonly #events: Events;
  readonly #servers = new Set<WeakRef<Following>>();
  readonly #presentations = new WeakMap<Server, Presentation>();
  readonly #forgotten = new FinalizationRegistry<WeakRef<Server>>((server) => this.#servers.delete(server));

  constructor(upkeep: Upkeep, events: Events) {
    this.#upkeep = upkeep;
    this.#events = events;
    upkeep.onChange = () => this.#follow();
  }

  /** @throws ERR_CLIENTCERT_CERTIFICATE_REFUSED, ERR_CLIENTCERT_TOKEN_FAILED, ERR_CLIENTCERT_CERTIFICATE_UNKNOWN, ERR_CLIENTCERT_CONFIG_INVALID, ERR_CLIENTCERT_CLOSED */
  secure(server: Following, name: string, given: ServerOptions = {}): void {
    const { inventory } = this.#upkeep;
    if (this.#upkeep.closed) throw closed();
    if (typeof server?.setSecureContext !== 'function') throw noServer();
    if (typeof name !== 'string') throw unnamed(inventory.config.certificates.keys());
    if (!inventory.config.certificates.has(name)) throw unknown(name, inventory.config.certificates.keys());
    const clientCa = checkOptions(server, given);
    const version = versionOf(inventory, name);
    present(server, version, clientCa);
    if (server[follows] !== this) {
      const reference = new WeakRef(server);
      this.#servers.add(reference);
      this.#forgotten.register(server, reference);
      Object.defineProperty(server, follows, { value: this, configurable: true });
    }
    this.#presentations.set(server, { name, clientCa, version });
  }

  /** Servers keep what they present, and are told of nothing any more. */
  close(): void {
    this.#servers.clear();
  }

  /** Has each server present what its certificate is by now: renewed, taken back, or found again. */
  #follow(): void {
    const { certificates, config } = this.#upkeep.inventory;
    for (const reference of this.#servers) {
      const server = reference.deref();
      if (server?.[follows] !== this) {
        this.#servers.delete(reference);
        continue;
      }
      const presentation = this.#presentations.get(server)!;
      const { name, clientCa, version: before } = presentation;
      const version = certificates.get(name);
      // One that could not be loaded is told of by whoever loads it.
      if (version === before || (version === undefined && config.certificates.has(name))) continue;
      presentation.version = version;
      try {
        if (version === undefined) throw dropped(name);
        present(server, version, clientCa);
      } catch (error) {
        this.#events.emit('error', error as ClientCertificateError, { name });
      }
    }
  }
}

/**
 * Has new connections presented this certificate. Whatever else Node was told of this server (`ca`, `ciphers`, `crl`, …)
 * stays: it keeps it on the server, under the name of the option.
 */
function present(server: Following, version: CertificateVersion, clientCa: ServerOptions['clientCa']): void {
  const { name, material } = version;
  if (!allowsServerAuth(material.certificate)) throw misused(name);
  // Given none, Node would let in the clients of every public authority.
  if (clientCa && material.ca.length === 0) throw rootless(name);
  const { cert, ca, sessionIdContext } = server as Kept;
  const before = server[replaced];
  const own = before && before.ca === ca ? before.own : ca;
  const roots = clientCa ? material.ca.map(String) : (own as Kept['ca']);
  const sessions = nameOf([sessionIdContext, material.certificate.raw, roots].flat());
  try {
    withIdentity(material, (identity) => {
      const only = { ...noKey, pfx: undefined, ...identity, ca: roots, sessionIdContext: sessions };
      server.setSecureContext(Object.assign(Object.create(server), only));
    });
  } catch (error) {
    Object.assign(server, { cert, ca });
    throw tokenKeyIn(material) ? refusedWith(version, error) : notTaken(name, error);
  } finally {
    // Node needs it no longer, also where it did not take it, and would show it to whoever prints the server.
    Object.assign(server, noKey, { sessionIdContext });
  }
  const value = clientCa && { ca: roots, own };
  if (value || before) Object.defineProperty(server, replaced, { value, configurable: true });
}

/** What Node keeps on a server, of what is looked at here. */
interface Kept {
  readonly cert?: unknown;
  readonly ca?: string | Buffer | readonly (string | Buffer)[] | undefined;
  readonly sessionIdContext?: string | undefined;
}

/**
 * A session of another certificate, or of clients of other roots, is none of this server's, whoever keeps it: tickets that
 * keys of the server's own open, or a store of its own (`resumeSession`). Node looks at no certificate when one is resumed.
 * The same in every process, as those may share them; in as many characters as OpenSSL takes.
 */
function nameOf(parts: readonly (string | Buffer | undefined)[]): string {
  const digests = parts.map((part = '') => createHash('sha256').update(part).digest('hex'));
  return createHash('sha256').update(digests.join()).digest('base64url').slice(0, 32);
}

/** All that a key is told by. */
const noKey = {
  key: undefined,
  passphrase: undefined,
  privateKeyEngine: undefined,
  privateKeyIdentifier: undefined,
};

function checkOptions(server: Server, given: ServerOptions): ServerOptions['clientCa'] {
  if (typeof given !== 'object' || given === null)
    throw invalid('takes an object of options, and was given something else', 'Write { clientCa }.');
  const unknown = Object.keys(given).find((name) => name !== 'clientCa');
  if (unknown !== undefined)
    throw invalid(
      `has no option ${quote(unknown, 'name')}`,
      'It takes clientCa. Whatever else is said to createServer().',
    );
  const clientCa = written(given, 'clientCa');
  if (clientCa === undefined) return undefined;
  if (clientCa !== 'certificate')
    throw invalid(
      "takes 'certificate' as clientCa, and was given something else",
      'Roots of your own are said to createServer(), as ca.',
    );
  if (!(server as { requestCert?: boolean }).requestCert)
    throw invalid(
      'was told whose clients to let in (clientCa), and the server asks clients for no certificate',
      'Create it with requestCert: true.',
    );
  return clientCa;
}

function rootless(name: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CERTIFICATE_REFUSED',
    `certificate "${name}": the server does not present it: no roots come with it, and clientCa has it let in the clients of those`,
    {
      hint: 'Write ca at the certificate, or say which clients are let in to createServer(), and no clientCa.',
    },
  );
}

function misused(name: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CERTIFICATE_REFUSED',
    `certificate "${name}": the server does not present it: its extended key usage does not allow it to be presented by a server`,
    { hint: 'Have it issued for server authentication as well.' },
  );
}

function notTaken(name: string, cause: unknown): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CERTIFICATE_REFUSED',
    `certificate "${name}": the server does not present it`,
    {
      hint: 'Its error is the cause: look at the certificate with clientcert inspect, and at the options of the server.',
      cause,
    },
  );
}

/** Nothing can be taken back from a server: it would refuse every handshake. */
function dropped(name: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CERTIFICATE_UNKNOWN',
    `certificate "${name}" is no longer in the config, and a server presents it: it goes on with the last version, which nothing renews`,
    { hint: 'Call secureServer() with another name, close the server, or put the certificate back.' },
  );
}

function unknown(name: string, known: Iterable<string>): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CERTIFICATE_UNKNOWN',
    `secureServer(): there is no certificate ${quote(name, 'name')}`,
    { hint: `Known are: ${[...known].join(', ')}.` },
  );
}

function invalid(what: string, hint: string): ClientCertificateError {
  return new ClientCertificateError('ERR_CLIENTCERT_CONFIG_INVALID', `secureServer() ${what}`, { hint });
}

function unnamed(known: Iterable<string>): ClientCertificateError {
  return invalid(
    'takes the name of a certificate as well, and was given something else',
    `Known are: ${[...known].join(', ')}.`,
  );
}

function noServer(): ClientCertificateError {
  return invalid(
    'takes a TLS server, and was given something else',
    'Pass what https.createServer(), http2.createSecureServer() or tls.createServer() returned.',
  );
}
