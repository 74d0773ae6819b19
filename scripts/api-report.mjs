// What each package exports, as one text a person can read: packages/NAME/etc/ENTRY.api.md. A change of the public
// contract shows there in its diff, and one that does not say so fails.
//
//   npm run api             writes the reports anew
//   npm run api -- --check  fails where one is not what it would be
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { argv, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = argv.includes('--check');
const changed = [];

const entries = readdirSync(join(root, 'packages')).flatMap((name) =>
  ['index', 'adapter', 'enrolment', 'probe']
    .filter((entry) => existsSync(join(root, 'packages', name, 'src', `${entry}.ts`)))
    .map((entry) => prepare(name, entry)),
);
// One program for all of them: to read Node's types takes longer than a report.
const compilerState = CompilerState.create(entries[0], {
  additionalEntryPoints: entries.slice(1).map(({ mainEntryPointFilePath }) => mainEntryPointFilePath),
});
for (const each of entries) report(each);
if (check && changed.length > 0) {
  console.error(
    `Exported types changed: ${changed.join(', ')}. See the difference with npm run api, and commit it.`,
  );
  exit(1);
}

function prepare(name, entry) {
  const projectFolder = join(root, 'packages', name);
  mkdirSync(join(projectFolder, 'etc'), { recursive: true }); // or nothing is written, without a word
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(projectFolder, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder,
      mainEntryPointFilePath: resolve(projectFolder, 'dist', `${entry}.d.ts`),
      compiler: { tsconfigFilePath: join(root, 'tsconfig.packages.json') },
      apiReport: {
        enabled: true,
        reportFileName: `${entry}.api.md`,
        reportFolder: join(projectFolder, 'etc'),
        reportTempFolder: join(projectFolder, 'dist', 'report'),
        includeForgottenExports: entry === 'index', // the other entry's are the same
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        // Documentation comments are TypeDoc's matter; here the types alone are.
        compilerMessageReporting: { default: { logLevel: 'none' } },
        extractorMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
}

function report(config) {
  const { apiReportChanged } = Extractor.invoke(config, {
    compilerState,
    localBuild: !check,
    messageCallback: (message) => {
      message.handled = true;
    },
  });
  if (apiReportChanged) changed.push(relative(root, config.reportFilePath));
}
