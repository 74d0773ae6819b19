import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { SecureContext } from 'node:tls';
import { isMainThread } from 'node:worker_threads';
import { variable } from '../own.ts';
import { show } from '../quote.ts';
import { Problem } from './problem.ts';

/**
 * libp11's engine, the older way from OpenSSL to a token. Loaded by its path, an engine gives one secure context in a
 * process and no second, because OpenSSL loads none twice; by its id it is found among those that are loaded, and gives
 * as many as are wanted. Where OpenSSL finds an id that is not loaded yet the environment says, which it reads at that
 * moment: it is said for that moment alone, and only until the engine is there.
 *
 * @see https://docs.openssl.org/3.0/man3/ENGINE_add/ (`OPENSSL_ENGINES`), and libp11's README (`PKCS11_MODULE_PATH`)
 */
export class Engine {
  /** With `pkcs11.so` in it, which OpenSSL looks for whatever the file is a link to. */
  readonly #directory: string;
  readonly #path: string;
  readonly #module: string | undefined;

  /**
   * @param module The PKCS#11 module, where the key's URI names one.
   * @throws Problem `ENGINE_FAILED`, `MODULE_MISSING`, `CONFIG_INVALID`
   */
  constructor(path: string, module: string | undefined) {
    checkEngine(path);
    checkModule(module ?? variable('PKCS11_MODULE_PATH'));
    this.#directory = dirname(path);
    this.#path = realpathSync(path);
    this.#module = module;
    if (loaded !== undefined && loaded.path !== this.#path)
      throw new Problem(
        'CONFIG_INVALID',
        `names the engine ${show(path, 'path')}, and this process has loaded ${show(loaded.path, 'path')}`,
        'A process has one engine: name the same for every certificate.',
      );
    if (loaded !== undefined && module !== undefined && loaded.module !== module)
      throw new Problem(
        'CONFIG_INVALID',
        `names the module ${show(module, 'path')}, and the engine has loaded ${loaded.module === undefined ? 'another' : show(loaded.module, 'path')}`,
        'An engine has one module. Reach several through p11-kit: p11-kit-proxy.so.',
      );
  }

  /**
   * Has a secure context made.
   *
   * @param make Is given the engine's id, as `privateKeyEngine`.
   * @throws what `make` throws; Problem `ENGINE_FAILED` where the engine cannot be loaded
   */
  use<Made>(make: (id: string) => Made): Made {
    try {
      if (loaded !== undefined || !isMainThread) return make(id);
      const module = this.#module === undefined ? {} : { PKCS11_MODULE_PATH: this.#module };
      return withEnvironment({ OPENSSL_ENGINES: this.#directory, ...module }, () => make(id));
    } catch (error) {
      throw isUnloadable(error) ? cannotLoad(this.#path, error) : error;
    }
  }

  /** An engine ends its module where the last context goes, and with it the login: one is kept for as long as the process runs. */
  keep(context: SecureContext): void {
    loaded ??= { path: this.#path, module: this.#module ?? variable('PKCS11_MODULE_PATH'), context };
  }
}

const id = 'pkcs11';
let loaded:
  | { readonly path: string; readonly module: string | undefined; readonly context: SecureContext }
  | undefined;

function checkEngine(path: string): void {
  if (process.platform === 'win32')
    throw failed('an engine is loaded on Linux and macOS alone', "Load OpenSSL's pkcs11-provider.");
  if (!/^(?:lib)?pkcs11\.(?:so|dylib)$/.test(basename(path)))
    throw new Problem(
      'CONFIG_INVALID',
      "has an `engine` that is not called pkcs11.so, as libp11's is",
      `Write its path: engine: '${examplePath}'.`,
    );
  if (!existsSync(path))
    throw failed(
      `the engine ${show(path, 'path')} is not there`,
      'Install it: apt install libengine-pkcs11-openssl, dnf install openssl-pkcs11, apk add libp11.',
    );
}

/** Where Debian and Ubuntu have it. */
export const examplePath = '/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so';

function checkModule(module: string | undefined): void {
  if (module === undefined || !module.includes('/') || existsSync(module)) return;
  throw missingModule(module);
}

export function missingModule(module: string | undefined): Problem {
  return new Problem(
    'MODULE_MISSING',
    `the PKCS#11 module ${module === undefined ? 'of the engine' : show(module, 'path')} is not there, or cannot be loaded`,
    'Set PKCS11_MODULE_PATH to its path, or write that into the URI: ?module-path=%2Fusr%2Flib%2F….',
  );
}

/** Both at once, with nothing of this process in between: all of it is synchronous. */
function withEnvironment<Result>(variables: Readonly<Record<string, string>>, use: () => Result): Result {
  const before = Object.keys(variables).map((name) => [name, variable(name)] as const);
  Object.assign(process.env, variables);
  try {
    return use();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

/** `ENGINE_R_NO_SUCH_ENGINE`, `…_DSO_NOT_FOUND` and `…_INIT_FAILED`, by their numbers; or a Node without engines. */
function isUnloadable(error: unknown): boolean {
  const {
    code,
    message,
    opensslErrorStack = [],
  } = error as NodeJS.ErrnoException & {
    opensslErrorStack?: string[];
  };
  if (code === 'ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED') return true;
  return [message, ...opensslErrorStack].some((each) => /error:130000(?:74|84|6D)/i.test(each));
}

function cannotLoad(path: string, cause: unknown): Problem {
  if ((cause as NodeJS.ErrnoException).code === 'ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED')
    return failed(
      `Node ${process.version} has no engines: OpenSSL ${process.versions.openssl} goes without`,
      "Load OpenSSL's pkcs11-provider in its place.",
      cause,
    );
  if (!isMainThread)
    return failed(
      `a worker thread cannot load the engine ${show(path, 'path')}`,
      `Load the certificate in the main thread first, or start the process with OPENSSL_ENGINES=${dirname(path)}.`,
      cause,
    );
  return failed(
    `OpenSSL cannot load the engine ${show(path, 'path')}`,
    'Is it built for OpenSSL 3 and for this system? Was it loaded by its path before, with privateKeyEngine or crypto.setEngine()?',
    cause,
  );
}

function failed(what: string, hint: string, cause?: unknown): Problem {
  return new Problem('ENGINE_FAILED', what, hint, cause);
}
