// AWS IAM Roles Anywhere: temporary AWS credentials for a client certificate.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html
import { createHash, sign } from 'node:crypto';

/**
 * A credential provider for the clients of the AWS SDK, which call it again
 * before what it returned expires.
 *
 * @param {Pick<import('@clientcert/undici').Credentials, 'withSigningKey'>} credentials
 *   With a rule for `rolesanywhere.REGION.amazonaws.com`.
 * @param {typeof fetch} fetch
 * @param {{
 *   trustAnchorArn: string,
 *   profileArn: string,
 *   roleArn: string,
 *   durationSeconds?: number,
 * }} session What CreateSession takes.
 */
export function fromRolesAnywhere(credentials, fetch, session) {
  const [, , , region = ''] = session.trustAnchorArn.split(':');
  const host = `rolesanywhere.${region}.amazonaws.com`;
  const body = JSON.stringify(session);
  return async () => {
    const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    const headers = credentials.withSigningKey(`https://${host}`, (key) =>
      signSession(key, { host, region, date, body }),
    );
    const url = `https://${host}/sessions`;
    const response = await fetch(url, { method: 'POST', headers, body });
    if (!response.ok) {
      const reason = await response.text();
      throw new Error(`CreateSession: ${response.status} ${reason}`);
    }
    const { credentialSet } = JSON.parse(await response.text());
    const { expiration, ...granted } = credentialSet[0].credentials;
    return {
      accessKeyId: String(granted.accessKeyId),
      secretAccessKey: String(granted.secretAccessKey),
      sessionToken: String(granted.sessionToken),
      expiration: new Date(expiration),
    };
  };
}

/**
 * @param {import('@clientcert/undici').SigningKey} key
 * @param {{ host: string, region: string, date: string, body: string }} request
 *   `date` as in `20261103T120000Z`.
 * @returns The request's headers.
 */
function signSession(key, { host, region, date, body }) {
  const { privateKey, certificate, chain } = key;
  const type = privateKey.asymmetricKeyType === 'ec' ? 'ECDSA' : 'RSA';
  const algorithm = `AWS4-X509-${type}-SHA256`;
  /** @type {Record<string, string>} In the order of their names. */
  const headers = {
    'content-type': 'application/json',
    host,
    'x-amz-date': date,
    'x-amz-x509': certificate.raw.toString('base64'),
  };
  if (chain.length > 0) {
    const certificates = chain.map(({ raw }) => raw.toString('base64'));
    headers['x-amz-x509-chain'] = certificates.join(',');
  }
  const scope = `${date.slice(0, 8)}/${region}/rolesanywhere/aws4_request`;
  const canonical = sha256(canonicalRequest('/sessions', headers, body));
  const toSign = [algorithm, date, scope, canonical].join('\n');
  const signature = sign('sha256', Buffer.from(toSign), privateKey);
  // The serial number is written in decimal.
  const serialNumber = BigInt(`0x${certificate.serialNumber}`);
  const parts = [
    `Credential=${serialNumber}/${scope}`,
    `SignedHeaders=${Object.keys(headers).join(';')}`,
    `Signature=${signature.toString('hex')}`,
  ];
  return { ...headers, authorization: `${algorithm} ${parts.join(', ')}` };
}

/**
 * Of a POST, as Signature Version 4 has it.
 *
 * @param {string} path
 * @param {Record<string, string>} headers In lower case, in order.
 * @param {string} body
 */
export function canonicalRequest(path, headers, body) {
  const names = Object.keys(headers);
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join('');
  return `POST\n${path}\n\n${lines}\n${names.join(';')}\n${sha256(body)}`;
}

/** @param {string} text */
function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}
