import { defineConfig, type UserConfig } from 'tsdown';

const shared: UserConfig = {
  entry: 'src/{index,adapter}.ts',
  platform: 'node',
  target: 'node20.19',
  dts: true,
  fixedExtension: false,
  logLevel: 'warn',
  // The declarations carry what is said of the names; the code that runs is without.
  minify: { compress: false, mangle: false, codegen: true },
  // What is loaded late is required late in CommonJS: Jest runs no import() without a flag of Node's.
  // What both entries import is one file: to find and read each costs most of a millisecond.
  outputOptions: (options, format) => ({
    ...options,
    dynamicImportInCjs: format !== 'cjs',
    codeSplitting: {
      groups: [{ name: 'shared', test: /(?<!\.d)\.ts$/, tags: ['$initial'], minShareCount: 2 }],
    },
  }),
};

export default defineConfig([
  { ...shared, workspace: { include: 'packages/*', exclude: ['packages/cli'] }, format: ['esm', 'cjs'] },
  { ...shared, workspace: 'packages/cli', format: 'esm' },
]);
