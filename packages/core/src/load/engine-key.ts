import { createPublicKey, type X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { variable } from '../own.ts';
import { Attempt } from './attempt.ts';
import { Engine, missingModule } from './engine.ts';
import type { LaterKey } from './file-contents.ts';
import { anyCiphers, proveByHandshake } from './handshake-proof.ts';
import { withPinFile } from './pin-file.ts';
import { formatPkcs11Uri, type Pkcs11Uri, showPkcs11Uri, tokenOf } from './pkcs11-uri.ts';
import { Problem } from './problem.ts';
import { type TokenAccess, TokenKey, type TokenKeyOptions } from './token-key.ts';
import { keyNotFound, pinWrong, tokenFailed, tokenNotFound } from './token-problems.ts';

/**
 * A key that libp11's engine signs with, in TLS alone: no `KeyObject` of Node's stands for it, so that it is opened
 * with the certificate that it belongs to, and proved by a handshake.
 *
 * @param path Of the engine.
 * @throws Problem `ENGINE_FAILED`, `MODULE_MISSING`, `PIN_MISSING`, `CONFIG_INVALID`; when it is opened, also
 *   `TOKEN_NOT_FOUND`, `TOKEN_KEY_NOT_FOUND`, `TOKEN_FAILED`, `PIN_WRONG`, `KEY_MISMATCH`
 */
export function engineKey(uri: Pkcs11Uri, pin: string | undefined, path: string): LaterKey {
  checkUri(uri);
  checkPin(pin);
  const engine = new Engine(path, uri.query.get('module-path'));
  const opening = new Opening(uri, pin, engine);
  return {
    plain: uri.query.has('pin-value'),
    async open(leaf) {
      const context = opening.createContext(leaf);
      engine.keep(context);
      await prove(context, leaf, opening.label);
      const spki = leaf.publicKey.export({ type: 'spki', format: 'der' });
      const publicKey = createPublicKey({ key: spki, type: 'spki', format: 'der' });
      const { privateKey } = new TokenKey(opening.label, publicKey, 'engine', opening);
      return { privateKey, alias: undefined, plain: false, intact: true };
    },
  };
}

/** libp11 knows these alone, and takes a URI with others for none. */
const ofLibp11: ReadonlySet<string> = new Set([
  'token',
  'manufacturer',
  'serial',
  'model',
  'object',
  'type',
  'id',
]);

function checkUri({ path, query }: Pkcs11Uri): void {
  const unknown = [...path.keys()].some((name) => !ofLibp11.has(name)) || query.has('module-name');
  if (unknown)
    throw new Problem(
      'CONFIG_INVALID',
      'the PKCS#11 URI has an attribute that the engine does not know',
      `It knows ${[...ofLibp11].join(', ')} and module-path.`,
    );
}

function checkPin(pin: string | undefined): asserts pin is string {
  if (pin === undefined)
    throw new Problem(
      'PIN_MISSING',
      'an engine that is given no PIN asks whoever sits at the terminal, and everything waits',
      "Add pin: process.env.NAME, { env: 'NAME' } or { file: '/run/secrets/pin' }. A token that takes no PIN is shown none: write any.",
    );
  if (Buffer.byteLength(pin) > longestPin || /[\0\r\n]/.test(pin))
    throw new Problem(
      'CONFIG_INVALID',
      `its PIN is longer than ${longestPin} bytes or has several lines, which libp11 would cut off and try`,
      "Check where it comes from; or load OpenSSL's pkcs11-provider, which takes longer ones.",
    );
}

/** `MAX_PIN_LENGTH` of libp11. */
const longestPin = 32;

/** The way to one key. The engine is told the PIN anew for each secure context: the token may have forgotten it. */
class Opening implements TokenAccess {
  readonly label: string;
  readonly #uri: Pkcs11Uri;
  readonly #pin: string;
  readonly #engine: Engine;
  readonly #attempt: Attempt;

  constructor(uri: Pkcs11Uri, pin: string, engine: Engine) {
    this.label = showPkcs11Uri(uri);
    this.#uri = uri;
    this.#pin = pin;
    this.#engine = engine;
    // Through an engine nothing can be seen of a token without a PIN.
    this.#attempt = new Attempt(formatPkcs11Uri(tokenOf(uri)), pin, () => '');
  }

  get mark(): string {
    return this.#attempt.mark;
  }

  use<Made>(make: (key: TokenKeyOptions) => Made): Made {
    return this.#use(this.#uri, make);
  }

  /** @throws Problem */
  createContext(leaf: X509Certificate): SecureContext {
    try {
      return this.use((key) => createSecureContext({ ...key, cert: leaf.toString(), ciphers: anyCiphers }));
    } catch (error) {
      throw this.failed(error) ?? tokenFailed(this.label, error);
    }
  }

  failed(cause: unknown): Problem | undefined {
    if (cause instanceof Problem) return cause;
    const problem = this.#findReason((cause as NodeJS.ErrnoException).code ?? '');
    if (problem === undefined) return undefined;
    problem.cause = cause;
    return problem.code === 'ERR_CLIENTCERT_PIN_WRONG' ? this.#attempt.failed(problem) : problem;
  }

  #findReason(code: string): Problem | undefined {
    // Of PKCS#11 (CKR_PIN_INCORRECT, …_INVALID, …_LEN_RANGE, …_EXPIRED, …_LOCKED), as libp11 calls them.
    if (/^ERR_OSSL_(?:INVALID_)?PIN_/.test(code))
      return pinWrong(
        `the token does not open: ${reasons.get(code) ?? 'the PIN is wrong, or locked by now'}`,
      );
    if (code === 'ERR_OSSL_UNABLE_TO_LOAD_PKCS#11_MODULE')
      return missingModule(variable('PKCS11_MODULE_PATH'));
    if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') return mismatch(this.label);
    if (code !== 'ERR_OSSL_OBJECT_NOT_FOUND') return undefined;
    return this.#opens() ? keyNotFound(this.label) : tokenNotFound(this.#uri);
  }

  /** Whether the token is there and has some key: it is opened by now, or was not found. */
  #opens(): boolean {
    try {
      this.#use(tokenOf(this.#uri), (key) => createSecureContext(key));
      return true;
    } catch {
      return false;
    }
  }

  #use<Made>({ path }: Pkcs11Uri, make: (key: TokenKeyOptions) => Made): Made {
    this.#attempt.check();
    return withPinFile(this.#pin, (file) =>
      this.#engine.use((privateKeyEngine) => {
        const query = new Map([['pin-source', `file:${file}`]]);
        const uri = { path: new Map([...path, ['type', 'private']]), query };
        return make({ privateKeyEngine, privateKeyIdentifier: formatPkcs11Uri(uri) });
      }),
    );
  }
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['ERR_OSSL_PIN_INCORRECT', 'the PIN is wrong'],
  ['ERR_OSSL_PIN_LOCKED', 'the PIN is locked, after too many wrong ones'],
  ['ERR_OSSL_PIN_EXPIRED', 'the PIN has expired'],
]);

async function prove(context: SecureContext, leaf: X509Certificate, label: string): Promise<void> {
  try {
    await proveByHandshake(context, leaf);
  } catch (error) {
    // Where the key is of another type than the certificate, OpenSSL takes both, and then has none for it.
    throw (error as NodeJS.ErrnoException).code === 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM'
      ? mismatch(label)
      : tokenFailed(label, error);
  }
}

function mismatch(label: string): Problem {
  return new Problem(
    'KEY_MISMATCH',
    `the private key ${label} does not belong to the certificate`,
    'Name the key that the certificate was requested with, by object or id: clientcert tokens MODULE lists both.',
  );
}
