/** A timer that keeps no process alive and that may lie further ahead than Node's 24.8 days. */
export class Timer {
  #timeout: NodeJS.Timeout | undefined;

  /** Whether something is still to come. */
  get pending(): boolean {
    return this.#timeout !== undefined;
  }

  /** Runs `work` in so many milliseconds, in place of whatever was to run before. */
  start(delay: number, work: () => void): void {
    this.stop();
    const step = Math.min(Math.max(delay, 0), longestDelay);
    this.#timeout = setTimeout(() => {
      this.#timeout = undefined;
      if (step < delay) this.start(delay - step, work);
      else work();
    }, step);
    this.#timeout.unref();
  }

  stop(): void {
    // Node keeps the list of a duration that an unreferenced timer was alone in until its time comes.
    this.#timeout?.ref();
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
  }
}

/** Beyond it Node fires at once. */
const longestDelay = 2 ** 31 - 1;

/**
 * How long to wait after the n-th failure in a row: from half a second doubling to a minute, each between half
 * and all of it, so that a fleet that failed together does not come back together.
 *
 * @returns milliseconds
 */
export function retryDelay(failures: number, random: () => number = Math.random): number {
  const full = Math.min(500 * 2 ** (failures - 1), 60_000);
  return full * (0.5 + random() / 2);
}

/** How long until a source that says when is read again: up to a tenth less, for the same reason. */
export function refreshDelay(refresh: number | Date, random: () => number = Math.random): number {
  const wait = typeof refresh === 'number' ? refresh * 1000 : refresh.getTime() - Date.now();
  return Math.max(wait * (1 - random() / 10), soonestRefresh);
}

/** A time that has passed, or none at all, is no reason to ask without pause. */
const soonestRefresh = 1000;
