import { X509Certificate } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ClientCertificateError } from '../errors.ts';
import { privateKeyFrom } from '../load/private-key.ts';
import { untilAborted } from '../load/until-aborted.ts';
import { snapshot } from '../own.ts';
import type { FileSource, SourceCall } from '../types.ts';
import { failure, withTimeout } from './exchange.ts';
import type { Issued } from './issued.ts';
import { KeptFiles, type RenewedFiles } from './kept-files.ts';

/** What asks an authority, for as long as a source is read. */
export interface Issuer {
  /**
   * Has the next one issued.
   *
   * @param current The one before, while it is valid.
   */
  issue(current: Issued | undefined): Promise<Issued>;
  /** When {@link tend} is to be called: milliseconds since the epoch. */
  readonly tendAt?: number;
  /** Looks after what the authority is asked with. */
  tend?(): Promise<void>;
}

/** The public half of what was issued, for whoever has to know it. */
export interface Renewed {
  /** The certificate in PEM, without chain and key. */
  readonly certificate: string;
  /** With its chain. */
  readonly fullChain: string;
  /** SHA-256: hexadecimal pairs in upper case, joined by colons. */
  readonly fingerprint256: string;
  /** Its end. */
  readonly validTo: Date;
}

/** What every source that renews takes. */
export interface RenewingOptions {
  /**
   * Where the certificate lives: what is there when the process starts is presented at once while it is valid, and each
   * that is issued is written there. In memory alone unless written.
   */
  files?: RenewedFiles | undefined;
  /**
   * Called with each certificate that was issued before it is presented, and waited for, two minutes at most: hand it to
   * the other side here. Where it fails, the certificate before stays in use, and it is called again.
   */
  onRenewed?: ((renewed: Renewed, call: SourceCall) => void | Promise<void>) | undefined;
}

/** A source that stands in a config as a certificate: each version is yielded when it may be presented. */
export type RenewedSource = (call: SourceCall) => AsyncIterable<FileSource>;

/**
 * A source whose certificate is issued by an authority: renewed when two thirds of its lifetime are over, up to a tenth
 * sooner. What was issued and not yet told or written is not asked for again. All `Credentials` that it stands in share
 * the certificate.
 *
 * @param open Called each time the source is read from its start.
 * @param isMeant Whether a certificate that was found in files is the one that the options ask for.
 */
export function renewing(
  open: (call: SourceCall) => Issuer,
  options: RenewingOptions,
  isMeant: (certificate: X509Certificate) => boolean = () => true,
): RenewedSource {
  const { files, onRenewed } = snapshot(options);
  const kept = files && new KeptFiles(files);
  /** What was issued last, and what was presented last: the one before, while nobody could be told of it. */
  let held: Held | undefined;
  let shown: Held | undefined;
  let isPassedOver = false;
  let turn: Promise<unknown> = Promise.resolve();

  /** One at a time: several `Credentials` may read the source. */
  function inTurn(step: () => Promise<Step>): Promise<Step> {
    const next = turn.then(step);
    turn = next.catch(() => {});
    return next;
  }

  /** Waits for no other: what one of them hands over now holds nobody else up. */
  async function start({ signal }: SourceCall): Promise<Step> {
    return usable() ?? inTurn(() => readKept(signal));
  }

  function usable(): Step | undefined {
    return shown && !shown.isOver() ? { ...nothing, present: shown } : undefined;
  }

  async function readKept(signal: AbortSignal): Promise<Step> {
    if (!held && kept) {
      const issued = await kept.read(signal);
      const found = issued && hold(issued, 'kept');
      if (found && isMeant(found.certificate)) shown = held = found;
      else isPassedOver = found !== undefined;
    }
    return usable() ?? nothing;
  }

  async function renew(issuer: Issuer, call: SourceCall): Promise<Step> {
    if (!held || Date.now() >= held.renewAt) {
      const current = held?.isOver() ? undefined : held?.issued;
      const issued = await issuer.issue(current).catch((error) => {
        throw isPassedOver ? withoutKept(error) : error;
      });
      const next = hold(issued, 'issued');
      // Whoever reads it says why.
      if (!next) return { ...nothing, unusable: issued };
      held = next;
    }
    await tell(held, call);
    const problem = await write(held, call);
    if (problem !== undefined && held === shown) throw problem;
    shown = held;
    return { ...nothing, present: held, problem };
  }

  async function tell(version: Held, call: SourceCall): Promise<void> {
    if (version.isTold) return;
    const signal = withTimeout(call.signal, longestCall);
    try {
      await untilAborted(Promise.resolve(onRenewed?.(version.renewed, { signal })), signal);
    } catch (cause) {
      call.signal.throwIfAborted();
      throw failure(
        'onRenewed failed for the certificate that was issued',
        'It is not presented before onRenewed has been called well: the error is the cause.',
        cause,
      );
    }
    version.isTold = true;
  }

  async function write(version: Held, { signal }: SourceCall): Promise<unknown> {
    if (version.isWritten) return undefined;
    try {
      await kept?.write(version.issued, signal);
      version.isWritten = true;
      return undefined;
    } catch (error) {
      return error;
    }
  }

  return async function* (call) {
    const issuer = open(call);
    // Whether or not its authority is there.
    let step = call.isRenewal ? nothing : await start(call);
    for (;;) {
      if (!step.present) step = await inTurn(() => renew(issuer, call));
      const { present, unusable, problem } = step;
      yield { ...(present?.issued ?? unusable!) };
      if (problem !== undefined) throw problem;
      await untilThen(present?.renewAt ?? Date.now() + retryWait, issuer, call.signal);
      step = nothing;
    }
  };
}

/** Why what is kept does not help. */
function withoutKept(error: unknown): unknown {
  if (!(error instanceof ClientCertificateError)) return error;
  const { code, message, hint } = error;
  const said = `${message} (the certificate in "files" is for other names than are asked for)`;
  return new ClientCertificateError(code, said, { hint, cause: error });
}

/** What comes of a try to have a certificate. */
interface Step {
  readonly present: Held | undefined;
  readonly unusable: Issued | undefined;
  /** What went wrong, although there is one to be presented. */
  readonly problem: unknown;
}

/** Written out: what every object inherits has not come of it. */
const nothing: Step = { present: undefined, unusable: undefined, problem: undefined };

/** A certificate that is good, and what has been done with it. */
interface Held {
  readonly issued: Issued;
  readonly certificate: X509Certificate;
  readonly renewed: Renewed;
  /** Milliseconds since the epoch. */
  readonly renewAt: number;
  isTold: boolean;
  isWritten: boolean;
  isOver(): boolean;
}

/** `undefined` where it is not good: another's, or over. */
function hold(issued: Issued, from: 'issued' | 'kept'): Held | undefined {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(issued.cert);
    if (!certificate.checkPrivateKey(privateKeyFrom(issued.key))) return undefined;
  } catch {
    return undefined;
  }
  const validTo = Date.parse(certificate.validTo);
  const isOver = () => Date.now() >= validTo;
  // Authorities date back what they issue.
  const begin = from === 'issued' ? Date.now() : Date.parse(certificate.validFrom);
  const renewAt = begin + soon(((validTo - begin) * 2) / 3);
  // Of a date that is none nobody could tell when to renew.
  if (isOver() || Number.isNaN(renewAt)) return undefined;
  return {
    issued,
    certificate,
    renewed: {
      certificate: certificate.toString(),
      fullChain: issued.cert,
      fingerprint256: certificate.fingerprint256,
      validTo: new Date(validTo),
    },
    renewAt,
    isTold: from === 'kept',
    isWritten: from === 'kept',
    isOver,
  };
}

/** Up to a tenth sooner, so that what started together does not renew together. Milliseconds. */
export function soon(wait: number): number {
  return Math.max(wait * (1 - Math.random() / 10), 1000);
}

/** Waits, and has the issuer look after itself meanwhile. */
async function untilThen(renewAt: number, issuer: Issuer, signal: AbortSignal): Promise<void> {
  for (;;) {
    const now = Date.now();
    if (now >= renewAt) return;
    const { tendAt = Number.POSITIVE_INFINITY } = issuer;
    if (now >= tendAt) await issuer.tend?.();
    // In steps: timers do not run while a machine sleeps, and none is longer than 24 days.
    const wait = Math.min(renewAt - now, tendAt - now, longestStep);
    await pause(Math.max(wait, 50), undefined, { ref: false, signal });
  }
}

/** Milliseconds, as those below: what an authority issues that cannot be used is not to be had by the hundred. */
const longestStep = 60_000;
const retryWait = 60_000;
const longestCall = 120_000;
