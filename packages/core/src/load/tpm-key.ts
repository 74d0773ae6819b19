import { createPrivateKey, type KeyObject } from 'node:crypto';
import { Attempt } from './attempt.ts';
import type { FoundKey } from './file-contents.ts';
import type { Keyring } from './passphrase.ts';
import { Problem } from './problem.ts';
import { toPem, tpmLabel } from './provider-pem.ts';
import { TokenKey } from './token-key.ts';
import { pinWrong } from './token-problems.ts';

/**
 * A key that OpenSSL's provider of the TPM signs with. `pin` is its authorisation value, where it has one.
 *
 * @throws Problem `TOKEN_FAILED`, `PIN_MISSING`
 */
export function tpmKey(bytes: Buffer, { pin }: Keyring): FoundKey {
  if (pin !== undefined && (pin.text ?? '') === '')
    throw new Problem(
      'PIN_MISSING',
      `its PIN is not there: ${pin.reason}`,
      pin.advice?.replace('passphrase', 'PIN'),
    );
  const key = toPem(tpmLabel, bytes.toString('base64'));
  const passphrase = pin?.text ?? '';
  // A TPM locks itself as a smart card does, and shows nothing of that.
  const attempt = new Attempt(key, passphrase, () => '');
  attempt.check();
  const { privateKey } = new TokenKey(tpmName, open(key, passphrase), 'provider', {
    mark: attempt.mark,
    use(make) {
      attempt.check();
      return make({ key, passphrase });
    },
    failed: () => undefined,
    unproved: (problem) => {
      const advised = problem.advising(configured);
      return pin === undefined ? advised : attempt.failed(advised.advising(orWrong));
    },
  });
  return { privateKey, alias: undefined, plain: false, intact: false };
}

/** What messages call what holds such a key: there is one on a machine. */
const tpmName = 'TPM 2.0';

const configured =
  "Where another key of this process is meant to sign nothing, OpenSSL's configuration needs default_properties = ?tpm2.signature=yes.";
const orWrong = pinWrong('').hint!.replace('It was', 'Or the PIN is wrong: it was');

function open(key: string, passphrase: string): KeyObject {
  try {
    return createPrivateKey({ key, format: 'pem', passphrase });
  } catch (cause) {
    throw new Problem(
      'TOKEN_FAILED',
      'the TPM does not load its key',
      'Is it the TPM that the key was made by, and is TPM2OPENSSL_TCTI set to reach it through a resource manager: device:/dev/tpmrm0?',
      cause,
    );
  }
}
