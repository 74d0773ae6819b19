import { ClientCertificateError } from '@clientcert/core';

/** How a call has to end: with an answer, with an error because that was asked for, or either way. */
export type Expected = 'answer' | 'error' | 'either';

export interface Call {
  readonly client: string;
  /** What was asked for, and for the errors of which fault it stands. */
  readonly kind: string;
  readonly expected: Expected;
  readonly proxied: boolean;
  /** How many milliseconds it was given. */
  readonly timeout: number;
}

/** A time in which calls may fail, since something was broken on purpose. */
export interface Fault {
  readonly kind: string;
  readonly from: number;
  until: number;
}

interface Open {
  /** Gives it up, as its caller would. */
  readonly abort: () => void;
  /** Called where it does not end even then. */
  readonly lose: () => void;
  readonly begun: number;
  /** How many milliseconds it has had, of those in which this process ran. */
  age: number;
}

/** The longest time between two looks that counts: a machine that stands still for a minute is no call that hangs. */
const longest = 2_000;
/** How long after a fault a client may find out about it. */
const aftermath = 750;
/** How much later than its timeout a call may end: a machine may be busy with much else. */
const grace = 15_000;
/** Codes of ours that a broken server or proxy leads to; any other has a reason of its own. */
const explained = /PROXY_FAILED$/;

/** Every call from its beginning to its end. */
export class Ledger {
  total = 0;
  answered = 0;
  /** Errors by what was injected. */
  readonly failed: Record<string, number> = {};
  /** Errors without a reason. */
  readonly unexplained: string[] = [];
  /** Answers where there should have been an error. */
  readonly unexpected: string[] = [];
  /** Calls that did not end. */
  readonly hung: string[] = [];
  readonly clients: Record<string, number> = {};
  readonly #open = new Map<Call, Open>();
  #looked = Date.now();
  readonly #faults: Fault[] = [];

  begin(call: Call, end: Pick<Open, 'abort' | 'lose'>): void {
    this.total += 1;
    this.clients[call.client] = (this.clients[call.client] ?? 0) + 1;
    this.#open.set(call, { ...end, begun: Date.now(), age: 0 });
  }

  get underWay(): number {
    return this.#open.size;
  }

  fault(kind: string): Fault {
    const fault = { kind, from: Date.now(), until: Number.POSITIVE_INFINITY };
    this.#faults.push(fault);
    if (this.#faults.length > 50) this.#faults.shift();
    return fault;
  }

  answer(call: Call): void {
    if (!this.#close(call)) return;
    this.answered += 1;
    if (call.expected === 'error') this.unexpected.push(`${call.client}: ${call.kind}`);
  }

  error(call: Call, error: unknown): void {
    const { begun = 0 } = this.#open.get(call) ?? {};
    if (!this.#close(call)) return;
    const why = call.expected === 'answer' ? this.#faultOf(call, begun, error) : call.kind;
    if (why === null) {
      this.unexplained.push(`${this.#tell(call, begun)}: ${describe(error)}`);
    } else this.failed[why] = (this.failed[why] ?? 0) + 1;
  }

  /** To be called every second: what is over its time is aborted, and what does not end then is hung. */
  look(now = Date.now()): void {
    const passed = Math.min(now - this.#looked, longest);
    this.#looked = now;
    for (const [call, open] of this.#open) {
      open.age += passed;
      if (open.age >= call.timeout) open.abort();
      if (open.age < call.timeout + grace) continue;
      this.hung.push(this.#tell(call, open.begun));
      this.#open.delete(call);
      open.lose();
    }
  }

  /** Which call it was, and what had been broken before or meanwhile. */
  #tell({ client, proxied, kind }: Call, begun: number): string {
    const near = this.#faults
      .filter(({ until }) => until > begun - 20_000)
      .map((fault) => `${fault.kind} ${fault.from - begun} to ${fault.until - begun}`);
    const way = proxied ? ' through a proxy' : '';
    return `${client}${way}: ${kind}, ${Date.now() - begun} ms (${near.join(', ') || 'no fault'})`;
  }

  /** False for one that was given up before. */
  #close(call: Call): boolean {
    return this.#open.delete(call);
  }

  #faultOf(call: Call, begun: number, error: unknown): string | null {
    const ours = ClientCertificateError.from(error);
    if (ours && !explained.test(ours.code)) return null;
    const now = Date.now();
    const found = this.#faults.find(
      ({ kind, from, until }) =>
        begun <= until + aftermath && now >= from && (kind !== 'proxy dies' || call.proxied),
    );
    return found?.kind ?? null;
  }
}

/** The codes of an error and its causes, and its message: what is needed to look for it. */
function describe(error: unknown): string {
  const parts: string[] = [];
  for (let each = error; each instanceof Error && parts.length < 5; each = each.cause) {
    parts.push(`${(each as NodeJS.ErrnoException).code ?? each.name} ${each.message.slice(0, 200)}`);
  }
  return parts.join(' ← ') || String(error);
}
