// Who is compared, how each is made ready, and with which versions. Builds go to a folder that git ignores.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath, platform } from 'node:process';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const cache = fileURLToPath(new URL('../../node_modules/.cache/clientcert-neighbours/', import.meta.url));

/**
 * @typedef {object} Neighbour
 * @property {string} id
 * @property {string} name as the table calls it; those of one name share a column, and the worst of them counts
 * @property {string} setup what a user writes
 * @property {'pfx' | 'pem'} files what it is given where the format is not the question
 * @property {'no'} [redirects] it follows none
 * @property {() => { version: string, start: import('./program.mjs').Start }} prepare
 *   throws where its toolchain is missing
 */

/** @param {string} node the Node that runs what is Node's @returns {Neighbour[]} */
export function neighboursOn(node = execPath) {
  const script = (name, ...args) => ({ command: node, args: [join(here, 'node', `${name}.mjs`), ...args] });
  const nodeVersion = () => execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim();
  const ofNode = (id, setup, more = {}) => ({
    id,
    name: id,
    setup,
    files: 'pfx',
    prepare: () => {
      installNode();
      return {
        version: more.package ? `${id} ${versionOf(more.package)}` : `Node ${nodeVersion()}`,
        start: script(id),
      };
    },
    ...more,
  });
  const ours = ['https', 'axios', 'got', 'soap', 'undici', 'fetch'].map((client) => ({
    id: `clientcert-${client}`,
    name: 'clientcert',
    client,
    setup: 'loadCredentials({ certificates, hosts })',
    files: 'pfx',
    ...(client === 'https' && { redirects: 'no' }),
    prepare: () => {
      installNode();
      return { version: `clientcert ${ourVersion()}`, start: script('clientcert', client) };
    },
  }));
  return [
    ...ours,
    ofNode('https', 'new https.Agent({ pfx, passphrase })', { name: 'node:https', redirects: 'no' }),
    ofNode('fetch', 'dispatcher: new Agent({ connect: { pfx, passphrase } })', { name: 'fetch' }),
    ofNode('axios', 'httpsAgent: new https.Agent({ pfx, passphrase })', { package: 'axios' }),
    ofNode('got', 'https: { pfx, passphrase }', { package: 'got' }),
    ofNode('soap', 'new ClientSSLSecurityPFX(pfx, passphrase)', { package: 'soap', name: 'node-soap' }),
    ofNode('undici', 'new Agent({ connect: { pfx, passphrase } })', { package: 'undici' }),
    ofNode('postman', 'certificates: [{ matches, pfx, passphrase }]', {
      package: 'postman-runtime',
      name: 'Postman',
    }),
    ofNode('playwright', 'clientCertificates: [{ origin, pfxPath, passphrase }]', {
      package: 'playwright-core',
      name: 'Playwright',
    }),
  ];
}

function versionOf(name) {
  const manifest = join(here, 'node', 'node_modules', name, 'package.json');
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}

function ourVersion() {
  return JSON.parse(readFileSync(join(here, '../../packages/core/package.json'), 'utf8')).version;
}

function installNode() {
  const folder = join(here, 'node');
  once('node', ['node/package-lock.json'], existsSync(join(folder, 'node_modules')), () =>
    run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], folder),
  );
}

/** Runs `action` unless it was done for the same contents of `inputs`, and its result is still `there`. */
function once(name, inputs, there, action) {
  const hash = createHash('sha256');
  for (const path of inputs) hash.update(readFileSync(join(here, path)));
  const now = hash.digest('hex');
  mkdirSync(cache, { recursive: true });
  const stamp = join(cache, `${name}.stamp`);
  if (there && existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
  action();
  writeFileSync(stamp, now);
}

function run(command, args, cwd) {
  execFileSync(command, args, { cwd, stdio: ['ignore', 2, 2], shell: platform === 'win32' });
}
