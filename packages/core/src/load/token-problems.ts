import { type Pkcs11Uri, showPkcs11Uri, tokenOf } from './pkcs11-uri.ts';
import { Problem } from './problem.ts';

/** What a token says no to, whichever way it is reached. */

export function pinWrong(what: string): Problem {
  return new Problem(
    'PIN_WRONG',
    what,
    'A token locks after a few wrong PINs, many after three. It was tried once. See how many are left: pkcs11-tool --module MODULE --list-token-slots.',
  );
}

/** It is said of all keys of the token, where its PIN is not tried again. */
export function tokenNotFound(uri: Pkcs11Uri): Problem {
  const token = tokenOf(uri);
  const label = showPkcs11Uri(token.path.size > 0 ? token : uri);
  return new Problem(
    'TOKEN_NOT_FOUND',
    `no token was found that ${label} names`,
    'See which there are: clientcert tokens MODULE, or pkcs11-tool --module MODULE --list-token-slots. Where it shows nothing without a PIN, the PIN may be wrong: it was tried once.',
  );
}

export function keyNotFound(label: string): Problem {
  return new Problem(
    'TOKEN_KEY_NOT_FOUND',
    `the token is open, and has no private key that ${label} names`,
    'See what it has: clientcert tokens MODULE, or pkcs11-tool --module MODULE --login --list-objects.',
  );
}

export function tokenFailed(label: string, cause: unknown): Problem {
  return new Problem(
    'TOKEN_FAILED',
    `${label}: what the token signs does not verify with the certificate, or it signs nothing`,
    'See whether it signs at all: pkcs11-tool --module MODULE --login --test. A key may be kept from signing (CKA_SIGN).',
    cause,
  );
}
