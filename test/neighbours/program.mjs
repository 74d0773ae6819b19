// A neighbour's program while it runs: a line of JSON in, a line of JSON out (node/protocol.mjs says which).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { env as inherited } from 'node:process';
import { createInterface } from 'node:readline';

/** Far more than any case takes: a program that does not answer hangs. */
const PATIENCE = 120_000;

export class Program {
  #child;
  #lines;
  #errors = '';

  /** @param {{ command: string, args: string[], env?: Record<string, string | undefined>, cwd?: string }} start */
  constructor({ command, args, env = {}, cwd }) {
    this.#child = spawn(command, args, {
      cwd,
      env: { ...inherited, ...quiet, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.on('data', (chunk) => {
      this.#errors = `${this.#errors}${chunk}`.slice(-4000);
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** What it answers; `told` is what a user is told, where it fails. */
  async ask(op, patience = PATIENCE) {
    this.#child.stdin.write(`${JSON.stringify(op)}\n`);
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve({ value: '{"told":"no answer: it hangs","hangs":true}' }), patience);
    });
    const { value, done } = await Promise.race([this.#lines.next(), late]);
    clearTimeout(timer);
    if (done) return { told: `the program ended: ${this.#errors.slice(-500)}`, ended: true };
    return JSON.parse(value);
  }

  async close() {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await ended;
    clearTimeout(timer);
  }
}

/** Nothing of the machine's own settings: no proxy, no roots. */
const quiet = Object.fromEntries(
  [
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'ALL_PROXY',
    'NO_PROXY',
    'NODE_EXTRA_CA_CERTS',
    'NODE_OPTIONS',
    'SSL_CERT_FILE',
  ]
    .flatMap((name) => [name, name.toLowerCase()])
    .concat('SSL_CERT_DIR', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'NODE_USE_ENV_PROXY')
    .map((name) => [name, undefined]),
);
