import type { Server } from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import { allowsServerAuth } from '../load/identity.ts';
import { quote } from '../quote.ts';
import { type CertificateVersion, withIdentity } from '../tls/context.ts';
import type { Events } from './events.ts';
import { versionOf } from './inventory.ts';
import { closed, type Upkeep } from './upkeep.ts';

/** Servers of the user's that present one of the certificates, each as it is renewed. They are held weakly. */
export class Servers {
  readonly #upkeep: Upkeep;
  readonly #names = new WeakMap<Server, string>();
  readonly #servers = new Set<WeakRef<Server>>();
  readonly #forgotten = new FinalizationRegistry<WeakRef<Server>>((server) => this.#servers.delete(server));

  constructor(upkeep: Upkeep, events: Events) {
    this.#upkeep = upkeep;
    events.on('rotate', ({ name }) => {
      for (const server of this.#presenting(name)) {
        try {
          present(server, versionOf(upkeep.inventory, name));
        } catch (error) {
          events.emit('error', notTaken(name, error), { name });
        }
      }
    });
  }

  /** @throws ERR_CLIENTCERT_CERTIFICATE_REFUSED, ERR_CLIENTCERT_CERTIFICATE_UNKNOWN, ERR_CLIENTCERT_CONFIG_INVALID, ERR_CLIENTCERT_CLOSED */
  secure(server: Server, name: string): void {
    const { inventory } = this.#upkeep;
    if (this.#upkeep.closed) throw closed();
    if (typeof server?.setSecureContext !== 'function') throw noServer();
    if (!inventory.config.certificates.has(name)) throw unknown(name, inventory.config.certificates.keys());
    const version = versionOf(inventory, name);
    try {
      present(server, version);
    } catch (error) {
      throw notTaken(name, error);
    }
    if (!this.#names.has(server)) {
      const reference = new WeakRef(server);
      this.#servers.add(reference);
      this.#forgotten.register(server, reference);
    }
    this.#names.set(server, name);
  }

  /** Servers keep what they present, and are told of nothing any more. */
  close(): void {
    this.#servers.clear();
  }

  *#presenting(name: string): Iterable<Server> {
    for (const reference of this.#servers) {
      const server = reference.deref();
      if (server && this.#names.get(server) === name) yield server;
    }
  }
}

/**
 * Has new connections presented this certificate. Whatever else Node was told of this server (`ca`, `ciphers`, `crl`, …)
 * stays: it keeps it on the server, under the name of the option.
 */
function present(server: Server, { material }: CertificateVersion): void {
  if (!allowsServerAuth(material.certificate)) throw new Error(misused);
  withIdentity(material, (identity) => {
    const only = { ...noKey, pfx: undefined, ...identity };
    server.setSecureContext(Object.assign(Object.create(server), only));
  });
  // Node needs it no longer, and would show it to whoever prints the server.
  Object.assign(server, noKey);
}

/** All that a key is told by. */
const noKey = {
  key: undefined,
  passphrase: undefined,
  privateKeyEngine: undefined,
  privateKeyIdentifier: undefined,
};

const misused = 'its extended key usage does not allow it to be presented by a server';

function notTaken(name: string, cause: unknown): ClientCertificateError {
  const reason = (cause as Error).message === misused ? `: ${misused}` : '';
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CERTIFICATE_REFUSED',
    `certificate "${name}": the server does not present it${reason}`,
    {
      hint: reason
        ? 'Have it issued for server authentication as well.'
        : 'Its error is the cause: look at the certificate with clientcert inspect, and at the options of the server.',
      cause,
    },
  );
}

function unknown(name: string, known: Iterable<string>): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CERTIFICATE_UNKNOWN',
    `secureServer(): there is no certificate ${quote(name, 'name')}`,
    { hint: `Known are: ${[...known].join(', ')}.` },
  );
}

function noServer(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    'secureServer() takes a TLS server, and was given something else',
    {
      hint: 'Pass what https.createServer(), http2.createSecureServer() or tls.createServer() returned.',
    },
  );
}
