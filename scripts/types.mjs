// Type-checks all there is; the longest first.
import { sideBySide } from './side-by-side.mjs';

const tsc = 'node_modules/typescript/bin/tsc';
const vueTsc = 'node_modules/vue-tsc/bin/vue-tsc.js';
const programs = [
  [tsc, 'tsconfig.json'], // sources and tests
  [vueTsc, 'docs'],
  [tsc, 'examples/sdks'],
  [tsc, 'examples'],
  [vueTsc, 'packages/console/page'],
  [tsc, 'examples/nestjs'],
  [tsc, 'tsconfig.packages.json'], // what is built
  [tsc, 'scripts/build'],
];

try {
  await sideBySide(programs.map(([compiler, project]) => [compiler, '-p', project]));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
