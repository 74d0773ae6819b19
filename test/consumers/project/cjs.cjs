const assert = require('node:assert/strict');
const { statSync } = require('node:fs');

// Importing is cheap: what reads files and configs is loaded by the first call.
require('@clientcert/core');
// The table of `diagnose`, which answers at once and so cannot wait for it, is not counted.
const loaded = Object.keys(require.cache).filter(
  (path) => path.includes('node_modules') && !/[\\/]diagnose-[^\\/]*$/.test(path),
);
const size = loaded.reduce((sum, path) => sum + statSync(path).size, 0);
assert(size < 60_000, `${size} bytes are loaded with core: ${loaded}`);

const { required } = require('./required.cjs');
const { scenario } = require('./scenario.cjs');

scenario(required);
