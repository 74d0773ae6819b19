/**
 * Reads sources again after the time they ask for: secret stores and issuers that no file tells of. Each wait
 * has a jitter of a tenth, so that a fleet does not ask in step; after a failure it is asked sooner, and less
 * and less often. The timers never keep the process alive.
 */
export class Refresh {
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #renew: (name: string) => Promise<boolean>;

  /** @param renew Reads the source of a name again; resolves to false where that failed. */
  constructor(renew: (name: string) => Promise<boolean>) {
    this.#renew = renew;
  }

  /** @param seconds Between two readings; `undefined` where the source does not ask. */
  set(name: string, seconds: number | undefined): void {
    this.delete(name);
    if (seconds !== undefined) this.#wait(name, seconds, 0);
  }

  delete(name: string): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  close(): void {
    for (const name of [...this.#timers.keys()]) this.delete(name);
  }

  #wait(name: string, seconds: number, failures: number): void {
    const pause = failures === 0 ? seconds : Math.min(seconds, 2 ** failures);
    const timer = setTimeout(
      async () => {
        const renewed = await this.#renew(name);
        // Closed, or set anew, while it was being read.
        if (this.#timers.get(name) === timer) this.#wait(name, seconds, renewed ? 0 : failures + 1);
      },
      Math.min(pause * 1000 * (0.9 + Math.random() / 10), longest),
    ).unref();
    this.#timers.set(name, timer);
  }
}

/** What `setTimeout` takes. */
const longest = 2 ** 31 - 1;
