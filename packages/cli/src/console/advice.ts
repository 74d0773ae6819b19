import type { Warning } from '@clientcert/core';

/** Warnings with what to do about them, where that is known; the message of a warning says what it is. */
export function advised<Told extends { readonly code: string }>(
  warnings: readonly Told[],
): (Told & { advice?: string })[] {
  return warnings.map((each) =>
    Object.hasOwn(WHAT_TO_DO, each.code)
      ? { ...each, advice: WHAT_TO_DO[each.code as Warning['code']] }
      : each,
  );
}

const WHAT_TO_DO: Readonly<Record<Warning['code'], string>> = {
  EXPIRED:
    'Ask whoever issued it for a new one, and put the file in the place of this one: it is read at once.',
  NOT_YET_VALID: 'Use the one before until then, and check the clock of this machine.',
  EXPIRING: 'Order its successor now, and put the file in the place of this one when it is there.',
  NO_CLIENT_AUTH: 'Order a certificate for client authentication.',
  WEAK_KEY: 'Order one with a key of 2048 bits of RSA, or of P-256, at least.',
  WEAK_SIGNATURE: 'Order one that is signed with SHA-256 or better.',
  CHAIN_INCOMPLETE: 'Put the intermediate into the file, after the certificate, or beside it in a list.',
  CHAIN_REORDERED: 'Nothing: what is sent is in order.',
  UNRELATED_DROPPED: 'Nothing, if they are of no use here; else name them as “ca”.',
  KEY_NOT_PRESENTABLE: 'Order one with a key of RSA or of P-256.',
  KEY_FILE_READABLE: 'Let its owner alone read it: chmod 600.',
  KEY_FILE_WRITABLE: 'Let its owner alone write it: chmod 600.',
  CA_WITHOUT_ROOT: 'Add the root to “ca”.',
  PASSPHRASE_UNUSED: 'Take the passphrase out of the config.',
  IDENTITY_CHOSEN: 'Say which one is meant with “alias”.',
  LEGACY_ENCRYPTION: 'Nothing for clientcert. For other programs, convert it to a modern PFX.',
  RULE_SHADOWED: 'Name the port in the exact rule as well, if that was not meant.',
  RULE_REDUNDANT: 'Remove one of the two.',
  CERTIFICATE_UNUSED: 'Pin it to a host or a service, or remove it.',
  PINNED_ELSEWHERE: 'Pin the port that is called.',
  SPKI_NO_BACKUP: 'Add the pin of the key that will come next.',
  SERVER_UNVERIFIED: 'Trust the server’s root with “ca” instead.',
  LEGACY_TLS: 'Write it into the rules of the hosts that need it.',
};
