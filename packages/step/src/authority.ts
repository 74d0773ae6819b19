import { createHash, X509Certificate } from 'node:crypto';
import { ClientCertificateError } from '@clientcert/core';
import {
  type Answer,
  ask,
  failure,
  type Issued,
  type Peer,
  parseObject,
  readSecret,
  sayings,
} from '@clientcert/core/enrolment';
import type { CheckedOptions } from './options.ts';
import { createToken } from './token.ts';

/** The operations of step-ca that make and renew a certificate. Each answers with it and its chain, in PEM. */
export class Authority {
  readonly #options: CheckedOptions;
  #root: string | undefined;

  constructor(options: CheckedOptions) {
    this.#options = options;
  }

  async sign(csr: string, signal: AbortSignal): Promise<string> {
    const { lifetime } = this.#options;
    // What it takes to check the authority, before what may be shown to it only once.
    const peer = await this.#peer(signal);
    const ott = await this.#token(signal);
    const body = { csr, ott, ...(lifetime !== undefined && { notAfter: `${Math.round(lifetime)}s` }) };
    return this.#ask(peer, 'sign', JSON.stringify(body), signal, [ott]);
  }

  async renew(current: Issued, signal: AbortSignal): Promise<string> {
    return this.#ask(await this.#peer(signal, current), 'renew', '', signal);
  }

  async rekey(current: Issued, csr: string, signal: AbortSignal): Promise<string> {
    return this.#ask(await this.#peer(signal, current), 'rekey', JSON.stringify({ csr }), signal);
  }

  async #token(signal: AbortSignal): Promise<string> {
    const { token, provisioner } = this.#options;
    if (token !== undefined) return readSecret(token, 'token', signal);
    if (provisioner !== undefined) return createToken(provisioner, this.#options, signal);
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_CONFIG_INVALID',
      'sign: there is no certificate to renew, and nothing says who asks for the first',
      { hint: 'Write token or provisioner; a certificate that has ended is not renewed.' },
    );
  }

  async #peer(signal: AbortSignal, current?: Issued): Promise<Peer> {
    const { fingerprint, ca, directory } = this.#options;
    const certificate = current && { ...current };
    if (fingerprint === undefined) return { ca, directory, certificate };
    this.#root ??= await this.#fetchRoot(fingerprint, signal);
    return { ca: this.#root, trust: 'only', certificate };
  }

  /** Over a connection on which nobody is believed: whether it is the right one says its fingerprint. */
  async #fetchRoot(fingerprint: string, signal: AbortSignal): Promise<string> {
    const what = 'root';
    const url = new URL(`root/${fingerprint}`, this.#options.base);
    const answer = await ask({ unverified: true }, { url, what }, signal);
    if (answer.status === 404)
      throw failure(
        `${what}: ${url.host} has no root with this fingerprint`,
        'Is it the address of the authority that the fingerprint is of?',
      );
    const { ca } = this.#read(what, answer, []);
    const root = certificateIn(ca);
    if (root && createHash('sha256').update(root.raw).digest('hex') === fingerprint) return root.toString();
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_SERVER_KEY_MISMATCH',
      `${what}: what ${url.host} says is its root has another fingerprint`,
      {
        hint: 'Somebody else may be answering, or the fingerprint is of another authority. Nothing was sent.',
      },
    );
  }

  async #ask(
    peer: Peer,
    what: string,
    body: string,
    signal: AbortSignal,
    secrets: readonly string[] = [],
  ): Promise<string> {
    const url = new URL(`1.0/${what}`, this.#options.base);
    const headers = { 'content-type': 'application/json' };
    const answer = await ask(peer, { url, what, body, headers }, signal);
    const { crt, ca, certChain } = this.#read(what, answer, secrets);
    const chain = (Array.isArray(certChain) && certChain.length > 0 ? certChain : [crt, ca]).map(
      certificateIn,
    );
    if (chain.includes(undefined))
      throw failure(`${what}: ${url.host} answers without a certificate`, 'Is the address that of step-ca?');
    const root = this.#root && new X509Certificate(this.#root);
    // What the fingerprint is of is trusted where the certificate is presented, as a root in a PFX is.
    return [...chain, ...(root && chain.at(-1)!.checkIssued(root) ? [root] : [])].map(String).join('');
  }

  #read(what: string, { status, body }: Answer, secrets: readonly string[]): Record<string, unknown> {
    const answer = parseObject(body.toString());
    if (answer && (status === 200 || status === 201)) return answer;
    const [says, hint] = reasons[status] ?? [`answers ${status}`, 'The log of step-ca says more.'];
    const said = sayings(typeof answer?.message === 'string' ? answer.message : '', secrets);
    const message = `${what}: ${this.#options.base.host} ${says}${said && `: ${said}`}`;
    throw status === 400
      ? new ClientCertificateError('ERR_CLIENTCERT_CONFIG_INVALID', message, { hint })
      : failure(message, hint);
  }
}

const reasons: Readonly<Record<number, readonly [what: string, hint: string]>> = {
  400: [
    'does not accept the request (400)',
    'Compare commonName, names, ttl and keyType with what the provisioner allows.',
  ],
  401: [
    'does not accept who asks (401)',
    'A token is good once and for minutes, for the names in it alone. A certificate that was revoked or has ended is not renewed. The log of step-ca says which.',
  ],
  403: [
    'refuses it (403)',
    'Compare commonName, names and ttl with the token and with the claims and policies of the provisioner. The log of step-ca says more.',
  ],
  404: ['does not know the path (404)', 'Is the address that of step-ca?'],
  429: ['says that it is asked too often (429)', 'It is asked again later by itself.'],
};

function certificateIn(value: unknown): X509Certificate | undefined {
  try {
    return typeof value === 'string' ? new X509Certificate(value) : undefined;
  } catch {
    return undefined;
  }
}
