import { type Profiler, Session } from 'node:inspector';
import { sep } from 'node:path';

/** Sources whose coverage counts. */
const OURS = /packages[/\\](?:core|cli|axios|got|soap|undici)[/\\]src[/\\]/;

/**
 * Which characters of our sources have run, by V8's own block coverage: on every Node, without a build and without a
 * native fuzzer.
 *
 * @see https://v8.dev/blog/javascript-code-coverage
 */
export class Coverage {
  readonly #session = new Session();
  /** By script: 1 for each character that has run. */
  readonly #seen = new Map<string, Uint8Array>();

  constructor() {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** What ran since the last time. */
  take(): Profiler.ScriptCoverage[] {
    const taken = this.#post('Profiler.takePreciseCoverage') as Profiler.TakePreciseCoverageReturnType;
    return taken.result.filter(({ url }) => OURS.test(url));
  }

  /** How many characters of it had never run. @param keep Whether they count as seen from now on. */
  news(scripts: readonly Profiler.ScriptCoverage[], keep: boolean): number {
    let fresh = 0;
    for (const script of scripts) {
      const ran = paint(script);
      let seen = this.#seen.get(script.url);
      if (!seen || seen.length < ran.length) {
        const longer = new Uint8Array(ran.length);
        if (seen) longer.set(seen);
        seen = longer;
        this.#seen.set(script.url, seen);
      }
      for (let at = 0; at < ran.length; at++) {
        if (ran[at] === 0 || seen[at] === 1) continue;
        fresh++;
        if (keep) seen[at] = 1;
      }
    }
    return fresh;
  }

  /** Per file of the sources, which part of it has run. */
  summary(): Map<string, { ran: number; all: number }> {
    return new Map(
      [...this.#seen].map(([url, seen]) => {
        const file = url
          .replace(/^.*?packages[/\\]/, '')
          .replaceAll(sep, '/')
          .replace(/\?.*$/, '');
        return [file, { ran: seen.reduce((sum, one) => sum + one, 0), all: seen.length }];
      }),
    );
  }

  stop(): void {
    this.#post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  /** In-process, the answer comes before the call returns. */
  #post(method: string, params: object = {}): unknown {
    let answer: unknown;
    this.#session.post(method, params, (error, result) => {
      if (error) throw error;
      answer = result;
    });
    return answer;
  }
}

/** Outer ranges first, as V8 gives them, so that inner ones have the last word. */
function paint({ functions }: Profiler.ScriptCoverage): Uint8Array {
  const end = Math.max(0, ...functions.map(({ ranges }) => ranges[0]!.endOffset));
  const ran = new Uint8Array(end);
  for (const { ranges } of functions)
    for (const { startOffset, endOffset, count } of ranges)
      ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return ran;
}
