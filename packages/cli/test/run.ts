import { expect, vi } from 'vitest';
import { run } from '../src/index.ts';

/** Runs the command; returns its exit code and what it printed. */
export async function clientcert(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out = vi.spyOn(console, 'log').mockImplementation(() => {});
  const err = vi.spyOn(console, 'error').mockImplementation(() => {});
  const code = await run(args);
  const text = (spy: typeof out) => spy.mock.calls.map((call) => call.join(' ')).join('\n');
  const result = { code, out: text(out), err: text(err) };
  out.mockRestore();
  err.mockRestore();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would obey
  expect(result.out + result.err).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
  return result;
}

/** The same with `--json`, parsed. */
// biome-ignore lint/suspicious/noExplicitAny: each command has a shape of its own, which its test spells out
export async function json(...args: string[]): Promise<any> {
  return JSON.parse((await clientcert(...args, '--json')).out);
}
