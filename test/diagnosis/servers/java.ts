import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { find, launch, type RealServer, run } from './launch.ts';

// A JRE alone does not compile, and so runs no source.
const program = find('javac', '-version') && find('java', '-version');

export const jsse: RealServer = {
  name: 'Java (JSSE)',
  program,
  start: (demand) =>
    launch(demand, ({ folder, port }) =>
      run('java', [...cheap, source('JsseServer'), `${port}`], { cwd: folder }),
    ),
};

/** Where Debian puts the parts of Tomcat 10. */
const jars = '/usr/share/java';
const parts = existsSync(jars)
  ? readdirSync(jars).filter((name) => /^tomcat10-[a-z-]+\.jar$/.test(name))
  : [];

export const tomcat: RealServer = {
  name: 'Tomcat',
  program: program && parts.includes('tomcat10-catalina.jar') ? program : undefined,
  start: (demand) =>
    launch(demand, ({ folder, port }) => {
      const path = parts.map((name) => join(jars, name)).join(':');
      return run('java', [...cheap, '-cp', path, source('TomcatServer'), `${port}`], { cwd: folder });
    }),
};

/** Less work at the start, for what lives a minute. */
const cheap = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto'];

function source(name: string): string {
  return fileURLToPath(new URL(`${name}.java`, import.meta.url));
}
