import { createPrivateKey, type KeyObject } from 'node:crypto';
import { Attempt } from './attempt.ts';
import type { FoundKey } from './file-contents.ts';
import { bytesOf } from './passphrase.ts';
import { formatPkcs11Uri, type Pkcs11Uri, showPkcs11Uri, tokenOf } from './pkcs11-uri.ts';
import { Problem } from './problem.ts';
import { hasProvider, missingModule, providerMissing } from './provider.ts';
import { wrapPkcs11Uri } from './provider-pem.ts';
import { TokenKey } from './token-key.ts';
import { keyNotFound, pinWrong, tokenNotFound } from './token-problems.ts';

/**
 * A key that OpenSSL's provider signs with.
 *
 * @throws Problem `PROVIDER_MISSING`, `MODULE_MISSING`, `TOKEN_NOT_FOUND`, `TOKEN_KEY_NOT_FOUND`, `PIN_MISSING`,
 *   `PIN_WRONG`
 */
export function providerKey(uri: Pkcs11Uri, pin: string | undefined): FoundKey {
  const label = showPkcs11Uri(uri);
  // In the URI, where it is tried once: from a callback, pkcs11-provider tries a wrong one five times.
  const pem = wrapPkcs11Uri(withPin(uri, pin));
  const token = tokenOf(uri);
  const attempt = new Attempt(formatPkcs11Uri(token), pin ?? '', () => JSON.stringify(lookAt(token)));
  attempt.check();
  const failed = (cause: unknown): Problem => {
    const problem = findReason(uri, label, pin);
    problem.cause = cause;
    return triedPin.has(problem.code) ? attempt.failed(problem) : problem;
  };
  let privateKey: KeyObject;
  try {
    privateKey = open(pem);
  } catch (cause) {
    throw failed(cause);
  }
  const key = new TokenKey(label, privateKey, 'provider', {
    mark: attempt.mark,
    use(make) {
      attempt.check();
      return make({ key: pem });
    },
    failed(cause) {
      // Where it still opens, it was something else.
      return lookAt(token).open ? undefined : failed(cause);
    },
  });
  return { privateKey: key.privateKey, alias: undefined, plain: uri.query.has('pin-value'), intact: false };
}

/** Where the PIN may have been what was wrong. */
const triedPin: ReadonlySet<string> = new Set(['ERR_CLIENTCERT_PIN_WRONG', 'ERR_CLIENTCERT_TOKEN_NOT_FOUND']);

/** Without a passphrase OpenSSL asks whoever sits at the terminal, and everything waits. An empty one is no try. */
function open(pem: string): KeyObject {
  return createPrivateKey({ key: pem, format: 'pem', passphrase: '' });
}

function withPin({ path, query }: Pkcs11Uri, pin: string | undefined): string {
  const kept = new Map([...query].filter(([name]) => !/^pin-/.test(name)));
  if (pin !== undefined) {
    const octets = bytesOf(pin, 'utf8');
    kept.set('pin-value', octets.toString('latin1'));
    octets.fill(0);
  }
  return formatPkcs11Uri({ path: new Map([...path, ['type', 'private']]), query: kept });
}

/** What can be seen of a token without a PIN, or with the one that opened it for good. */
function lookAt(token: Pkcs11Uri): { readonly open: boolean; readonly any: boolean } {
  return { open: sees(token, 'private'), any: sees(token, 'public') };
}

function sees({ path }: Pkcs11Uri, type: string): boolean {
  try {
    const uri = { path: new Map([...path, ['type', type]]), query: new Map<string, string>() };
    open(wrapPkcs11Uri(formatPkcs11Uri(uri)));
    return true;
  } catch (error) {
    // It has found something, and that is no private key.
    return (error as NodeJS.ErrnoException).code === 'ERR_OSSL_PEM_UNSUPPORTED_KEY_COMPONENTS';
  }
}

/** Why no key was found. OpenSSL says `DECODER routines::unsupported`, whatever it was. */
function findReason(uri: Pkcs11Uri, label: string, pin: string | undefined): Problem {
  if (!hasProvider()) return providerMissing();
  const module = missingModule();
  if (module !== undefined)
    return new Problem(
      'MODULE_MISSING',
      `the PKCS#11 module ${module} is not there`,
      "Correct pkcs11-module-path in OpenSSL's configuration, or install the module.",
    );
  const object = sees(uri, 'public');
  const seen = lookAt(tokenOf(uri));
  const any = object || seen.any;
  if (seen.open) return keyNotFound(label);
  if (pin === undefined)
    return new Problem(
      'PIN_MISSING',
      any
        ? 'the token does not show its private key without a PIN'
        : 'no token showed such a key, and no PIN was given to open one with',
      "Add pin: process.env.NAME, { env: 'NAME' } or { file: '/run/secrets/pin' }.",
    );
  if (any)
    return pinWrong(
      object
        ? 'the token does not open its private key: the PIN is wrong, or locked by now'
        : 'the token shows no private key: the PIN is wrong, or locked by now, or it has none',
    );
  return tokenNotFound(uri);
}
