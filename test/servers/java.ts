import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Demand, find, type Listening, launch, type RealServer } from './launch.ts';
import { read } from './seen.ts';

// A JRE alone does not compile, and so runs no source.
const program = find('javac', '-version') && find('java', '-version');

export const jsse: RealServer = {
  name: 'Java (JSSE)',
  program,
  version: ['java', '-version'],
  asks: ['required', 'optional'],
  read,
  start: (demand) => launchJava([source('JsseServer')], demand.asks ?? 'required', demand),
};

/** Where Debian puts the parts of Tomcat 10. */
const jars = '/usr/share/java';
const parts = existsSync(jars)
  ? readdirSync(jars).filter((name) => /^tomcat10-[a-z-]+\.jar$/.test(name))
  : [];
const path = parts.map((name) => join(jars, name)).join(':');

export const tomcat: RealServer = {
  name: 'Tomcat',
  program: program && parts.includes('tomcat10-catalina.jar') ? program : undefined,
  version: ['java', '-cp', path, 'org.apache.catalina.util.ServerInfo'],
  asks: ['required', 'optional', 'by path'],
  http2: true,
  read,
  start(demand) {
    const { asks = 'required' } = demand;
    return launchJava(['-cp', path, source('TomcatServer')], asks === 'by path' ? 'none' : asks, demand);
  },
};

/** Less work at the start, for what lives a minute. */
const cheap = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto'];

/** Runs a class that takes a port, when it asks for certificates, and TLS versions. */
export function launchJava(classes: readonly string[], asks: string, demand: Demand): Promise<Listening> {
  return launch(demand, ({ folder, port }) => {
    writeFileSync(join(folder, 'logging.properties'), logging);
    // What a server is to speak that Java speaks no longer by itself.
    writeFileSync(join(folder, 'java.security'), demand.legacy ? 'jdk.tls.disabledAlgorithms=\n' : '');
    const settings = [
      `-Djava.util.logging.config.file=${join(folder, 'logging.properties')}`,
      `-Djava.security.properties=${join(folder, 'java.security')}`,
    ];
    const versions = [...(demand.legacy ? ['TLSv1', 'TLSv1.1'] : []), 'TLSv1.2', 'TLSv1.3'];
    const given = [`${port}`, asks, versions.join()];
    return ['java', ...cheap, ...settings, ...classes, ...given];
  });
}

/** What refuses a certificate tells it at this level, and nobody else. */
const logging = `handlers = java.util.logging.ConsoleHandler
java.util.logging.ConsoleHandler.level = ALL
java.util.logging.SimpleFormatter.format = %4$s: %5$s%6$s%n
.level = WARNING
org.apache.tomcat.util.net.level = FINE
org.apache.coyote.http11.level = FINE
com.sun.net.httpserver.level = ALL
`;

function source(name: string): string {
  return fileURLToPath(new URL(`${name}.java`, import.meta.url));
}
