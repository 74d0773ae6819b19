import { generateKeyPairSync, verify, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type Authority, startServer, type TestServer } from '@clientcert/testing';
import type { Configuration, default as Provider } from 'oidc-provider';

export const issuer = 'https://auth.bank.example';
const audience = 'https://gateway.bank.example';

/** An authorization server that binds its tokens to certificates (RFC 8705). */
export interface AuthorizationServer extends AsyncDisposable {
  /** Its port that asks for certificates, and the one that demands them. */
  readonly ports: readonly number[];
  readonly requests: TestServer['requests'];
  /** What a token of its own says; `undefined` for one that it has not signed, or that is for another. */
  read(token: string): { client_id: string; cnf: { 'x5t#S256': string } } | undefined;
}

/** @param clients The certificate's subject that each may authenticate with, by client id. */
export async function startAuthorizationServer(
  authority: Authority,
  clients: Record<string, string>,
): Promise<AuthorizationServer> {
  const { default: ProviderClass } = await import('oidc-provider');
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
  });
  const jwk = {
    ...privateKey.export({ format: 'jwk' }),
    alg: 'ES256',
    use: 'sig',
  };
  const jwks = { keys: [jwk] } as Configuration['jwks'];
  const provider: Provider = new ProviderClass(issuer, {
    clients: Object.entries(clients).map(([client_id, tls_client_auth_subject_dn]) => ({
      client_id,
      token_endpoint_auth_method: 'tls_client_auth' as const,
      tls_client_auth_subject_dn,
      tls_client_certificate_bound_access_tokens: true,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: 'ES256' as const,
      scope: 'accounts',
    })),
    scopes: ['accounts'],
    clientAuthMethods: ['tls_client_auth'],
    cookies: { keys: ['of a test'] },
    jwks,
    discovery: {
      mtls_endpoint_aliases: {
        token_endpoint: 'https://mtls.bank.example/token',
      },
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        getCertificate: ({ req }) => certificateOf(req.socket)?.toString(),
        certificateAuthorized: ({ req }) => (req.socket as TLSSocket).authorized,
        certificateSubjectMatches: ({ req }, property, expected) =>
          property === 'tls_client_auth_subject_dn' && certificateOf(req.socket)?.subject === expected,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => ({
          scope: 'accounts',
          audience,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  const handle = provider.callback();
  const server = await startServer({
    authority,
    hosts: ['auth.bank.example', 'mtls.bank.example'],
    listeners: [{ clientCertificate: 'optional' }, { clientCertificate: 'required' }],
    handler: (request, response) => handle(request, response),
  });
  return {
    ports: server.ports,
    requests: server.requests,
    read: (token) => {
      const [header = '', claims = '', signature = ''] = token.split('.');
      const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
      const signed = Buffer.from(`${header}.${claims}`);
      if (!verify('sha256', signed, key, Buffer.from(signature, 'base64url'))) return undefined;
      const read = JSON.parse(String(Buffer.from(claims, 'base64url')));
      return read.iss === issuer && read.aud === audience ? read : undefined;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function certificateOf(socket: unknown): X509Certificate | undefined {
  return (socket as TLSSocket).getPeerX509Certificate();
}
