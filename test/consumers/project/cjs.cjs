const assert = require('node:assert/strict');
const { statSync } = require('node:fs');

// Importing is cheap: what reads files and configs is loaded by the first call.
require('@clientcert/core');
const loaded = Object.keys(require.cache).filter((path) => path.includes('node_modules'));
const size = loaded.reduce((sum, path) => sum + statSync(path).size, 0);
assert(size < 60_000, `${size} bytes are loaded with core: ${loaded}`);

const { required } = require('./required.cjs');
const { scenario } = require('./scenario.cjs');

scenario(required);
