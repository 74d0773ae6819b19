import { constants, createHash, verify, X509Certificate } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { type Authority, createAuthority, type SeenRequest, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Examples, layOut } from '../../test/run.ts';
import { canonicalRequest } from '../cloud/roles-anywhere.mjs';

let authority: Authority;
let examples: Examples;

beforeAll(async () => {
  // With an intermediate, so that there is a chain to send.
  authority = await createAuthority({ intermediates: 1 });
  examples = await layOut(authority, ['core', 'undici'], { sdks: true });
}, 600_000);
afterAll(() => examples?.[Symbol.asyncDispose]());

const base64 = (pem: string) => new X509Certificate(pem).raw.toString('base64');
const sha256 = (data: string) => createHash('sha256').update(data).digest('hex');

describe('examples/sdks/cloud/aws.mjs', () => {
  const host = 'rolesanywhere.eu-west-1.amazonaws.com';

  // https://github.com/awslabs/aws-c-auth/tree/main/tests/aws-signing-test-suite/v4
  it.each([
    [
      'post-vanilla',
      { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' },
      '553f88c9e4d10fc9e109e2aeb65f030801b70c2f6468faca261d401ae622fc87',
    ],
    [
      'post-x-www-form-urlencoded',
      {
        'content-length': '13',
        'content-type': 'application/x-www-form-urlencoded',
        host: 'example.amazonaws.com',
        'x-amz-date': '20150830T123600Z',
      },
      '0eccf3fbe5a3c5d3df1d87c98cdf5dbde190d26aabdd91c9407db930a0c00896',
    ],
  ])('makes the canonical request of the published test %s', (_, headers, hash) => {
    expect(sha256(canonicalRequest('/', headers, ''))).toBe(hash);
  });

  it.each(['rsa', 'ec'] as const)(
    'signs CreateSession with a key of type %s, and calls S3 with what it got',
    async (keyType) => {
      const bank = await authority.issue({ name: 'bank', keyType });
      let sent = '';
      await using anywhere = await startServer({
        authority,
        hosts: [host],
        clientCertificate: 'optional',
        handler: async (request, response) => {
          sent = await text(request);
          const expiration = new Date(Date.now() + 3_600_000).toISOString();
          const granted = {
            accessKeyId: 'ASIAEXAMPLE',
            secretAccessKey: 'a secret',
            sessionToken: 'a session',
            expiration,
          };
          response.writeHead(201, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ credentialSet: [{ credentials: granted }] }));
        },
      });
      await using s3 = await startServer({
        authority,
        hosts: ['s3.eu-west-1.amazonaws.com'],
        clientCertificate: 'optional',
        handler: (_, response) => {
          response.setHeader('content-type', 'application/xml');
          response.end(
            '<ListAllMyBucketsResult><Buckets><Bucket><Name>statements</Name></Bucket></Buckets></ListAllMyBucketsResult>',
          );
        },
      });
      const ports = {
        [`${host}:443`]: anywhere.port,
        's3.eu-west-1.amazonaws.com:443': s3.port,
      };
      const files = { 'bank.pfx': await bank.pfx('for the bank') };
      const run = await examples.run('sdks/cloud/aws.mjs', ports, { files });
      expect(run).toEqual({ code: 0, output: "[ 'statements' ]\n" });

      const arn = 'arn:aws:rolesanywhere:eu-west-1:111122223333';
      expect(JSON.parse(sent)).toEqual({
        trustAnchorArn: `${arn}:trust-anchor/6f0a8c9e-0000-4000-8000-000000000001`,
        profileArn: `${arn}:profile/6f0a8c9e-0000-4000-8000-000000000002`,
        roleArn: 'arn:aws:iam::111122223333:role/statements',
      });
      expect(anywhere.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /sessions']);
      const { headers } = anywhere.requests[0] as SeenRequest;
      const date = String(headers['x-amz-date']);
      expect(date).toMatch(/^20\d{6}T\d{6}Z$/);
      expect(headers['x-amz-x509']).toBe(base64(bank.cert));
      expect(headers['x-amz-x509-chain']).toBe(base64(bank.chain));

      // As the service does: from the bytes that arrived.
      const names = ['content-type', 'host', 'x-amz-date', 'x-amz-x509', 'x-amz-x509-chain'];
      const canonical = [
        'POST',
        '/sessions',
        '',
        ...names.map((name) => `${name}:${headers[name]}`),
        '',
        names.join(';'),
        sha256(sent),
      ].join('\n');
      const algorithm = keyType === 'rsa' ? 'AWS4-X509-RSA-SHA256' : 'AWS4-X509-ECDSA-SHA256';
      const scope = `${date.slice(0, 8)}/eu-west-1/rolesanywhere/aws4_request`;
      const [before, signature = ''] = String(headers.authorization).split('Signature=');
      const serialNumber = BigInt(`0x${bank.serialNumber}`);
      expect(before).toBe(
        `${algorithm} Credential=${serialNumber}/${scope}, SignedHeaders=${names.join(';')}, `,
      );
      const toSign = Buffer.from([algorithm, date, scope, sha256(canonical)].join('\n'));
      const { publicKey } = new X509Certificate(Buffer.from(String(headers['x-amz-x509']), 'base64'));
      expect(verify('sha256', toSign, publicKey, Buffer.from(signature, 'hex'))).toBe(true);

      expect(s3.requests[0]?.headers.authorization).toContain('Credential=ASIAEXAMPLE/');
      expect(s3.requests[0]?.headers['x-amz-security-token']).toBe('a session');
      expect(s3.requests[0]?.clientCertificate).toBeNull();
    },
  );

  it('says what the service refused', async () => {
    await using anywhere = await startServer({
      authority,
      hosts: [host],
      clientCertificate: 'optional',
      handler: (_, response) => response.writeHead(403).end('{"message":"Untrusted certificate"}'),
    });
    const run = await examples.run('sdks/cloud/aws.mjs', {
      [`${host}:443`]: anywhere.port,
    });
    expect(run).toEqual({
      code: 1,
      output: expect.stringContaining('CreateSession: 403 {"message":"Untrusted certificate"}'),
    });
  });
});

it('examples/sdks/cloud/google.mjs exchanges the certificate, and presents it with the token', async () => {
  let sent = '';
  await using google = await startServer({
    authority,
    hosts: ['sts.mtls.googleapis.com', 'storage.mtls.googleapis.com'],
    handler: async (request, response, { path }) => {
      response.setHeader('content-type', 'application/json');
      if (path !== '/v1/token') return response.end('{"items":["statements"]}');
      sent = await text(request);
      response.end(
        JSON.stringify({
          access_token: 'a-token',
          token_type: 'Bearer',
          expires_in: 3600,
        }),
      );
    },
  });
  const ports = {
    'sts.mtls.googleapis.com:443': google.port,
    'storage.mtls.googleapis.com:443': google.port,
  };
  const run = await examples.run('sdks/cloud/google.mjs', ports);
  expect(run).toEqual({ code: 0, output: "{ items: [ 'statements' ] }\n" });
  const seen = google.requests.map(
    ({ method, headers, path, clientCertificate }) =>
      `${method} ${headers.host}${path} ${clientCertificate?.commonName}`,
  );
  expect(seen).toEqual([
    'POST sts.mtls.googleapis.com/v1/token bank',
    'GET storage.mtls.googleapis.com/storage/v1/b bank',
  ]);
  expect(google.requests[0]?.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/);
  expect(google.requests[1]?.headers.authorization).toBe('Bearer a-token');
  // RFC 8693, section 2.1, with the subject token of Google's own libraries: base64 DER, the leaf first.
  const urn = 'urn%3Aietf%3Aparams%3Aoauth%3A';
  const subject = JSON.stringify([base64(examples.bank.cert), base64(examples.bank.chain)]);
  expect(sent).toBe(
    [
      `grant_type=${urn}grant-type%3Atoken-exchange`,
      'audience=%2F%2Fiam.googleapis.com%2Fprojects%2F123456%2Flocations%2Fglobal%2FworkloadIdentityPools%2Fbank%2Fproviders%2Fbank',
      'scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform',
      `requested_token_type=${urn}token-type%3Aaccess_token`,
      `subject_token=${encodeURIComponent(subject)}`,
      `subject_token_type=${urn}token-type%3Amtls`,
    ].join('&'),
  );
});

describe.each([
  ['entra.mjs', 'bank.example'],
  ['azure-sdk.mjs', '00000000-0000-4000-8000-000000000002'],
])('examples/sdks/cloud/%s', (file, tenant) => {
  it('signs what Entra verifies, with client-assertion.mjs', async () => {
    const authorityUrl = `https://login.microsoftonline.com/${tenant}`;
    const clientId = '00000000-0000-4000-8000-000000000001';
    const asked: URLSearchParams[] = [];
    await using entra = await startServer({
      authority,
      hosts: ['login.microsoftonline.com'],
      clientCertificate: 'optional',
      handler: async (request, response, { path }) => {
        response.setHeader('content-type', 'application/json');
        if (!path.endsWith('/token')) {
          // What both libraries ask first: which hosts are Entra's, and the tenant's addresses.
          return response.end(
            JSON.stringify({
              tenant_discovery_endpoint: `${authorityUrl}/v2.0/.well-known/openid-configuration`,
              metadata: [],
              issuer: `${authorityUrl}/v2.0`,
              authorization_endpoint: `${authorityUrl}/oauth2/v2.0/authorize`,
              token_endpoint: `${authorityUrl}/oauth2/v2.0/token`,
              jwks_uri: `${authorityUrl}/discovery/v2.0/keys`,
            }),
          );
        }
        asked.push(new URLSearchParams(await text(request)));
        response.end(
          JSON.stringify({
            token_type: 'Bearer',
            expires_in: 3599,
            access_token: 'a-token',
          }),
        );
      },
    });
    const started = Math.floor(Date.now() / 1000);
    const run = await examples.run(`sdks/cloud/${file}`, {
      'login.microsoftonline.com:443': entra.port,
    });
    expect(run).toEqual({ code: 0, output: expect.stringMatching(/20\d\d-/) });

    expect(asked).toHaveLength(1);
    const form = Object.fromEntries(asked[0] as URLSearchParams);
    expect(form).toMatchObject({
      client_id: clientId,
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    const [header = '', claims = '', signature = ''] = String(form.client_assertion).split('.');
    const read = (part: string) => JSON.parse(String(Buffer.from(part, 'base64url')));
    const thumbprint = Buffer.from(examples.bank.fingerprint256.replaceAll(':', ''), 'hex').toString(
      'base64url',
    );
    expect(read(header)).toEqual({
      alg: 'PS256',
      typ: 'JWT',
      'x5t#S256': thumbprint,
    });
    const { exp, nbf, iat, jti, ...others } = read(claims);
    expect(others).toEqual({
      aud: `${authorityUrl}/oauth2/v2.0/token`,
      iss: clientId,
      sub: clientId,
    });
    expect(jti).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    expect(nbf).toBeGreaterThanOrEqual(started);
    expect(iat).toBe(nbf);
    expect(exp).toBe(nbf + 600);
    // RFC 7518, section 3.5: PS256 has a salt of 32 bytes.
    const key = {
      key: new X509Certificate(examples.bank.cert).publicKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: 32,
    };
    expect(
      verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url')),
    ).toBe(true);
  });
});
