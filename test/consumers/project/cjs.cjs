const assert = require('node:assert/strict');
const { statSync } = require('node:fs');

// Importing is cheap: what reads files and configs is loaded by the first call, and nothing of Node's that is slow to load.
// Before, because a stderr that is a pipe loads `net` with `assert`.
const before = new Set(process.moduleLoadList);
require('@clientcert/core');
const loaded = Object.keys(require.cache).filter((path) => path.includes('node_modules'));
const size = loaded.reduce((sum, path) => sum + statSync(path).size, 0);
assert(size < 112_000, `${size} bytes are loaded with core: ${loaded}`);
for (const heavy of ['net', 'crypto', 'tls', 'https', 'fs/promises']) {
  const name = `NativeModule ${heavy}`;
  assert(before.has(name) || !process.moduleLoadList.includes(name), `node:${heavy} is loaded with core`);
}

const { required } = require('./required.cjs');
const { scenario } = require('./scenario.cjs');

scenario(required);

// Whichever way it is loaded, a process has one core.
import('@clientcert/core').then((imported) => {
  for (const name of Object.keys(require('@clientcert/core'))) {
    assert.equal(imported[name], require('@clientcert/core')[name], `${name} is there twice`);
  }
});
