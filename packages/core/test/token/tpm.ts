import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, untilSaid } from '../../../../test/spawned.ts';
import { find, hasTool } from './installed.ts';

const provider = find('ossl-modules/tpm2.so');
const module = find('pkcs11/libtpm2_pkcs11.so');
export const engine: string | undefined = find('engines-3/pkcs11.so');

/** What is not installed of what the tests of a TPM need. */
export const missing: string[] = [
  ...(provider === undefined ? ['tpm2-openssl'] : []),
  ...(module === undefined ? ['libtpm2-pkcs11-1'] : []),
  // What brings tools and module to the resource manager: on Debian none of them asks for it.
  ...(find('libtss2-tcti-tabrmd.so.0') === undefined ? ['libtss2-tcti-tabrmd0'] : []),
  ...(engine === undefined ? ['libengine-pkcs11-openssl'] : []),
  ...Object.entries({
    swtpm: 'swtpm',
    'tpm2-abrmd': 'tpm2-abrmd',
    'dbus-daemon': 'dbus',
    tpm2_getcap: 'tpm2-tools',
    tpm2_ptool: 'libtpm2-pkcs11-tools',
    'pkcs11-tool': 'opensc',
    openssl: 'openssl',
  })
    .filter(([tool]) => !hasTool(tool) && !existsSync(`/usr/sbin/${tool}`))
    .map(([, name]) => name),
];

export const pin = '471100';

/** A TPM in software, behind the resource manager that a kernel is otherwise: a TPM has room for three keys. */
export async function startTpm(): Promise<Tpm> {
  const directory = await mkdtemp(join(tmpdir(), 'clientcert-tpm-'));
  await mkdir(join(directory, 'state'));
  await mkdir(join(directory, 'store'));
  const children: ChildProcess[] = [];
  const dispose = async () => {
    for (const child of children.toReversed()) child.kill('SIGKILL');
    await pause(100);
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const start = (tool: string, args: string[], env = process.env) => {
      const child = spawn(tool, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      children.push(child);
      child.on('error', () => {});
      for (const stream of [child.stdout, child.stderr]) stream.resume();
      return child;
    };
    const bus = start('dbus-daemon', ['--session', '--nofork', '--print-address=1']);
    const [address] = await untilSaid(bus, /unix:\S+/);
    // Its commands come on the port after that of the TPM.
    const port = await freePort();
    const at = (number: number) => `type=tcp,port=${number},bindaddr=127.0.0.1`;
    start('swtpm', [
      ...['socket', '--tpm2', '--tpmstate', `dir=${directory}/state`],
      ...['--server', at(port), '--ctrl', at(port + 1), '--flags', 'not-need-init,startup-clear'],
    ]);
    const tcti = 'tabrmd:bus_type=session';
    const environment = {
      DBUS_SESSION_BUS_ADDRESS: address,
      TPM2TOOLS_TCTI: tcti,
      TPM2_PKCS11_TCTI: tcti,
      TPM2OPENSSL_TCTI: tcti,
      TPM2_PKCS11_STORE: join(directory, 'store'),
    };
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin`, ...environment };
    const run = (tool: string, ...args: string[]) =>
      execFileSync(tool, args, { env, cwd: directory, stdio: 'pipe', timeout: 60_000 });
    await pause(500);
    start(
      'tpm2-abrmd',
      ['--session', '--allow-root', '--flush-all', `--tcti=swtpm:host=127.0.0.1,port=${port}`],
      env,
    );
    await untilWorks(() => run('tpm2_getcap', 'properties-fixed'));

    // What the two ways have of keys: a block in PEM, and a token.
    run(
      'openssl',
      ...'genpkey -provider tpm2 -provider default -algorithm EC -pkeyopt group:P-256 -out tss.key'.split(
        ' ',
      ),
    );
    run('openssl', ...'pkey -provider tpm2 -provider default -in tss.key -pubout -out tss.pub'.split(' '));
    run('tpm2_ptool', 'init');
    run('tpm2_ptool', ...`addtoken --pid=1 --label=bank --sopin=12345678 --userpin=${pin}`.split(' '));
    run('tpm2_ptool', ...`addkey --algorithm=ecc256 --label=bank --key-label=ec --userpin=${pin}`.split(' '));
    run(
      'pkcs11-tool',
      ...['--module', module!, '--token-label', 'bank', '--login', '--pin', pin],
      ...['--read-object', '--type', 'pubkey', '--label', 'ec', '--output-file', 'token.der'],
    );
    run('openssl', ...'pkey -pubin -inform DER -in token.der -out token.pub'.split(' '));
    run(
      'openssl',
      ...'req -x509 -newkey ec -pkeyopt group:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca'.split(
        ' ',
      ),
    );
    for (const name of ['tss', 'token'])
      run(
        'openssl',
        ...`x509 -new -force_pubkey ${name}.pub -subj /CN=${name} -CA ca.pem -CAkey ca.key -days 2 -out ${name}.pem`.split(
          ' ',
        ),
      );
    const config = join(directory, 'openssl.cnf');
    await writeFile(config, configFor(provider!));
    return { directory, module: module!, environment, config, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function untilWorks(act: () => void): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return act();
    } catch (error) {
      if (tries === 40) throw error;
      await pause(250);
    }
  }
}

/** As the guide has it: it sends every signature of the process to the TPM. */
function configFor(path: string): string {
  return `nodejs_conf = node_section
[node_section]
providers = provider_section
alg_section = algorithm_section
[provider_section]
default = default_section
tpm2 = tpm2_section
[default_section]
activate = 1
[tpm2_section]
activate = 1
module = ${path}
[algorithm_section]
default_properties = ?tpm2.signature=yes
`;
}

export interface Tpm extends AsyncDisposable {
  /** In it: `tss.key` and `tss.pem`, and `token.pem` for the key "ec" of the token "bank". */
  readonly directory: string;
  readonly module: string;
  /** Of a process that reaches it. */
  readonly environment: NodeJS.ProcessEnv;
  /** An OpenSSL configuration that loads the provider. */
  readonly config: string;
}
