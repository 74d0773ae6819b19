import { engineKey } from './engine-key.ts';
import type { Reading } from './file-contents.ts';
import { type ResolvedPassphrase, resolvePassphrase } from './passphrase.ts';
import { type Pkcs11Uri, parsePkcs11Uri } from './pkcs11-uri.ts';
import { Problem } from './problem.ts';
import { hasProvider } from './provider.ts';
import { providerKey } from './provider-key.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Adds the key that a PKCS#11 URI names: through OpenSSL's provider where that is loaded, else through the engine that
 * the source names.
 *
 * @param from Where the URI stands: in the config itself, or in a file that it names.
 * @throws Problem `PROVIDER_MISSING`, `ENGINE_FAILED`, `MODULE_MISSING`, `TOKEN_NOT_FOUND`, `TOKEN_KEY_NOT_FOUND`,
 *   `PIN_MISSING`, `PIN_WRONG`, `CONFIG_INVALID`
 */
export async function addTokenKey(
  text: string,
  { contents, keyring, surroundings }: Pick<Reading, 'contents' | 'keyring' | 'surroundings'>,
  from: 'config' | 'file',
): Promise<void> {
  const uri = parsePkcs11Uri(text);
  if (from === 'file' && uri.query.has('module-path')) throw namesModule();
  const pin = await pinFor(uri, keyring, surroundings);
  if (keyring.engine === undefined || hasProvider()) contents.keys.push(providerKey(uri, pin));
  else contents.laterKeys.push(engineKey(uri, pin, keyring.engine));
}

/** A module is code that runs in this process: whoever can write a key file is not to say which. */
function namesModule(): Problem {
  return new Problem(
    'CONFIG_INVALID',
    'holds a PKCS#11 URI with a "module-path", and no file says which code this process loads',
    'Write the URI itself as `key`, or set PKCS11_MODULE_PATH.',
  );
}

/** The PIN that goes with a URI: the one given, else the one that it holds or says where to find. */
async function pinFor(
  { query }: Pkcs11Uri,
  keyring: Reading['keyring'],
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
  const file = text.replace(/^file:(?!\/\/)/i, '');
  return resolvePassphrase({ file }, surroundings, 'pin-source');
}
