import { setImmediate } from 'node:timers/promises';
import {
  type CertificateInfo,
  ClientCertificateError,
  type Credentials,
  type Diagnosis,
  diagnose,
  type Resolution,
} from '@clientcert/core';
import { Malformed } from '../tls/bytes.ts';
import { VERSIONS, type Version } from '../tls/client-hello.ts';
import { type Demand, type Fit, fitOf } from '../tls/fit.ts';
import { type Answer, requestOnce } from '../tls/https-request.ts';
import { nameFromDer } from '../tls/names.ts';
import { describeChain, type ServerChain } from '../tls/server-chain.ts';
import { type CertificateRequest, readServerFlight, type ServerFlight } from '../tls/server-flight.ts';
import { TimedOut } from '../tls/wire.ts';

/** What a server takes and asks for. Names are the server's own words: make them safe before they are printed. */
export interface Probe {
  readonly url: string;
  /** Reached, and the mapped certificate, if any, was taken. */
  readonly ok: boolean;
  /** Why no connection was made, in words; `null` where something answered. */
  readonly unreachable: string | null;
  /** Whether a handshake of each version was begun; `null` where that could not be found out. */
  readonly versions: Readonly<Record<Version, boolean | null>>;
  readonly clientCertificate: {
    /** Whether it asks for one, in the handshake or when it has the request. */
    readonly requested: boolean;
    readonly when: 'in every handshake' | 'for this path' | 'not seen';
    /** Whether it answered without one; `null` where that could not be found out. */
    readonly required: boolean | null;
    /** Of all versions; empty where it names none, and so takes any or does not say. */
    readonly issuers: readonly string[];
    readonly byVersion: readonly Demand[];
  };
  readonly server: ServerChain & {
    /** Why Node would not trust it, as a code; `null` where it does; `undefined` where no handshake told. */
    readonly distrust: string | null | undefined;
    /** RFC 5746; `null` for a server of TLS 1.3 alone, which has no renegotiation. */
    readonly secureRenegotiation: boolean | null;
  };
  readonly certificates: readonly Fit[];
  /** What came of a request with the mapped certificate; `null` where none is mapped. */
  readonly presented: {
    readonly certificate: string;
    /** `null` where nobody said: no answer in time, or a server that Node does not trust, to which no request goes. */
    readonly accepted: boolean | null;
    readonly status: number | null;
    readonly diagnosis: Pick<Diagnosis, 'code' | 'title' | 'cause' | 'fix' | 'confidence'> | null;
  } | null;
  /** What stands in the way, and what could not be seen. */
  readonly notes: readonly string[];
}

const ALL = Object.keys(VERSIONS) as Version[];

/** How a server is asked. */
export interface ProbeOptions {
  /** Whose certificate is presented where a rule maps one to the server, and to no other. */
  credentials?: Credentials | undefined;
  /** As which service of the config the call would be made. */
  service?: string | undefined;
  /** Of each connection, in milliseconds; 10,000 unless given. */
  timeout?: number | undefined;
}

/**
 * Asks a server what it takes and which client certificate it wants: in every version of TLS, then with one request
 * without a certificate, then with one with that which the config maps to it. What it names as issuers tells
 * `diagnose` reasons apart for which a server has one word.
 *
 * @param server An https URL; the request is a GET of its path.
 * @throws `ERR_CLIENTCERT_HOST_INVALID` where it is none, or holds a user name or password, and what
 *   `credentials.resolve` throws. A server that fails or refuses is no error: the result says so.
 * @see RFC 5246, section 7.4.4; RFC 8446, section 4.3.2
 * @example
 * import { probe } from 'clientcert/probe';
 * const { clientCertificate } = await probe('https://api.bank.example', { credentials });
 * console.log(diagnose(error, { issuers: clientCertificate.issuers }));
 */
export async function probe(
  server: string | URL,
  { credentials, service, timeout = 10_000 }: ProbeOptions = {},
): Promise<Probe> {
  const url = readUrl(server);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const address = { host, port: Number(url.port || 443) };
  const target = { host, port: address.port, origin: url.origin, ...(service !== undefined && { service }) };
  // What is wrong with the config is said before anybody is called.
  const resolution = credentials?.resolve(target);
  const servername = resolution?.servername ?? host;
  const heard = await Promise.all(ALL.map((version) => hear(address, servername, version, timeout)));
  const flights = heard.flatMap(({ flight }) => (flight?.version ? [flight] : []));
  const spoken = heard.flatMap(({ version, flight }) => (flight?.version === version ? [flight] : []));
  const demands: Demand[] = [];
  for (const { version, request } of spoken)
    if (version && request) demands.push(await readDemand(version, request));
  const best = spoken.at(-1);
  const unreachable = whyUnreachable(heard, host, address.port);
  const notes = notesOn(heard, resolution, unreachable === null);

  const issuers = [...new Set(demands.flatMap((demand) => demand.issuers))];

  const bare = best && (await requestOnce(url, address, bareOptions(servername, spoken), timeout));
  const presented =
    best && credentials && resolution?.certificate
      ? await present(url, address, credentials, target, resolution.certificate, issuers, timeout)
      : null;
  const renegotiated = bare?.renegotiated || presented?.answer.renegotiated || false;
  const requested = demands.length > 0 || renegotiated;
  const lacking = bare && lacksCertificate(bare, url, requested);
  if (bare) notes.push(...notesOnPath(bare, best!, demands.length > 0));
  if (requested && credentials && resolution?.certificate === null)
    notes.push(credentials.explain(target).summary.join(' '));

  return {
    url: url.href,
    ok: best !== undefined && (presented === null || presented?.told.accepted === true),
    unreachable,
    versions: Object.fromEntries(
      heard.map(({ version, flight, error }) => [
        version,
        flight ? flight.version === version : error instanceof Malformed ? false : null,
      ]),
    ) as Probe['versions'],
    clientCertificate: {
      requested,
      when: demands.length > 0 ? 'in every handshake' : renegotiated ? 'for this path' : 'not seen',
      required: lacking ?? null,
      issuers,
      byVersion: demands,
    },
    server: {
      ...describeChain((best ?? flights.at(-1))?.chain ?? [], servername, resolution?.server),
      distrust: presented ? presented.distrust : bare?.distrust,
      secureRenegotiation: spoken.find(({ version }) => version !== 'TLSv1.3')?.secureRenegotiation ?? null,
    },
    certificates: (credentials?.certificates() ?? []).map((info: CertificateInfo) =>
      fitOf(info, demands, info.name === resolution?.certificate),
    ),
    presented: presented?.told ?? null,
    notes,
  };
}

function readUrl(address: string | URL): URL {
  const url = URL.canParse(String(address)) ? new URL(address) : undefined;
  if (url?.protocol === 'https:' && !url.username && !url.password) return url;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_HOST_INVALID',
    'what is to be probed is no https URL, or one with a user name or password',
    { hint: 'Write it as https://host:port/path.' },
  );
}

interface Heard {
  readonly version: Version;
  readonly flight?: ServerFlight;
  readonly error?: Error;
}

async function hear(
  address: { host: string; port: number },
  servername: string,
  version: Version,
  milliseconds: number,
): Promise<Heard> {
  try {
    return { version, flight: await readServerFlight(address, servername, version, milliseconds) };
  } catch (error) {
    return { version, error: error as Error };
  }
}

async function readDemand(
  version: Version,
  { authorities, signatureAlgorithms }: CertificateRequest,
): Promise<Demand> {
  const issuers = new Set<string>();
  for (const [index, name] of authorities.entries()) {
    issuers.add(nameFromDer(name) ?? `#${name.toString('hex').slice(0, 80)}`);
    // A server may name thousands, each of which is a certificate to OpenSSL.
    if (index % 16 === 15) await setImmediate();
  }
  return { version, issuers: [...issuers], signatureAlgorithms };
}

/** TLS 1.2 where there is a choice: in it another handshake can be seen. Nothing is sent that is worth a check. */
function bareOptions(servername: string, spoken: readonly ServerFlight[]): object {
  const versions = spoken.map(({ version }) => version!);
  const version = versions.includes('TLSv1.2') ? 'TLSv1.2' : versions.at(-1)!;
  const old = version === 'TLSv1' || version === 'TLSv1.1';
  return {
    ...(/[a-z]/i.test(servername) && !servername.includes(':') && { servername }),
    checkServerIdentity: () => undefined,
    rejectUnauthorized: false,
    minVersion: version,
    maxVersion: version,
    ...(old && { ciphers: 'DEFAULT@SECLEVEL=0' }),
  };
}

/** Whether an answer without a certificate says that one is needed. */
function lacksCertificate(answer: Answer, url: URL, asks: boolean): boolean | undefined {
  if (answer.error instanceof TimedOut) return undefined;
  const { code, confidence } = diagnose(answer.error ?? answer.response, { url });
  if (code === 'NO_CLIENT_CERTIFICATE_SENT' && confidence !== 'guess') return true;
  if (answer.response) return false;
  return asks ? true : undefined;
}

async function present(
  url: URL,
  address: { host: string; port: number },
  credentials: Credentials,
  target: { host: string; port: number; service?: string; origin: string },
  certificate: string,
  issuers: readonly string[],
  milliseconds: number,
): Promise<{ answer: Answer; distrust: string | null | undefined; told: NonNullable<Probe['presented']> }> {
  const answer = await requestOnce(url, address, credentials.connectOptions(target), milliseconds);
  const { code, title, cause, fix, confidence } = diagnose(answer.error ?? answer.response, {
    credentials,
    url,
    service: target.service,
    issuers,
  });
  const told = { code, title, cause, fix, confidence };
  const status = answer.response?.status ?? null;
  const unknown = code === 'UNKNOWN';
  const accepted = answer.response
    ? unknown || !/CERTIFICATE|CREDENTIAL|CHAIN/.test(code)
    : isTimeout(answer) || distrustOf(answer)
      ? null
      : false;
  return {
    answer,
    distrust: distrustOf(answer),
    told: { certificate, accepted, status, diagnosis: accepted === true ? null : told },
  };
}

function isTimeout({ error }: Answer): boolean {
  return error instanceof TimedOut;
}

/**
 * Why Node trusts a server or not. Where it breaks off by itself, because the server is not the one of the rule, there
 * is no handshake to ask; any other end of a handshake says nothing of it.
 */
function distrustOf({ distrust, error }: Answer): string | null | undefined {
  if (distrust !== undefined) return distrust;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  return /^(?:CERT_|DEPTH_|ERR_CLIENTCERT_|ERR_TLS_CERT_|HOSTNAME_|INVALID_|SELF_|UNABLE_)/.test(code)
    ? code
    : undefined;
}

/** In words, where nothing answered, and for one reason. */
function whyUnreachable(heard: readonly Heard[], host: string, port: number): string | null {
  const codes = new Set(heard.map(({ error }) => (error as NodeJS.ErrnoException | undefined)?.code));
  const [code = ''] = codes;
  const what = codes.size === 1 ? UNREACHABLE[code] : undefined;
  return what === undefined
    ? null
    : `${what.replace('{host}', () => host).replace('{port}', () => `${port}`)} (${code})`;
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens on port {port} of {host}: the connection was refused',
  ENOTFOUND: 'there is no host {host}: its name has no address',
  EAI_AGAIN: 'the name {host} cannot be looked up now: the name server does not answer',
  EHOSTUNREACH: 'there is no way to the host {host}',
  ENETUNREACH: 'there is no way to the network of {host}',
};

function notesOn(heard: readonly Heard[], resolution: Resolution | undefined, reached: boolean): string[] {
  const notes: string[] = [];
  const reasons = new Map<string, Version[]>();
  for (const { version, error } of heard) {
    if (!error || !reached) continue;
    const reason = describeError(error);
    reasons.set(reason, [...(reasons.get(reason) ?? []), version]);
  }
  for (const [reason, versions] of reasons)
    notes.push(
      `${versions.length === heard.length ? 'no version of TLS' : versions.join(' and ')}: ${reason}`,
    );
  if (resolution?.certificate && heard.every(({ flight }) => flight?.version === undefined))
    notes.push(`certificate "${resolution.certificate}" was sent to nobody`);
  return notes;
}

function describeError(error: Error): string {
  const inner = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  return inner.message || (inner as NodeJS.ErrnoException).code || inner.name;
}

/** What of a demand for one path alone can be seen, and what not. */
function notesOnPath(bare: Answer, best: ServerFlight, asked: boolean): string[] {
  if (asked) return [];
  if (bare.renegotiated)
    return [
      'the server began a second handshake for this path, as one does that wants a certificate for some paths only; whom it names in that is encrypted and not shown',
    ];
  if (bare.error) return [`without a certificate the request failed: ${describeError(bare.error)}`];
  if (best.version === 'TLSv1.3')
    return [
      bare.protocol === 'TLSv1.3'
        ? 'whether it wants a certificate for some paths only cannot be seen: under TLS 1.3 it would ask after the handshake (RFC 8446, 4.6.2), and Node does not offer that, so it answers 403 where it does'
        : 'under TLS 1.3 a server may ask for a certificate after the handshake (RFC 8446, 4.6.2); Node does not offer that, and what was seen of the path was seen under TLS 1.2',
    ];
  return [];
}
