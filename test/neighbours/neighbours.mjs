// Who is compared, how each is made ready, and with which versions. Builds go to a folder that git ignores.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
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
    ...others,
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

/** Java, Python, Go and Rust: versions are pinned where their own tools want them. */
const others = [
  {
    id: 'java',
    name: 'Java',
    setup: 'SSLFactory.builder().withIdentityMaterial(path, password)',
    files: 'pfx',
    prepare: () => {
      const folder = join(cache, 'java');
      const source = 'java/src/main/java/Neighbour.java';
      once('java', ['java/pom.xml', source], existsSync(join(folder, 'Neighbour.class')), () => {
        run(
          'mvn',
          ['-q', '-B', '-Dstyle.color=never', 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`],
          join(here, 'java'),
        );
        run('javac', ['-d', folder, '-cp', join(folder, '*'), join(here, source)]);
      });
      const path = [folder, join(folder, '*')].join(delimiter);
      const release = execFileSync('java', ['--version'], { encoding: 'utf8' }).split(' ')[1];
      const kickstart = /kickstart-for-pem<[\s\S]*?<version>(.+?)</.exec(
        readFileSync(join(here, 'java/pom.xml'), 'utf8'),
      )[1];
      return {
        version: `Java ${release}, sslcontext-kickstart ${kickstart}`,
        start: { command: 'java', args: ['-Xshare:auto', '-cp', path, 'Neighbour'] },
      };
    },
  },
  python('requests', 'requests_client', 'Pkcs12Adapter(pkcs12_filename, pkcs12_password)', 'pfx', [
    'requests',
    'requests-pkcs12',
  ]),
  python('httpx', 'httpx_client', 'context.load_cert_chain(cert, key, password)', 'pem', ['httpx']),
  {
    id: 'go',
    name: 'Go',
    setup: 'tls.Config{Certificates: …}',
    files: 'pfx',
    prepare: () => {
      const built = join(cache, 'go');
      once('go', ['go/go.sum', 'go/main.go'], existsSync(built), () =>
        run('go', ['build', '-o', built, '.'], join(here, 'go')),
      );
      const release = execFileSync(built, ['version'], { encoding: 'utf8' }).trim();
      const pkcs12 = /go-pkcs12 v(\S+)/.exec(readFileSync(join(here, 'go/go.mod'), 'utf8'))[1];
      return { version: `Go ${release}, go-pkcs12 ${pkcs12}`, start: { command: built, args: [] } };
    },
  },
  {
    id: 'reqwest',
    name: 'reqwest',
    setup: 'Identity::from_pkcs12_der(der, password)',
    files: 'pfx',
    prepare: () => {
      const target = join(cache, 'rust');
      const built = join(target, 'release', 'neighbour');
      once('rust', ['rust/Cargo.lock', 'rust/src/main.rs'], existsSync(built), () =>
        run(
          'cargo',
          ['build', '--release', '--locked', '--quiet', '--target-dir', target],
          join(here, 'rust'),
        ),
      );
      const lock = readFileSync(join(here, 'rust/Cargo.lock'), 'utf8');
      const version = /name = "reqwest"\nversion = "(.+)"/.exec(lock)[1];
      return { version: `reqwest ${version}`, start: { command: built, args: [] } };
    },
  },
];

function python(id, script, setup, files, packages) {
  return {
    id,
    name: id,
    setup,
    files,
    prepare: () => {
      const folder = join(cache, 'python');
      const interpreter = join(folder, 'bin', 'python');
      once('python', ['python/requirements.txt'], existsSync(interpreter), () => {
        run('python3', ['-m', 'venv', folder]);
        run(interpreter, ['-m', 'pip', 'install', '--quiet', '-r', join(here, 'python/requirements.txt')]);
      });
      const pins = readFileSync(join(here, 'python/requirements.txt'), 'utf8').split('\n');
      const versions = packages.map((name) =>
        pins.find((pin) => pin.startsWith(`${name}==`)).replace('==', ' '),
      );
      const release = execFileSync(interpreter, ['--version'], { encoding: 'utf8' }).trim();
      return {
        version: `${versions.join(', ')} (${release})`,
        start: { command: interpreter, args: [join(here, 'python', `${script}.py`)] },
      };
    },
  };
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
