import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where Maven has WSS4J, or fetched it; undefined without Maven, Java or a way to its repository. */
export function findWss4j(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'clientcert-classpath-'));
  const file = join(directory, 'classpath');
  const pom = fileURLToPath(new URL('pom.xml', import.meta.url));
  const goal = ['dependency:build-classpath', `-Dmdep.outputFile=${file}`];
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' });
    execFileSync('mvn', ['-q', '-B', '-f', pom, ...goal], { stdio: 'ignore', timeout: 180_000 });
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
