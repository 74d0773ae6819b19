// Microsoft Entra's certificate credential: a JWT that the certificate's key
// has signed, in place of a client secret.
// https://learn.microsoft.com/entra/identity-platform/certificate-credentials
import { constants, createHash, randomUUID, sign } from 'node:crypto';

/**
 * @param {Pick<import('@clientcert/core').Credentials, 'withSigningKey'>} credentials
 *   With a rule for the host of `tokenEndpoint`.
 * @param {{ tokenEndpoint: string, clientId: string }} options
 */
export function clientAssertion(credentials, { tokenEndpoint, clientId }) {
  const now = Math.floor(Date.now() / 1000);
  return credentials.withSigningKey(
    tokenEndpoint,
    ({ privateKey, certificate }) => {
      const header = {
        alg: 'PS256',
        typ: 'JWT',
        'x5t#S256': createHash('sha256')
          .update(certificate.raw)
          .digest('base64url'),
      };
      const claims = {
        aud: tokenEndpoint,
        iss: clientId,
        sub: clientId,
        jti: randomUUID(),
        nbf: now,
        iat: now,
        exp: now + 600,
      };
      const parts = [header, claims].map((part) =>
        Buffer.from(JSON.stringify(part)).toString('base64url'),
      );
      // RFC 7518, section 3.5: RSASSA-PSS with a salt as long as the hash.
      const signature = sign('sha256', Buffer.from(parts.join('.')), {
        key: privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      });
      return [...parts, signature.toString('base64url')].join('.');
    },
  );
}
