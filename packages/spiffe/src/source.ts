import { setTimeout as pause } from 'node:timers/promises';
import { ClientCertificateError, type FileSource, type SourceCall } from '@clientcert/core';
import {
  certificateOf,
  failure,
  parseSpiffeId,
  type RenewedSource,
  readSvid,
  retryDelay,
  sayings,
} from '@clientcert/core/enrolment';
import { CallEnd, StreamingCall } from './call.ts';
import { type Identities, readIdentities, type Svid } from './messages.ts';
import { type CheckedOptions, checkOptions, type WorkloadApiOptions } from './options.ts';

/**
 * An X.509-SVID from the SPIFFE Workload API, as SPIRE's agent serves it, as a source of a config. The agent says who this
 * process is, hands out key and certificate, and says by itself when there is another: it is presented from the next
 * connection on.
 *
 * The roots of the own trust domain are trusted where the certificate is pinned; those of every trust domain, foreign ones
 * included, for rules whose `server` is in it.
 *
 * Revocation lists are not used; a process warning, `REVOCATION_LISTS_UNUSED`, says so where an agent sends any.
 *
 * @throws ERR_CLIENTCERT_CONFIG_INVALID for options that cannot be right. What the agent refuses for a quarter of a minute,
 *   `loadCredentials` rejects with; later it is an `error` event, the SVID in use stays, and the agent is asked again.
 * @see https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Workload_API.md
 *
 * @example
 * import { fromWorkloadApi, loadCredentials } from '@clientcert/spiffe';
 *
 * const credentials = await loadCredentials({
 *   certificates: { workload: fromWorkloadApi() },
 *   hosts: { 'payments.example': 'workload' },
 * });
 */
export function fromWorkloadApi(options: WorkloadApiOptions = {}): RenewedSource {
  const checked = checkOptions(options);
  const chosen: Chosen = { id: undefined };
  let refusal: ClientCertificateError | undefined;
  return async function* (call) {
    if (refusal) throw refusal;
    try {
      yield* follow(checked, chosen, call);
    } catch (error) {
      if (error instanceof Refusal) refusal = error;
      throw error;
    }
  };
}

/** Whose SVID was presented last. */
interface Chosen {
  id: string | undefined;
}

/** Each version that the agent tells of, over as many connections as it takes. */
async function* follow(options: CheckedOptions, chosen: Chosen, { signal, isRenewal = false }: SourceCall) {
  let isHeld = !isRenewal;
  let failures = 0;
  let failingSince: number | undefined;
  for (;;) {
    const openedAt = performance.now();
    const call = new StreamingCall(options.endpoint, method, { 'workload.spiffe.io': 'true' });
    const close = () => call.close();
    signal.addEventListener('abort', close);
    try {
      if (signal.aborted) close();
      // What there is already holds no process back, and what waits for the first version does.
      if (!isHeld) call.unref();
      for (;;) {
        const { svids, federated, revokes } = readIdentities(await call.next());
        const svid = choose(svids, options, chosen);
        const version = versionOf(svid, federated);
        if (chosen.id !== undefined && chosen.id !== svid.id) warnOfAnother(chosen.id, svid.id, options);
        chosen.id = svid.id;
        if (revokes) warnOfLists(options);
        failingSince = undefined;
        isHeld = false;
        call.unref();
        yield version;
      }
    } catch (cause) {
      signal.throwIfAborted();
      const error = explain(cause, options);
      failingSince ??= performance.now();
      if (error instanceof Refusal || performance.now() - failingSince > patience) throw error;
      failures = performance.now() - openedAt > calm ? 1 : failures + 1;
    } finally {
      signal.removeEventListener('abort', close);
      close();
    }
    await pause(retryDelay(failures), undefined, { ref: isHeld, signal });
  }
}

const method = '/SpiffeWorkloadAPI/FetchX509SVID';
/**
 * Milliseconds for which nobody is told that an agent is away, which may be starting, or that it knows no identity: SPIRE
 * takes some ten seconds until the agent knows of a new entry.
 */
const patience = 15_000;
/** A connection that lasted for so many milliseconds counts as one that worked. */
const calm = 10_000;

/** Sources that have said so. */
const warned = new WeakSet<CheckedOptions>();

function warnOfAnother(before: string, now: string, { address }: CheckedOptions): void {
  process.emitWarning(
    `the Workload API at ${address} hands out ${before} no longer: this process is ${now} from now on. To be nobody else, write id`,
    { type: 'ClientCertificateWarning', code: 'SPIFFE_ID_CHANGED' },
  );
}

/** Node, which is given lists, refuses every server for one of whose authorities there is none. */
function warnOfLists(options: CheckedOptions): void {
  if (warned.has(options)) return;
  warned.add(options);
  process.emitWarning(
    `the Workload API at ${options.address} sends revocation lists, and they are not used: a server whose certificate was revoked is accepted until that ends, or its root is taken out of the bundle`,
    { type: 'ClientCertificateWarning', code: 'REVOCATION_LISTS_UNUSED' },
  );
}

function versionOf({ chain, key, bundle, id }: Svid, federated: Identities['federated']): FileSource {
  const own = domainOf(id);
  checkId(chain, id);
  const bundles = new Map<string, Buffer>();
  // A trust domain may have keys of tokens alone.
  for (const [domain, roots] of federated) {
    if (parseSpiffeId(domain)?.path)
      throw failure(
        `${JSON.stringify(sayings(domain, []))}, which a bundle is for, is no trust domain`,
        'What is in use stays. The log of the agent may say more.',
      );
    if (roots.length > 0) bundles.set(domainOf(domain), roots);
  }
  bundles.set(own, bundle);
  return { cert: chain, key, ca: bundle, bundles: Object.fromEntries(bundles) };
}

/**
 * The first of those that are meant, as the standard has it, and the same for as long as it is there: another entry that
 * comes to stand first makes nobody else of a process that runs.
 */
function choose(svids: readonly Svid[], { id, hint }: CheckedOptions, chosen: Chosen): Svid {
  const meant = svids.filter((svid) => (id ?? svid.id) === svid.id && (hint ?? svid.hint) === svid.hint);
  const found = meant.find((svid) => svid.id === chosen.id) ?? meant[0];
  if (found) return found;
  const wanted = [id !== undefined && `id ${id}`, hint !== undefined && `hint ${JSON.stringify(hint)}`];
  const there = svids
    .slice(0, 10)
    .map((svid) => `${svid.id}${svid.hint && ` (hint ${JSON.stringify(svid.hint)})`}`);
  throw failure(
    `none of the SVIDs of this process has the ${wanted.filter(Boolean).join(' and ')}; there ${svids.length === 1 ? 'is' : 'are'} ${sayings(there.join(', '), [])}`,
    'Does a registration entry with these selectors say so? One that is new takes some seconds to reach the agent.',
  );
}

/** By what an agent says beside a certificate, roots of one trust domain would count for another. */
function checkId(chain: Buffer, id: string): void {
  let svid: ReturnType<typeof readSvid>;
  try {
    svid = readSvid(certificateOf(chain).raw);
  } catch {
    return; // core says what is wrong with it
  }
  if ('id' in svid && svid.id === id) return;
  throw failure(
    `the SVID of ${JSON.stringify(sayings(id, []))} is ${'fault' in svid ? svid.fault : `a certificate of ${svid.id}`}`,
    'What is in use stays. The log of the agent may say more.',
  );
}

function domainOf(id: string): string {
  const parsed = parseSpiffeId(id);
  if (parsed) return parsed.trustDomain;
  throw failure(`${JSON.stringify(sayings(id, []))} is no SPIFFE ID`, 'The log of the agent may say more.');
}

/** What is not to be tried again: the standard says so. */
class Refusal extends ClientCertificateError {}

function explain(cause: unknown, { address }: CheckedOptions): ClientCertificateError {
  const place = `the Workload API at ${address}`;
  if (cause instanceof ClientCertificateError)
    return failure(`${place}: ${cause.message}`, cause.hint!, cause);
  if (!(cause instanceof CallEnd)) throw cause;
  const { status, message } = cause;
  if (status === undefined)
    return failure(
      `${place} ${message}`,
      'Is the agent running, and is this its address (address, or SPIFFE_ENDPOINT_SOCKET)?',
      cause.cause,
    );
  const [says, hint] = statuses[status] ?? [
    `ends the call with status ${status}`,
    'The log of the agent may say more.',
  ];
  const said = sayings(message, []);
  const text = `${place} ${says}${said && `: ${said}`}`;
  return status === 3 || status === 12
    ? new Refusal('ERR_CLIENTCERT_CONFIG_INVALID', text, { hint })
    : failure(text, hint);
}

/** @see https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Workload_Endpoint.md#appendix-a-list-of-error-codes */
const statuses: Readonly<Record<number, readonly [says: string, hint: string]>> = {
  0: ['has ended the call', 'The log of the agent may say more.'],
  3: [
    'does not accept the request (InvalidArgument)',
    'It is not tried again: something on the way to the agent may drop the header workload.spiffe.io.',
  ],
  7: [
    'knows no identity of this process (PermissionDenied)',
    'Is there a registration entry whose selectors are those of this process, such as unix:uid or k8s:sa? One that is new takes some seconds to reach the agent.',
  ],
  12: [
    'has no X.509-SVIDs to hand out (Unimplemented)',
    'It is not tried again: is the address that of the Workload API?',
  ],
  14: ['is not available (Unavailable)', 'It may be starting.'],
};
