import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import https, { type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { randomSerialNumber, signCertificate } from '../../testing/src/certificate.ts';
import { generateKey } from '../../testing/src/keys.ts';
import { certify, createSigner, type ReadRequest, readRequest } from '../../vault/test/engine.ts';

/** A request that was made to the server. */
export interface Asked {
  readonly path: string;
  readonly body: Record<string, string>;
  /** The client certificate, where it is one that the authority issued and is valid. */
  readonly client: X509Certificate | undefined;
  /** What stands in the token. */
  readonly claims: Record<string, unknown> | undefined;
}

type Reply = [status: number, body: object | string, headers?: Record<string, string>];

/** The documented API of step-ca in this process: what it was asked is what counts. */
export interface StepServer extends AsyncDisposable {
  readonly url: string;
  /** In PEM, and the SHA-256 of it. */
  readonly root: string;
  readonly fingerprint: string;
  /** The private key of its JWK provisioner, as JSON. */
  readonly jwk: string;
  readonly asked: Asked[];
  readonly requests: ReadRequest[];
  /** Answers in place of the next, where it returns one. */
  answer: ((asked: Asked) => Reply | undefined) | undefined;
  /** Seconds that a certificate lasts. */
  certificateTtl: number;
  stop(): void;
  start(): Promise<void>;
}

export async function startStep(): Promise<StepServer> {
  const [root, issuer] = [await createSigner('Root'), await createSigner('Issuing')];
  const [rootPem, intermediate] = [certify(root, root), certify(issuer, root)];
  const provisioner = await generateKey();
  const ownKey = await generateKey();
  const own = signCertificate(
    {
      subject: { CN: 'step-ca' },
      publicKey: createPublicKey(ownKey),
      hosts: ['localhost'],
      notBefore: new Date(Date.now() - 5000),
      notAfter: new Date(Date.now() + 3_600_000),
      serialNumber: randomSerialNumber(),
      usage: 'server',
    },
    issuer,
  );
  const used = new Set<string>();
  let server: Server | undefined;
  let port = 0;
  const step: StepServer = {
    get url() {
      return `https://localhost:${port}`;
    },
    root: rootPem,
    fingerprint: createHash('sha256').update(new X509Certificate(rootPem).raw).digest('hex'),
    jwk: JSON.stringify({ ...provisioner.export({ format: 'jwk' }), kid: 'a-key' }),
    asked: [],
    requests: [],
    answer: undefined,
    certificateTtl: 3600,
    async start() {
      server = https.createServer(
        {
          cert: `${own}\n${intermediate}`,
          key: ownKey.export({ type: 'pkcs8', format: 'pem' }),
          ca: rootPem,
          requestCert: true,
          rejectUnauthorized: false,
        },
        async (request, response) => {
          let text = '';
          for await (const chunk of request) text += chunk;
          const body = text === '' ? {} : JSON.parse(text);
          const socket = request.socket as TLSSocket;
          const client = socket.authorized ? socket.getPeerX509Certificate() : undefined;
          const claims = readClaims(body.ott);
          const asked = { path: request.url ?? '', body, client, claims };
          step.asked.push(asked);
          const [status, answer, headers] = step.answer?.(asked) ?? reply(asked);
          response.writeHead(status, headers);
          response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
        },
      );
      server.listen(port, 'localhost');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
    },
    stop() {
      server?.closeAllConnections();
      server?.close();
    },
    async [Symbol.asyncDispose]() {
      step.stop();
    },
  };

  /** Those of a token that the provisioner signed. */
  function readClaims(ott: string | undefined): Record<string, unknown> | undefined {
    const [head = '', claims = '', signature = ''] = ott?.split('.') ?? [];
    const key = { key: createPublicKey(provisioner), dsaEncoding: 'ieee-p1363' } as const;
    if (!verify('sha256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url')))
      return undefined;
    return JSON.parse(Buffer.from(claims, 'base64url').toString());
  }

  function reply({ path, body, client, claims }: Asked): Reply {
    const [, operation] = /^\/1\.0\/(\w+)$/.exec(path) ?? [];
    if (path === `/root/${step.fingerprint}`) return [200, { ca: rootPem }];
    const unauthorized = { status: 401, message: 'The request lacked necessary authorization.' };
    if (operation === 'renew' || operation === 'rekey') {
      if (!client) return [401, unauthorized];
      const publicKey = operation === 'renew' ? client.publicKey : readRequest(body.csr!).publicKey;
      const hosts = client.subjectAltName?.replaceAll('DNS:', '').split(', ') ?? [];
      return issue(publicKey, client.subject.replace('CN=', ''), hosts);
    }
    if (operation !== 'sign') return [404, { status: 404, message: 'not found' }];
    if (!claims || used.has(String(claims.jti)) || claims.aud !== `${step.url}/1.0/sign`)
      return [401, unauthorized];
    used.add(String(claims.jti));
    const request = readRequest(body.csr!);
    step.requests.push(request);
    const names = request.names.map((name) => name.slice(3)).join();
    if (request.commonName !== claims.sub || names !== String(claims.sans))
      return [403, { status: 403, message: 'the names are not those of the token' }];
    const hosts = request.names.filter((name) => name.startsWith('82 ')).map((name) => name.slice(3));
    return issue(request.publicKey, request.commonName, hosts);
  }

  function issue(publicKey: ReadRequest['publicKey'], name: string, hosts: string[]): Reply {
    const crt = signCertificate(
      {
        subject: { CN: name },
        publicKey,
        hosts,
        notBefore: new Date(Date.now() - 5000),
        notAfter: new Date(Date.now() + step.certificateTtl * 1000),
        serialNumber: randomSerialNumber(),
        usage: 'both',
      },
      issuer,
    );
    return [201, { crt, ca: intermediate, certChain: [crt, intermediate] }];
  }

  await step.start();
  return step;
}
