import { createPrivateKey, type KeyObject } from 'node:crypto';

/**
 * Node's own, of what is no key on a token, where each try counts. Node takes an error that an earlier OpenSSL call left in
 * the queue for one of this call, and empties the queue by throwing it: comparing keys of two types leaves one, and so does
 * a broken record of TLS, for all that runs when its connection's error is told. What is really wrong fails again.
 */
export function privateKeyFrom(key: Parameters<typeof createPrivateKey>[0]): KeyObject {
  try {
    return createPrivateKey(key);
  } catch {
    return createPrivateKey(key);
  }
}
