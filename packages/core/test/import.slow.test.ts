import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { buildModules } from './built.ts';

it.each(['core', 'adapter'])('importing %s loads none of what only a use of it needs', async (name) => {
  await using built = await buildModules('core');
  const program = `
    const before = new Set(process.moduleLoadList);
    await import(${JSON.stringify(`${built.path}/${name}.mjs`)});
    console.log(process.moduleLoadList.filter((each) => !before.has(each)).join('\\n'));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  const loaded = stdout.split('\n').map((line) => line.replace('NativeModule ', ''));
  expect(loaded.length).toBeGreaterThan(3);
  for (const module of ['http', 'https', 'tls', 'crypto']) expect(loaded).not.toContain(module);
});
