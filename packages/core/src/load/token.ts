import { createPrivateKey, type KeyObject } from 'node:crypto';
import { Attempt } from './attempt.ts';
import type { FoundKey } from './file-contents.ts';
import { type Keyring, type ResolvedPassphrase, resolvePassphrase } from './passphrase.ts';
import { formatPkcs11Uri, type Pkcs11Uri, parsePkcs11Uri, showPkcs11Uri } from './pkcs11-uri.ts';
import { Problem } from './problem.ts';
import { hasProvider, missingModule, providerMissing } from './provider.ts';
import { wrapPkcs11Uri } from './provider-pem.ts';
import type { Surroundings } from './surroundings.ts';
import { TokenKey } from './token-key.ts';

/**
 * The key that a PKCS#11 URI names.
 *
 * @throws Problem `PROVIDER_MISSING`, `MODULE_MISSING`, `TOKEN_NOT_FOUND`, `TOKEN_KEY_NOT_FOUND`, `PIN_MISSING`,
 *   `PIN_WRONG`, `CONFIG_INVALID`
 */
export async function openTokenKey(
  text: string,
  keyring: Keyring,
  surroundings?: Surroundings,
): Promise<FoundKey> {
  const uri = parsePkcs11Uri(text);
  const pin = await pinFor(uri, keyring, surroundings);
  const label = showPkcs11Uri(uri);
  // In the URI, where it is tried once: from a callback, pkcs11-provider tries a wrong one five times.
  const pem = wrapPkcs11Uri(withPin(uri, pin));
  const attempt = new Attempt(label, pin ?? '', () => JSON.stringify(lookAt(uri)));
  attempt.check();
  let privateKey: KeyObject;
  try {
    privateKey = open(pem);
  } catch (cause) {
    const problem = explainFailure(uri, label, pin, cause);
    throw problem.code === 'ERR_CLIENTCERT_PROVIDER_MISSING' ? problem : attempt.failed(problem);
  }
  const token = new TokenKey(label, privateKey, {
    pem() {
      attempt.check();
      return pem;
    },
    failed(cause) {
      // Where it still opens, it was something else.
      if (!lookAt(uri).open) attempt.failed(explainFailure(uri, label, pin, cause));
    },
  });
  return { privateKey: token.privateKey, alias: undefined, plain: uri.query.has('pin-value'), intact: false };
}

/** Without a passphrase OpenSSL asks whoever sits at the terminal, and everything waits. An empty one is no try. */
function open(pem: string): KeyObject {
  return createPrivateKey({ key: pem, format: 'pem', passphrase: '' });
}

/** The PIN that goes with a URI: the one given, else the one that it holds or says where to find. */
async function pinFor(
  { query }: Pkcs11Uri,
  keyring: Keyring,
  surroundings: Surroundings | undefined,
): Promise<string | undefined> {
  const [value, source] = [query.get('pin-value'), query.get('pin-source')];
  const inUri = value ?? source;
  if (keyring.pin === undefined && inUri === undefined) return undefined;
  if (keyring.pin !== undefined && inUri !== undefined)
    throw new Problem('CONFIG_INVALID', 'has a PIN in its URI and one in `pin`', 'Keep the one in `pin`.');
  if (value !== undefined) return Buffer.from(value, 'latin1').toString();
  const { text, reason, advice } = keyring.pin ?? (await readPinSource(source!, surroundings));
  if (text !== undefined && text !== '') return text;
  throw new Problem('PIN_MISSING', `its PIN is not there: ${reason}`, advice?.replace('passphrase', 'PIN'));
}

/** RFC 7512, section 2.4: a `file:` URI, or a path; commands (`|`) are not run. */
async function readPinSource(
  source: string,
  surroundings: Surroundings | undefined,
): Promise<ResolvedPassphrase> {
  const text = Buffer.from(source, 'latin1').toString();
  if (surroundings === undefined || /^\|/.test(text))
    throw new Problem(
      'CONFIG_INVALID',
      'its `pin-source` is not a file',
      "Give the PIN as pin: { file: '/run/secrets/pin' }.",
    );
  const file = /^file:\/\//i.test(text) ? new URL(text) : text.replace(/^file:/i, '');
  return resolvePassphrase({ file }, surroundings, 'pin-source');
}

function withPin({ path, query }: Pkcs11Uri, pin: string | undefined): string {
  const kept = new Map([...query].filter(([name]) => !/^pin-/.test(name)));
  if (pin !== undefined) kept.set('pin-value', Buffer.from(pin).toString('latin1'));
  return formatPkcs11Uri({ path: new Map([...path, ['type', 'private']]), query: kept });
}

/** What can be seen of a token without a PIN, or with the one that opened it for good. */
function lookAt({ path }: Pkcs11Uri): {
  readonly open: boolean;
  readonly object: boolean;
  readonly any: boolean;
} {
  const token = new Map([...path].filter(([name]) => name !== 'object' && name !== 'id' && name !== 'type'));
  const sees = (attributes: ReadonlyMap<string, string>, type: string): boolean => {
    try {
      const uri = { path: new Map([...attributes, ['type', type]]), query: new Map<string, string>() };
      open(wrapPkcs11Uri(formatPkcs11Uri(uri)));
      return true;
    } catch (error) {
      // It has found something, and that is no private key.
      return (error as NodeJS.ErrnoException).code === 'ERR_OSSL_PEM_UNSUPPORTED_KEY_COMPONENTS';
    }
  };
  const object = sees(path, 'public');
  return { open: sees(token, 'private'), object, any: object || sees(token, 'public') };
}

/** Why no key was found. OpenSSL says `DECODER routines::unsupported`, whatever it was. */
function explainFailure(uri: Pkcs11Uri, label: string, pin: string | undefined, cause: unknown): Problem {
  const problem = findReason(uri, label, pin);
  problem.cause = cause;
  return problem;
}

function findReason(uri: Pkcs11Uri, label: string, pin: string | undefined): Problem {
  if (!hasProvider()) return providerMissing();
  const module = missingModule();
  if (module !== undefined)
    return new Problem(
      'MODULE_MISSING',
      `the PKCS#11 module ${module} is not there`,
      "Correct pkcs11-module-path in OpenSSL's configuration, or install the module.",
    );
  const { open, object, any } = lookAt(uri);
  if (open)
    return new Problem(
      'TOKEN_KEY_NOT_FOUND',
      `the token is open, and has no private key that ${label} names`,
      'See what it has: clientcert tokens MODULE, or pkcs11-tool --module MODULE --login --list-objects.',
    );
  if (pin === undefined)
    return new Problem(
      'PIN_MISSING',
      any
        ? 'the token does not show its private key without a PIN'
        : 'no token showed such a key, and no PIN was given to open one with',
      "Add pin: process.env.NAME, { env: 'NAME' } or { file: '/run/secrets/pin' }.",
    );
  if (object || any)
    return new Problem(
      'PIN_WRONG',
      object
        ? 'the token does not open its private key: the PIN is wrong, or locked by now'
        : 'the token shows no private key: the PIN is wrong, or locked by now, or it has none',
      'A token locks after a few wrong PINs, many after three. It was tried once. See how many are left: pkcs11-tool --module MODULE --list-token-slots.',
    );
  return new Problem(
    'TOKEN_NOT_FOUND',
    `no token was found that ${label} names`,
    'See which there are: clientcert tokens MODULE, or pkcs11-tool --module MODULE --list-token-slots. Where it shows nothing without a PIN, the PIN may be wrong: it was tried once.',
  );
}
