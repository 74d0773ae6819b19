import type { Issue } from '../pin/issue.ts';

/** Pins on a server's public key: `sha256/` and the base64 of the SHA-256 of its SubjectPublicKeyInfo (RFC 7469, section 2.4). */
export function checkSpki(
  pins: readonly string[],
  path: readonly (string | number)[],
): { value: readonly string[] } | { issues: readonly Issue[] } {
  const issues = pins.flatMap((pin, index): Issue[] =>
    isPin(pin)
      ? []
      : [
          {
            code: 'ERR_CLIENTCERT_CONFIG_INVALID',
            path: [...path, index],
            message: pin.startsWith('sha256//')
              ? 'has one slash too many: write "sha256/" and 44 characters of base64'
              : 'is not a pin: write "sha256/" and 44 characters of base64, the SHA-256 of the server\'s SubjectPublicKeyInfo',
          },
        ],
  );
  return issues.length > 0 ? { issues } : { value: Object.freeze([...new Set(pins)]) };
}

function isPin(pin: string): boolean {
  const match = /^sha256\/([A-Za-z0-9+/]{43}=)$/.exec(pin);
  // Two spellings of the last character decode to the same bytes: only the one that encodes to itself is compared.
  return match !== null && Buffer.from(match[1]!, 'base64').toString('base64') === match[1];
}
