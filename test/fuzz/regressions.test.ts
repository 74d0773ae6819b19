import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Judge } from './judge.ts';
import { targets } from './targets/index.ts';

const folder = new URL('regressions/', import.meta.url);

/** Inputs with which something was wrong once: `npm run fuzz` puts them here. */
const found = readdirSync(folder).map((name) => [name, readdirSync(new URL(`${name}/`, folder))] as const);

describe('what was wrong once', () => {
  it.each(found)('%s', { timeout: 300_000 }, async (name, files) => {
    const target = targets.find((each) => each.name === name);
    expect(target, `there is no target ${name}`).toBeDefined();
    const opened = await target!.open();
    const judge = new Judge(opened, name);
    try {
      for (const file of files) {
        const input = readFileSync(new URL(`${name}/${file}`, folder));
        expect([file, await judge.judge(input)]).toEqual([file, undefined]);
      }
    } finally {
      await judge.close();
      await opened.close?.();
    }
  });
});
