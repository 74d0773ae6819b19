import { defineConfig, type Rolldown, type UserConfig } from 'tsdown';

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

/**
 * An ES module beside each entry, with the names that the CommonJS module exports: a process has one core,
 * whichever way its packages load it, and what is downloaded holds the code once.
 */
const esModules: Rolldown.Plugin = {
  name: 'es-modules',
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk' || !chunk.isEntry || !chunk.fileName.endsWith('.cjs')) continue;
      const names = chunk.exports.map((name) => `export const ${name} = core.${name};\n`);
      const source = `import core from './${chunk.fileName}';\n\n${names.join('')}`;
      this.emitFile({ type: 'asset', fileName: chunk.fileName.replace(/cjs$/, 'js'), source });
    }
  },
};

const core = 'packages/core';
const others = { include: 'packages/*', exclude: [core, 'packages/cli'] };

export default defineConfig([
  { ...shared, workspace: others, format: ['esm', 'cjs'] },
  { ...shared, workspace: core, format: 'cjs', plugins: [esModules] },
  { ...shared, workspace: core, format: 'esm', dts: { emitDtsOnly: true }, clean: false },
  { ...shared, workspace: 'packages/cli', format: 'esm' },
]);
