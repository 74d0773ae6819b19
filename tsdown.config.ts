import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Rolldown, type UserConfig } from 'tsdown';

const shared: UserConfig = {
  entry: 'src/{index,adapter,enrolment,probe}.ts',
  platform: 'node',
  tsconfig: fileURLToPath(new URL('tsconfig.packages.json', import.meta.url)),
  target: 'node20.19',
  dts: true,
  fixedExtension: false,
  logLevel: 'warn',
  // The declarations carry what is said of the names; the code that runs is without, and keeps its names for stacks. It
  // keeps its lines as well: Node prints the whole line that threw before an error that nobody caught.
  minify: {
    compress: { keepNames: { function: true, class: true } },
    mangle: false,
    codegen: { removeWhitespace: false },
  },
  // What is loaded late is required late in CommonJS: Jest runs no import() without a flag of Node's.
  // What entries share is one file: to find and read each takes time. So is what a diagnosis needs, most of it data, what
  // reads configs and files, and what calls of an adapter need: they are read when they are first used. What has to look
  // at the process while it is imported is none of that.
  outputOptions: (options, format) => ({
    ...options,
    comments: false,
    dynamicImportInCjs: format !== 'cjs',
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [
        { name: 'diagnosis', test: /\/src\/diagnose\/(?!diagnose\.ts$)[\w-]+\.ts$/ },
        {
          name: 'config',
          test: /\/core\/src\/(?:load\/|rotate\/timer|tls\/server-id|pin\/(?:pattern|issue|did-you-mean)|rotate\/metrics|config\/(?:shape|config-error|json|environment|mendix)).*(?<!\.d)\.ts$/,
          tags: ['$initial'],
        },
        {
          name: 'calls',
          test: /\/(?:axios\/src\/(?!index|xml-http-request)|soap\/src\/(?!index|options|security)|undici\/src\/(?!index|global-dispatcher)).*(?<!\.d)\.ts$/,
        },
        { name: 'globals', test: /\/(?:global-dispatcher|xml-http-request)\.ts$/ },
        {
          name: 'shared',
          test: /(?<!\.d|core\/src\/errors)\.ts$|rolldown\/runtime/,
          tags: ['$initial'],
          minShareCount: 2,
        },
      ],
    },
  }),
};

/**
 * An ES module beside each entry, with the names that the CommonJS module exports: a process has one core and one of
 * each adapter, whichever way its packages load it, and what is downloaded holds the code once.
 *
 * Between them stands `entries.cjs`: Node searches for names what an ES module imports of CommonJS, and reads it twice.
 */
const esModules: Rolldown.Plugin = {
  name: 'es-modules',
  generateBundle(_, bundle) {
    const chunks = Object.values(bundle).filter((each) => each.type === 'chunk');
    const entries = chunks.filter(({ isEntry }) => isEntry);
    const emit = (fileName: string, lines: string[]) =>
      this.emitFile({ type: 'asset', fileName, source: `${lines.join('\n')}\n` });
    const late = entries.map(({ name, fileName }) => `  get ${name}() { return require('./${fileName}'); },`);
    emit('entries.cjs', ['module.exports = {', ...late, '};']);
    for (const { name, exports, code } of entries) {
      emit(`${name}.js`, [
        "import entries from './entries.cjs';",
        '',
        `const entry = entries.${name};`,
        // An adapter exports what core does: by its names, since Node would look for core once more.
        ...[...exports, ...(code.includes('require("@clientcert/core")') ? coreNames(this) : [])].map(
          (each) => `export const ${each} = entry.${each};`,
        ),
      ]);
    }
  },
};

/** What core exports at run time. */
const coreNames = ({ parse }: Rolldown.PluginContext) =>
  parse(readFileSync(new URL('packages/core/src/index.ts', import.meta.url), 'utf8'), { lang: 'ts' })
    .body.flatMap((each) =>
      each.type === 'ExportNamedDeclaration' && each.exportKind === 'value' ? each.specifiers : [],
    )
    .filter(({ exportKind }) => exportKind === 'value')
    .map(({ exported }) => ('name' in exported ? exported.name : exported.value));

/**
 * Whoever only imports core or an adapter reads an index alone, in which most functions are read when they are first called:
 * to compile what they need is most of what an import takes. So does whatever shares code with an index without what
 * reads configs and files. What was read is at hand from then on.
 */
const lateChunks: Rolldown.Plugin = {
  name: 'late-chunks',
  renderChunk: (code, { name }) => {
    const isIndex = name === 'index';
    const late = [
      'require_(?:diagnosis|calls|rolldown_runtime)',
      ...(isIndex || name === 'shared' ? ['require_config'] : []),
      ...(isIndex ? ['require_shared', '_clientcert_core_adapter'] : []),
    ].join('|');
    const asked = code
      .replace(new RegExp(`^const (${late}) = (?=require)`, 'gm'), 'let $1 = ')
      .replace(new RegExp(`\\b(${late}) = (require\\([^)]+\\))`, 'g'), '$1_, $1 = () => $1_ ??= $2')
      // `new name().Class()` would be a new `name()`.
      .replace(new RegExp(`\\bnew (${late})\\.(\\w+)`, 'g'), 'new ($1().$2)')
      .replace(new RegExp(`\\b(${late})\\.`, 'g'), '$1().');
    if (!isIndex) return asked;
    // Nothing but functions is exported by an index from elsewhere.
    return asked.replace(
      /\bexports\.(\w+) = (require_\w+\(\)\.\w+)/g,
      'exports.$1 = function $1(...given) { return $2(...given); }',
    );
  },
};

/**
 * A namespace of what is CommonJS is, here, what `require` returns, and so is its default: a copy of it, with a getter
 * for each name, would cost a tenth of an adapter's import. The helper that makes it is left out where it is a file.
 */
const namespaces: Rolldown.Plugin = {
  name: 'namespaces',
  renderChunk: (code) => {
    const copies = /^(\w+) = (?:__toESM|require_rolldown_runtime\(\)\.\w+)\(\1, 1\);\n/gm;
    const names = [...code.matchAll(copies)].map(([, name]) => name).join('|');
    if (names === '') return null;
    const direct = code.replace(copies, '').replace(new RegExp(`\\b(${names})\\.default\\b`, 'g'), '$1');
    return direct.includes('require_rolldown_runtime()')
      ? direct
      : direct.replace(/^let require_rolldown_runtime_.+\n/m, '');
  },
  generateBundle(_, bundle) {
    const files = Object.values(bundle).filter((each) => each.type === 'chunk');
    for (const { name, fileName } of files) {
      if (name === 'rolldown-runtime' && !files.some(({ code }) => code.includes(fileName)))
        delete bundle[fileName];
    }
  },
};

const testing = 'packages/testing';
const command = 'packages/cli';
const screen = 'packages/console';
const once = { include: 'packages/*', exclude: [testing, command, screen] };

export default defineConfig([
  { ...shared, workspace: once, format: 'cjs', plugins: [lateChunks, namespaces, esModules] },
  { ...shared, workspace: once, format: 'esm', dts: { emitDtsOnly: true }, clean: false },
  { ...shared, workspace: testing, format: ['esm', 'cjs'] },
  { ...shared, workspace: command, format: 'esm' },
  // Its page stands beside it, and is built by Vite: `npm run build`.
  { ...shared, workspace: screen, format: 'esm', clean: ['dist/*.js', 'dist/*.d.ts', 'dist/report'] },
]);
