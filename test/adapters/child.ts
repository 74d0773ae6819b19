import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as built from '../bundle.mjs';
import type { AdapterUnderTest } from './adapter.ts';

export { bundle } from '../bundle.mjs';

const children = new Map<string, Promise<string>>();

/** Builds a script that makes calls with an adapter of a module, once for all of them. */
export function buildChild({ module }: AdapterUnderTest): Promise<string> {
  let child = children.get(module);
  if (!child) {
    const entry = join(built.createDirectory(), 'child.ts');
    writeFileSync(entry, `import { adapters } from ${JSON.stringify(fileURLToPath(module))};\n${script}`);
    child = built.bundle(entry);
    children.set(module, child);
  }
  return child;
}

const script = `
import { loadCredentials } from '@clientcert/core';
const { name, config, urls } = JSON.parse(process.argv[2]);
const adapter = adapters.find((each) => each.name === name);
const client = adapter.create(loadCredentials(config));
for (const url of urls) await client.send(url).catch(() => {});
console.log('done');
`;

export function removeBuilt(): void {
  children.clear();
  built.removeBuilt();
}
