import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import https, { type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { der, oid, partsOf, sequence } from '@clientcert/core/enrolment';
import type { Authority } from '@clientcert/testing';
import { randomSerialNumber, signCertificate } from '../../testing/src/certificate.ts';
import { certify, createSigner, type ReadRequest, readDerRequest } from '../../vault/test/engine.ts';

/** A request that was made to the server. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The client certificate, where it is one that the authority issued and is valid. */
  readonly client: X509Certificate | undefined;
}

type Reply = [status: number, body?: string | Buffer, headers?: Record<string, string>];

/** A server of EST (RFC 7030) in this process: what it was asked is what counts. */
export interface EstServer extends AsyncDisposable {
  readonly url: string;
  /** In PEM. */
  readonly root: string;
  readonly asked: Asked[];
  readonly requests: ReadRequest[];
  /** Answers in place of the next, where it returns one. */
  answer: ((asked: Asked) => Reply | undefined) | undefined;
  /** Seconds that a certificate lasts. */
  certificateTtl: number;
  /** `user:password` of who may have a first certificate. */
  login: string | undefined;
  stop(): void;
  start(): Promise<void>;
}

/** @param authority Issues the server's own certificate, and that of makers of devices. */
export async function startEst(authority: Authority): Promise<EstServer> {
  const [root, issuer] = [await createSigner('Root'), await createSigner('Issuing')];
  const rootPem = certify(root, root);
  const chain = [certify(issuer, root), rootPem].map((pem) => new X509Certificate(pem).raw);
  const own = await authority.issue({ name: 'est', hosts: ['localhost'], usage: 'server' });
  let server: Server | undefined;
  let port = 0;
  const est: EstServer = {
    get url() {
      return `https://localhost:${port}`;
    },
    root: rootPem,
    asked: [],
    requests: [],
    answer: undefined,
    certificateTtl: 3600,
    login: 'me:a secret',
    async start() {
      const trusted = [rootPem, authority.certificate];
      server = https.createServer(
        { cert: own.fullChain, key: own.key, ca: trusted, requestCert: true, rejectUnauthorized: false },
        async (request, response) => {
          let body = '';
          for await (const chunk of request) body += chunk;
          const socket = request.socket as TLSSocket;
          const client = socket.authorized ? socket.getPeerX509Certificate() : undefined;
          const { method = '', url = '', headers } = request;
          const asked = { method, path: url, headers, body, client };
          est.asked.push(asked);
          const [status, text = '', more] = est.answer?.(asked) ?? reply(asked);
          response.writeHead(status, more).end(text);
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
      est.stop();
    },
  };

  function reply({ method, path, headers, body, client }: Asked): Reply {
    const operation = /^\/\.well-known\/est(?:\/[\w-]+)?\/(\w+)$/.exec(path)?.[1];
    if (operation === 'cacerts' && method === 'GET') return certificates(chain);
    const again = operation === 'simplereenroll';
    if ((!again && operation !== 'simpleenroll') || method !== 'POST') return [404];
    const basic = est.login && `Basic ${Buffer.from(est.login).toString('base64')}`;
    if (again ? !client : !client && basic && headers.authorization !== basic)
      return [401, '', { 'www-authenticate': 'Basic realm="est"' }];
    if (headers['content-type'] !== 'application/pkcs10') return [415];
    const bytes = Buffer.from(body, 'base64');
    const request = readDerRequest(bytes);
    if (again && !bytes.includes(partsOf(client!.raw).subject))
      return [400, 'subject changed', { 'content-type': 'text/plain' }];
    est.requests.push(request);
    const issued = signCertificate(
      {
        subject: { CN: request.commonName },
        publicKey: request.publicKey,
        hosts: request.names.filter((name) => name.startsWith('82 ')).map((name) => name.slice(3)),
        notBefore: new Date(Date.now() - 5000),
        notAfter: new Date(Date.now() + est.certificateTtl * 1000),
        serialNumber: randomSerialNumber(),
        usage: 'client',
      },
      issuer,
    );
    return certificates([new X509Certificate(issued).raw]);
  }

  await est.start();
  return est;
}

/** PKCS #7, certificates only (RFC 5652, section 5.1), in lines of base64. */
export function certificates(list: readonly Buffer[]): Reply {
  const signed = sequence(
    der(0x02, Buffer.from([1])),
    der(0x31),
    sequence(oid('1.2.840.113549.1.7.1')),
    der(0xa0, ...list),
    der(0x31),
  );
  const message = sequence(oid('1.2.840.113549.1.7.2'), der(0xa0, signed)).toString('base64');
  return [
    200,
    message.replace(/.{1,76}/g, '$&\r\n'),
    {
      'content-type': 'application/pkcs7-mime; smime-type=certs-only',
      'content-transfer-encoding': 'base64',
    },
  ];
}
