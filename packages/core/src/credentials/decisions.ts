import { requireRequest } from '../agent/handshake.ts';
import { ClientCertificateError } from '../errors.ts';
import { formatTarget, isUnmetWithoutTls } from '../pin/decision.ts';
import { normaliseHost } from '../pin/host.ts';
import { findService, resolve, resolveHost } from '../pin/resolve.ts';
import { checkPort, type Destination, parseOrigin, parseTarget } from '../pin/target.ts';
import { ConnectionProfile, type PinnedConnectOptions, type SecureContexts } from '../tls/profile.ts';
import { bundleMissing } from '../tls/server-id.ts';
import type { Resolution, Target } from '../types.ts';
import { isUrl } from '../url.ts';
import type { Connections } from './connections.ts';
import { type Inventory, versionOf } from './inventory.ts';
import { closed, type Upkeep } from './upkeep.ts';

/** Decides what connections are made with; by what is loaded then, so that it outlives renewals. */
export class Decisions {
  readonly #upkeep: Upkeep;
  readonly #connections: Connections;
  readonly #profiles = new WeakMap<Resolution, ConnectionProfile>();

  constructor(upkeep: Upkeep, connections: Connections) {
    this.#upkeep = upkeep;
    this.#connections = connections;
  }

  get inventory(): Inventory {
    return this.#upkeep.inventory;
  }

  resolve(target: Target): Resolution {
    return resolve(this.inventory.table, target);
  }

  /** For one identity of a caller. */
  decider(
    service?: string | false | undefined,
    origin?: string | URL | undefined,
  ): (host: string, port: number | string) => ConnectionProfile {
    const from = origin === undefined ? undefined : parseOrigin(origin);
    const isUnnamed = (name: string) =>
      from === undefined && findService(this.inventory.table, name).hosts === undefined;
    if (service && isUnnamed(service)) throw originNeeded(service);
    return (host, port) => {
      // A new config may have taken its hosts away since: it would apply at whichever host is dialled.
      if (service && isUnnamed(service)) throw originNeeded(service);
      return this.profileOf(resolveHost(this.inventory.table, host, checkPort(port), service, from));
    };
  }

  /** @throws ERR_CLIENTCERT_NOT_REQUESTED */
  checkPlain(service: string | false | undefined, origin: string | URL | undefined, to: string | URL): void {
    if (!service) return;
    const { table } = this.inventory;
    const entry = findService(table, service);
    // What no rule would take for a host is the client's to refuse.
    const text = String(to);
    const isHost = URL.canParse(text) && normaliseHost(new URL(text).hostname) !== undefined;
    if (!entry.rule.required && !isHost) return;
    const destination = parseOrigin(to);
    const from = origin === undefined ? undefined : parseOrigin(origin);
    if (isUnmetWithoutTls(table, entry, destination, from)) throw withoutTls(entry.rule.label, destination);
  }

  connectOptions(target: Target): PinnedConnectOptions {
    // Read once: it may say something else the next time.
    const fixed = typeof target === 'string' || isUrl(target) ? String(target) : { ...target };
    const { host, port } = parseTarget(fixed);
    const resolution = this.resolve(fixed);
    if (resolution.required && resolution.acceptsAnyServer) throw notKept(resolution.rule);
    const profile = this.profileOf(resolution);
    const options = profile.connectOptions(host);
    return { ...options, checkServerIdentity: requireRequest(profile, port, options.checkServerIdentity) };
  }

  profileOf(resolution: Resolution): ConnectionProfile {
    const known = this.#profiles.get(resolution);
    if (known && !known.contexts.retired) return known;
    if (this.#upkeep.closed) throw closed();
    if (resolution.required && resolution.certificate === null) throw nothingToRequire(resolution);
    const contexts = this.contextsOf(resolution);
    if (contexts.isRootless) throw bundleMissing(resolution);
    const profile = new ConnectionProfile(resolution, contexts);
    this.#profiles.set(resolution, profile);
    return profile;
  }

  /** One set of contexts for all resolutions that may share connections. */
  contextsOf(resolution: Resolution): SecureContexts {
    return this.#connections.contextsOf(resolution, (name) => versionOf(this.inventory, name));
  }
}

/** What a service does not name, the rule of a host may, and none does here. */
function nothingToRequire({ rule, denied }: Resolution): ClientCertificateError {
  return denied
    ? new ClientCertificateError(
        'ERR_CLIENTCERT_CONFIG_INVALID',
        `${rule}: no certificate is ever presented here, and the call is made as a service that says "required"`,
        { hint: 'Make the call without the service; or take the rule of the host out, or `required`.' },
      )
    : new ClientCertificateError(
        'ERR_CLIENTCERT_CONFIG_INVALID',
        `${rule}: "required", and neither it nor a rule for this host and port names a certificate`,
        { hint: 'Name one in the service, or pin one to the host and port; or leave `required` out.' },
      );
}

function withoutTls(rule: string, destination: Destination): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_NOT_REQUESTED',
    `${rule}: the call goes to ${formatTarget(destination)}, and without TLS nobody asks for the client certificate that this service requires`,
    { hint: 'Call the https: address. It may come from a WSDL, or from a setting.' },
  );
}

/** Node asks whoever connects by themselves for nothing at a server that need not be verified. */
function notKept(rule: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_VERIFICATION_OFF',
    `${rule}: connectOptions cannot keep "required" where any server is accepted`,
    {
      hint: 'Trust the server’s root with `ca` instead, or connect over credentials.agent(), which keeps it.',
    },
  );
}

function originNeeded(service: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_ORIGIN_NEEDED',
    `service "${service}" has no hosts, so it applies at the origin that the caller names, and none was named`,
    {
      hint: `Pass { service: "${service}", origin: "https://api.bank.example" }, or give the service hosts.`,
    },
  );
}
