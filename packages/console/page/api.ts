import { ref } from 'vue';
import type { Failure } from './types.ts';

/** What a call failed with, as the server tells it. */
class CallFailed extends Error {
  readonly failures: readonly Failure[];

  constructor(failures: readonly Failure[]) {
    super(failures[0]?.message ?? 'That failed.');
    this.failures = failures;
  }
}

/** Whether the command still answers. */
export const ended = ref(false);

/**
 * Calls a function of the server.
 *
 * @param tell Takes what the server tells on the way.
 * @throws CallFailed
 */
export async function call<Result>(
  name: string,
  input: object = {},
  tell: (progress: Record<string, unknown>) => void = () => {},
): Promise<Result> {
  const response = await fetch(`api/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  }).catch(() => {
    ended.value = true;
    throw new CallFailed([
      {
        message: 'the command has ended',
        hint: 'Start clientcert console again, and open the address that it prints.',
      },
    ]);
  });
  ended.value = false;
  if (!response.ok || response.body === null)
    throw new CallFailed([
      { message: (await response.text()).trim() || `the answer was ${response.status}` },
    ]);
  let rest = '';
  let result: Result | undefined;
  const take = (line: string) => {
    const said = JSON.parse(line) as {
      progress?: Record<string, unknown>;
      result?: Result;
      errors?: Failure[];
    };
    if (said.errors) throw new CallFailed(said.errors);
    if (said.progress) tell(said.progress);
    else result = said.result;
  };
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value = '' } = await reader.read();
    const lines = (rest + value).split('\n');
    rest = lines.pop()!;
    for (const line of lines) take(line);
    if (done) break;
  }
  if (result === undefined)
    throw new CallFailed([{ message: 'the answer broke off', hint: 'Try it again.' }]);
  return result;
}

export function failuresOf(error: unknown): readonly Failure[] {
  return error instanceof CallFailed
    ? error.failures
    : [{ message: 'the page failed', hint: 'Load it again.' }];
}
