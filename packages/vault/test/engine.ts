import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { childrenOf, contentsOf, encodingOf, oidOf, readElement } from '../../core/src/load/der.ts';
import { randomSerialNumber, type Signer, signCertificate } from '../../testing/src/certificate.ts';
import { generateKey } from '../../testing/src/keys.ts';

/** A request that was made to the engine. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

/** What stands in a certificate request (RFC 2986), whose signature has been checked. */
export interface ReadRequest {
  readonly publicKey: KeyObject;
  readonly commonName: string;
  /** Contents of GeneralNames, each with its tag in front. */
  readonly names: string[];
}

/** The documented API of Vault's PKI engine, and of the ways to log in, in this process: what it was asked is what counts. */
export interface Engine extends AsyncDisposable {
  readonly url: string;
  /** In PEM. */
  readonly root: string;
  readonly intermediate: string;
  readonly asked: Asked[];
  readonly requests: ReadRequest[];
  /** Answers in place of the next, where it returns one: its status and JSON. */
  answer:
    | ((asked: Asked) => [status: number, body: unknown, headers?: Record<string, string>] | undefined)
    | undefined;
  /** Leaves requests without an answer: told of each when its connection is closed. */
  hold: ((closed: Promise<unknown>) => void) | undefined;
  /** Seconds that a certificate, and a token, lasts. */
  certificateTtl: number;
  tokenTtl: number;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startEngine(): Promise<Engine> {
  const [root, issuer] = (await Promise.all([createSigner('Root'), createSigner('Issuing')])) as [
    Signer,
    Signer,
  ];
  const rootPem = certify(root, root);
  const intermediate = certify(issuer, root);
  let server: Server | undefined;
  let port = 0;
  let tokens = 0;
  const engine: Engine = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    root: rootPem,
    intermediate,
    asked: [],
    requests: [],
    answer: undefined,
    hold: undefined,
    certificateTtl: 3600,
    tokenTtl: 3600,
    async start() {
      server = createServer(async (request, response) => {
        let text = '';
        for await (const chunk of request) text += chunk;
        const body = text === '' ? {} : JSON.parse(text);
        const { method = '', url = '', headers } = request;
        const asked = { method, path: url, headers, body };
        engine.asked.push(asked);
        if (engine.hold) return engine.hold(once(response, 'close'));
        const [status, answer, more] = engine.answer?.(asked) ?? reply(asked);
        response.writeHead(status, { 'content-type': 'application/json', ...more });
        const isText = typeof answer === 'string' || Buffer.isBuffer(answer);
        response.end(status === 204 ? undefined : isText ? answer : JSON.stringify(answer));
      });
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
    },
    async stop() {
      server?.closeAllConnections();
      server?.close();
    },
    async [Symbol.asyncDispose]() {
      await engine.stop();
    },
  };

  function reply({ method, path, headers, body }: Asked): [number, unknown] {
    const auth = (token: string) => ({
      client_token: token,
      lease_duration: engine.tokenTtl,
      renewable: true,
    });
    if (/^\/v1\/auth\/.+\/login$/.test(path) && method === 'POST')
      return [200, { auth: auth(`s.${++tokens}`) }];
    if (headers['x-vault-token'] === undefined) return [403, { errors: ['permission denied'] }];
    if (path === '/v1/auth/token/lookup-self' && method === 'GET')
      return [200, { data: { ttl: engine.tokenTtl, renewable: engine.tokenTtl > 0 } }];
    if (path === '/v1/auth/token/renew-self' && method === 'POST')
      return [200, { auth: auth(headers['x-vault-token'] as string) }];
    if (!path.includes('/sign/') || method !== 'POST') return [404, { errors: [] }];
    const request = readRequest(body.csr as string);
    engine.requests.push(request);
    const notAfter = new Date(Date.now() + engine.certificateTtl * 1000);
    const certificate = signCertificate(
      {
        subject: { CN: body.common_name as string },
        publicKey: request.publicKey,
        notBefore: new Date(Date.now() - 30_000),
        notAfter,
        serialNumber: randomSerialNumber(),
        usage: 'client',
      },
      issuer,
    );
    const data = { certificate, issuing_ca: intermediate, ca_chain: [intermediate, rootPem] };
    return [200, { data: { ...data, expiration: Math.floor(notAfter.getTime() / 1000) } }];
  }

  await engine.start();
  return engine;
}

export async function createSigner(name: string): Promise<Signer> {
  const key = await generateKey();
  return { subject: { CN: name }, key, publicKey: createPublicKey(key) };
}

export function certify({ subject, publicKey }: Signer, signer: Signer): string {
  const [notBefore, notAfter] = [-1, 1].map((years) => new Date(Date.now() + years * 31_536_000_000));
  const serialNumber = randomSerialNumber();
  return signCertificate(
    { subject, publicKey, serialNumber, usage: 'authority', notBefore: notBefore!, notAfter: notAfter! },
    signer,
  );
}

/** @throws where it is none, or not signed by its key */
export function readRequest(pem: string): ReadRequest {
  const [, base64] = /^-----BEGIN CERTIFICATE REQUEST-----\n(.*)-----END CERTIFICATE REQUEST-----\n$/s.exec(
    pem,
  )!;
  return readDerRequest(Buffer.from(base64!, 'base64'));
}

/** The same of its DER. */
export function readDerRequest(der: Buffer): ReadRequest {
  const [info, , signature] = childrenOf(readElement(der));
  const [version, subject, spki, attributes] = childrenOf(info!);
  if (contentsOf(version!).toString('hex') !== '00') throw new Error('another version than v1');
  const publicKey = createPublicKey({ key: encodingOf(spki!), format: 'der', type: 'spki' });
  const curve = publicKey.asymmetricKeyDetails?.namedCurve;
  const hash = curve === 'secp521r1' ? 'sha512' : curve === 'secp384r1' ? 'sha384' : 'sha256';
  if (!verify(hash, encodingOf(info!), publicKey, contentsOf(signature!).subarray(1)))
    throw new Error('not signed by its own key');
  const [type, value] = childrenOf(childrenOf(childrenOf(subject!)[0]!)[0]!);
  if (oidOf(type) !== '2.5.4.3') throw new Error('another subject than a common name');
  const extensions = childrenOf(childrenOf(childrenOf(childrenOf(attributes!)[0]!)[1]!)[0]!);
  const alternatives = extensions.map(childrenOf).find(([id]) => oidOf(id) === '2.5.29.17');
  const names = alternatives ? childrenOf(readElement(contentsOf(alternatives.at(-1)!))) : [];
  return {
    publicKey,
    commonName: contentsOf(value!).toString(),
    names: names.map((name) => `${name.tag.toString(16)} ${show(contentsOf(name), name.tag)}`),
  };
}

const show = (contents: Buffer, tag: number) => contents.toString(tag === 0x87 ? 'hex' : 'utf8');
