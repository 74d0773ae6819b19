import { writeFile } from 'node:fs/promises';
import { Download } from '@clientcert/console';
import { consoleFunctions } from '../src/console/functions.ts';

/** A screen over a config, as the page uses it: everything goes through JSON. */
export async function screenOver(file: string, config: unknown, write = true) {
  if (config !== undefined)
    await writeFile(file, typeof config === 'string' ? config : `${JSON.stringify(config, null, 2)}\n`);
  const { functions, close } = consoleFunctions(file, write);
  const told: object[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: each function has a shape of its own, which its test spells out
  const call = async (name: string, input: object = {}): Promise<any> => {
    const held = { ...functions.reading, ...functions.writing }[name]!;
    try {
      const result = await held(
        JSON.parse(JSON.stringify(input)),
        (each) => told.push(each),
        AbortSignal.timeout(60_000),
      );
      return result instanceof Download ? result : JSON.parse(JSON.stringify(result));
    } catch (error) {
      return { errors: JSON.parse(JSON.stringify(functions.explain(error))) };
    }
  };
  return { file, call, told, [Symbol.asyncDispose]: close };
}
