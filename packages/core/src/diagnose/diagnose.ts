import type { ClientCertificateErrorCode } from '../errors.ts';
import type { Target } from '../types.ts';
import { type Cause, type Confidence, causes, type PossibleCause } from './causes.ts';
import type { Facts } from './facts.ts';
import { addressIn, type OwnError, observe, read, walk } from './observation.ts';
import { findPossibleCauses } from './possible-causes.ts';
import type { DiagnosisName } from './symptoms.ts';

/** What a failure comes from, and what to do. Nothing in it is secret. `toString()` is a text for a person. */
export interface Diagnosis extends Cause {
  /** Stable. For an error of this project that no name fits, its own code. */
  readonly code: DiagnosisName | ClientCertificateErrorCode;
  /** `certain`: nothing else does this; `likely`: other causes were not ruled out; `guess`: one of several. */
  readonly confidence: Confidence;
  /** What it was concluded from, a sentence each. */
  readonly evidence: readonly string[];
  /** Where to read on. */
  readonly docs: string;
  /** What else it may be, the likeliest first. */
  readonly alternatives: readonly Alternative[];
}

/** Another cause that a failure may have. */
export interface Alternative extends Cause {
  /** Stable. */
  readonly code: DiagnosisName;
  /** `likely` or `guess`. */
  readonly confidence: Confidence;
  /** What it was concluded from, a sentence each. */
  readonly evidence: readonly string[];
}

/** What {@link diagnose} may be told beside the failure. */
export interface DiagnoseOptions {
  /** Credentials, with which it is joined with what is known of rule, certificate and connection. */
  credentials?: Diagnosable | undefined;
  /** The address that was called, where the failure does not say it. */
  url?: string | URL | undefined;
  /** The service as which the call was made; `false` for no certificate. */
  service?: string | false | undefined;
  /**
   * The issuers that the server names when it asks for a certificate, as `clientcert probe --json` shows them: whether
   * yours is one of them tells apart what many servers refuse with one and the same word.
   */
  issuers?: readonly string[] | undefined;
}

/** Credentials, also those of another copy of this package. */
export interface Diagnosable {
  /** As `Credentials.resolve`. */
  resolve(target: Target): unknown;
}

/** Where credentials say what they know of a target, and errors what was known of the call. */
const factsKey = Symbol.for('clientcert.facts');

/**
 * What a failed call comes from, and what to do about it, in plain words. Nothing is sent to find it out.
 *
 * @param failure Any error that Node or a client threw, also node-soap's plain objects, or what was printed of one; or
 *   an answer: a `Response`, a client's response object, or `{ status, headers, body }`. The body of a `Response` has to
 *   be read first: `{ status: response.status, body: await response.text() }`.
 * @param options What is known beside it; errors that come from one of the adapters know it themselves.
 * @returns A cause that is `certain` only where nothing else looks the same; else what is likely, and what else it may be.
 *   `UNKNOWN` where it is nothing that comes from client certificates.
 *
 * @example
 * import { diagnose, loadCredentials } from '@clientcert/core';
 *
 * const credentials = await loadCredentials('clientcert.json');
 * https.get(url, { agent: credentials.agent() }).on('error', (error) => {
 *   console.error(`${diagnose(error, { credentials, url })}`);
 * });
 */
export function diagnose(failure: unknown, options: DiagnoseOptions = {}): Diagnosis {
  const facts = factsIn(failure) ?? factsOf(failure, options);
  return diagnoseWith(failure, facts && { ...facts, issuers: options.issuers });
}

/** What the errors in a failure carry of the connection they come from; the innermost knows most. */
function factsIn(failure: unknown): Facts | undefined {
  const facts = [...walk(failure)].map((each) => call(read(each, factsKey)));
  return facts.findLast((each) => each?.connection?.failed) ?? facts.find((each) => each !== undefined);
}

function call(known: unknown): Facts | undefined {
  return typeof known === 'function' ? (known() as Facts | undefined) : undefined;
}

function factsOf(failure: unknown, { credentials, url, service }: DiagnoseOptions): Facts | undefined {
  const known = read(credentials, factsKey);
  const called = url ?? addressIn(failure);
  if (typeof known !== 'function' || called === undefined || !URL.canParse(`${called}`)) return undefined;
  return known.call(credentials, new URL(`${called}`), service) as Facts | undefined;
}

/**
 * Puts the diagnosis on an error, as `clientCertificate`: found out when it is read, and `undefined` where the failure
 * is nothing that comes from client certificates. The error stays what it is.
 *
 * @param facts What is known of the call; asked when the diagnosis is read.
 */
export function carryDiagnosis(error: unknown, facts: () => Facts | undefined): void {
  if (typeof error !== 'object' || error === null || Object.hasOwn(error, factsKey)) return;
  if (!Object.isExtensible(error)) return;
  let read: { diagnosis: Diagnosis | undefined } | undefined;
  Object.defineProperties(error, {
    [factsKey]: { value: facts, configurable: true },
    clientCertificate: {
      configurable: true,
      get(this: unknown): Diagnosis | undefined {
        if (!read) {
          const diagnosis = diagnose(error);
          read = { diagnosis: diagnosis.code === 'UNKNOWN' ? undefined : diagnosis };
        }
        return read.diagnosis;
      },
    },
  });
}

/**
 * Puts the diagnosis on an error that leaves a client, as `clientCertificate`: found out when it is read, and
 * `undefined` where the failure is nothing that comes from client certificates.
 *
 * @param call The credentials that it was made with, once they are loaded, and as whom it was made.
 * @returns The error itself.
 */
export function withDiagnosis<Failure>(error: Failure, call: DiagnoseOptions): Failure {
  carryDiagnosis(error, () => factsOf(error, call));
  return error;
}

/** The diagnosis of a failure, by what was seen and what is known of the call. */
function diagnoseWith(failure: unknown, known: Facts | undefined): Diagnosis {
  const seen = observe(failure);
  const own = seen.own && ofOwn(seen.own, known);
  if (own) return printable(own);
  const { symptom, causes: possible } = findPossibleCauses(seen, known);
  const [first, ...others] = possible.map((cause) => word(cause, known));
  return printable({
    ...first!,
    docs: `${site}troubleshooting.md${symptom ? `#${symptom.id}` : ''}`,
    alternatives: others,
  });
}

function word({ code, confidence, evidence }: PossibleCause, known: Facts | undefined): Alternative {
  const filled = fill(causes[code], known);
  const fix = withOtherPort(code, withServerId(code, filled.fix, known), known?.otherPort);
  return { code, ...filled, fix, confidence, evidence };
}

/** Servers among workloads mostly prove a SPIFFE ID, and no name. */
function withServerId(code: Alternative['code'], fix: string, known: Facts | undefined): string {
  if (code !== 'SERVER_CA_UNKNOWN' && code !== 'SERVER_NAME_MISMATCH') return fix;
  const { server, certificate } = known ?? {};
  if (server !== undefined)
    return `The rule says server: "${server}", so the roots of that trust domain alone verify it. Where the server is in another, write its own ID.`;
  if (certificate?.spiffeId === undefined) return fix;
  return `Where the server proves a SPIFFE ID in place of a name, write that as \`server\` of the rule. Else: ${fix}`;
}

/** A rule that is for another port brings neither its certificate nor its roots. */
function withOtherPort(code: Alternative['code'], fix: string, advice: string | undefined): string {
  if (!advice) return fix;
  if (code === 'SERVER_CA_UNKNOWN') return `${advice} ${fix}`;
  return code === 'NO_CLIENT_CERTIFICATE_SENT' ? advice : fix;
}

function fill({ title, cause, fix }: Cause, known: Facts | undefined): Cause {
  const certificate = known?.certificate
    ? `certificate "${known.certificate.name}"`
    : 'the client certificate';
  const place = known?.place ?? 'the server';
  const filled = cause.replaceAll('{certificate}', () => certificate).replaceAll('{place}', () => place);
  // A host at the beginning of a sentence is written as everywhere.
  const named = known !== undefined && filled.startsWith(known.place);
  return { title, cause: named ? filled : filled.replace(/^[a-z]/, (letter) => letter.toUpperCase()), fix };
}

/** Errors of this project say themselves what is wrong and what to do. */
function ofOwn({ code, message, hint }: OwnError, known: Facts | undefined): Diagnosis {
  const name = names[code as ClientCertificateErrorCode];
  return {
    code: name ?? (code as ClientCertificateErrorCode),
    title: name ? causes[name].title : message,
    cause: message,
    fix: hint ?? (name ? fill(causes[name], known).fix : causes.UNKNOWN.fix),
    confidence: 'certain',
    evidence: [`the error’s code is ${code}`],
    docs: `${site}reference/errors.md#${code.toLowerCase()}`,
    alternatives: [],
  };
}

const names: Readonly<Partial<Record<ClientCertificateErrorCode, DiagnosisName>>> = {
  ERR_CLIENTCERT_CERTIFICATE_REFUSED: 'CLIENT_CREDENTIAL_TOO_WEAK',
  ERR_CLIENTCERT_KEY_MISMATCH: 'KEY_DOES_NOT_MATCH',
  ERR_CLIENTCERT_PASSPHRASE_MISSING: 'PASSPHRASE_WRONG_OR_MISSING',
  ERR_CLIENTCERT_PASSPHRASE_WRONG: 'PASSPHRASE_WRONG_OR_MISSING',
  ERR_CLIENTCERT_PROXY_FAILED: 'PROXY_REFUSED',
};

/** What `${diagnosis}` gives: the cause, how sure that is, what to do, and what else it may be. */
function printable(diagnosis: Diagnosis): Diagnosis {
  const print = () => {
    const { title, code, cause, confidence, evidence, fix, alternatives, docs } = diagnosis;
    const sure = { certain: '', likely: 'Likely: ', guess: 'Perhaps: ' }[confidence];
    const because = evidence.length > 0 ? `\n  because ${evidence.join('; ')}` : '';
    const others =
      alternatives.length > 0 ? `\n  or: ${alternatives.map((each) => each.title).join('; ')}` : '';
    const said = cause === title ? '' : `\n  ${cause}`;
    return `${sure}${title} (${code})${said}${because}\n  fix: ${fix}${others}\n  ${docs}`;
  };
  return Object.defineProperty(diagnosis, 'toString', { value: print });
}

const site = 'https://github.com/clientcert/clientcert/blob/main/docs/';
