import {
  createCipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { once } from 'node:events';
import { get, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { diagnose, loadCredentials } from '@clientcert/core';
import { createAuthority } from '@clientcert/testing';
import { Malformed, u8, u16, vector } from '../../../packages/cli/src/tls/bytes.ts';
import type { Version } from '../../../packages/cli/src/tls/client-hello.ts';
import { requestOnce } from '../../../packages/cli/src/tls/https-request.ts';
import { folded, nameFromDer } from '../../../packages/cli/src/tls/names.ts';
import { describeChain } from '../../../packages/cli/src/tls/server-chain.ts';
import { readServerFlight } from '../../../packages/cli/src/tls/server-flight.ts';
import { parseAnswer } from '../../../packages/core/src/agent/connect-request.ts';
import { readSvid } from '../../../packages/core/src/load/svid.ts';
import { readIdentities } from '../../../packages/spiffe/src/messages.ts';
import { encode } from '../../../packages/spiffe/test/agent.ts';
import { bytes } from '../mutate/bytes.ts';
import { der } from '../mutate/der.ts';
import { text } from '../mutate/text.ts';
import { Broken, hold, type Opened, type Target } from '../target.ts';

const headerWords = [
  '\r\n',
  '\r\n\r\n',
  '\n',
  'HTTP/1.1 ',
  'HTTP/1.0 200 ',
  'HTTP/2 200',
  '100 Continue',
  '407 Proxy Authentication Required',
  'proxy-authenticate: ',
  'Basic realm="',
  'Negotiate',
  'NTLM ',
  'Digest nonce="a\\"b", ',
  'content-length: 9',
  'transfer-encoding: chunked',
  'keep-alive: timeout=',
  'connection: close',
  '\0',
  '\t',
  ': ',
];

const answers = [
  'HTTP/1.1 200 Connection established\r\n\r\n\x16\x03\x01',
  'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="a, b=\\"c\\"", Digest realm="x", nonce="y"\r\nproxy-authenticate: Negotiate\r\ncontent-length: 3\r\n\r\nabc',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.0 502 Bad\xff Gateway\nvia: x\n\n',
];

const latin1 = (written: readonly string[]) => written.map((each) => Buffer.from(each, 'latin1'));

export const peers: readonly Target[] = [
  {
    name: 'answers of proxies to CONNECT',
    changes: text(headerWords),
    async open() {
      const run = (input: Buffer) => {
        const whole = parseAnswer(input);
        // However it is cut on the way, it says the same, and says it once.
        for (let end = 1; end < Math.min(input.length, 300); end += 7) {
          const part = parseAnswer(input.subarray(0, end));
          if (part === undefined) continue;
          hold(typeof part === typeof whole, 'a part of the answer says otherwise than the whole');
          if (typeof part === 'object' && typeof whole === 'object')
            hold(part.status === whole.status, 'a part of the answer has another status');
          break;
        }
        if (typeof whole === 'object') {
          hold(/^[\x20-\x7e]{0,80}$/.test(whole.reason), 'the reason is not safe to print');
          hold(
            whole.schemes.every((scheme) => /^[\x21-\x7e]{1,30}$/.test(scheme)),
            'a scheme is not safe to print',
          );
        }
        return whole;
      };
      return { seeds: latin1(answers), run };
    },
  },
  {
    name: 'Keep-Alive headers',
    changes: text([
      'timeout=',
      'max=',
      ', ',
      'timeout=0',
      'timeout=-1',
      'timeout="5"',
      '999999999',
      '9999999999',
      '; ',
    ]),
    async open() {
      const { authority, tls } = await serverMaterial();
      let header = '';
      const server = createTlsServer(tls, (socket) => {
        socket
          .on('error', () => {})
          .on('data', () =>
            socket.write(
              `HTTP/1.1 200 OK\r\nkeep-alive: ${header}\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nx`,
              'latin1',
            ),
          );
      });
      const port = await listening(server);
      const credentials = await loadCredentials({ hosts: { [`localhost:${port}`]: { ca: authority } } });
      const agent = credentials.agent();
      const call = () =>
        new Promise<string>((resolve, reject) => {
          const request = get({ host: 'localhost', port, agent }, (response) =>
            response
              .resume()
              .on('end', () => resolve(String(response.statusCode)))
              .on('error', (error) => resolve(error.message)),
          );
          request.on('error', (error) =>
            'code' in error && `${error.code}`.startsWith('HPE_') ? resolve(`${error.code}`) : reject(error),
          );
        });
      return {
        seeds: latin1(['timeout=5, max=100', 'timeout=0', 'max=3']),
        async run(input) {
          header = input
            .toString('latin1')
            .replace(/[\r\n]/g, '')
            .slice(0, 10_000);
          return [await call(), await call()];
        },
        async close() {
          await credentials.close();
          server.close();
        },
      };
    },
  },
  {
    name: 'TLS 1.2 and older, of servers',
    changes: bytes,
    async open() {
      return await flight(
        'TLSv1.2',
        async (socket, _hello, input) => {
          socket.end(input);
        },
        await oldFlights(),
      );
    },
  },
  {
    name: 'TLS 1.3, of servers',
    changes: bytes,
    async open() {
      return await flight(
        'TLSv1.3',
        async (socket, hello, input) => {
          socket.end(Buffer.concat([...modernFlight(hello, input)]));
        },
        await modernMessages(),
      );
    },
  },
  {
    name: 'names and chains, of servers',
    changes: der,
    async open() {
      const { chain, names } = await certificates();
      const run = (input: Buffer) => {
        const name = nameFromDer(input);
        const svid = readSvid(input);
        if (!('fault' in svid)) holdAsNode(svid.id, input);
        return [
          name && folded(name),
          svid,
          describeChain([input, ...chain], 'localhost').chain.map(({ daysLeft: _, ...rest }) => rest),
        ];
      };
      return { seeds: [...names, ...chain], run };
    },
  },
  {
    name: 'messages of SPIFFE agents',
    changes: bytes,
    async open() {
      const part = (text: string) => Buffer.from(text);
      const svid = { x509_svid: part('a'), x509_svid_key: part('bc'), bundle: part('def'), hint: 'internal' };
      const svids = [
        { spiffe_id: 'spiffe://a', ...svid },
        { spiffe_id: 'spiffe://b', ...svid },
      ];
      const run = (input: Buffer) => {
        const read = readIdentities(input);
        for (const { id, chain, key, bundle } of read.svids)
          hold(id !== '' && Math.min(chain.length, key.length, bundle.length) > 0, 'an SVID is incomplete');
        return { ...read, federated: [...read.federated] };
      };
      const federated = { 'spiffe://c': part('g'), 'spiffe://d': part('') };
      return { seeds: [encode({ svids }), encode({ svids, federated })], run };
    },
  },
  {
    name: 'HTTP answers, of servers',
    changes: text([
      ...headerWords,
      '<title>400 No required SSL certificate',
      '{"error":"',
      'location: ',
      'HTTP/1.1 200 OK\r\n\r\n',
    ]),
    async open() {
      const { tls } = await serverMaterial();
      let answer: Buffer = Buffer.alloc(0);
      const server = createTlsServer({ ...tls, maxVersion: 'TLSv1.2' }, (socket) => {
        socket.on('error', () => {}).once('data', () => socket.end(answer));
      });
      const port = await listening(server);
      const url = new URL(`https://localhost:${port}/`);
      return {
        seeds: latin1([
          ...answers,
          'HTTP/1.1 400 Bad Request\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>400 The SSL certificate error</html>',
          'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
        ]),
        async run(input) {
          answer = input;
          const { response, error } = await requestOnce(
            url,
            { host: 'localhost', port },
            { rejectUnauthorized: false },
            30_000,
          );
          hold(
            (error as NodeJS.ErrnoException)?.code !== 'ETIMEDOUT',
            'there is no end, though the server closed',
          );
          return [
            response?.status,
            response?.body,
            (error as NodeJS.ErrnoException)?.code,
            diagnose(error ?? response, { url }).code,
          ];
        },
        close: () => void server.close(),
      };
    },
  },
];

async function serverMaterial() {
  const authority = await createAuthority();
  const { cert, key } = await authority.issue({ name: 'localhost', hosts: ['localhost'], usage: 'server' });
  return { authority: authority.certificate, tls: { cert, key } };
}

async function listening(server: Server | HttpsServer): Promise<number> {
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const bodyOf = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');

async function certificates(): Promise<{ chain: Buffer[]; names: Buffer[] }> {
  const authority = await createAuthority({ intermediates: 1, name: 'Bänk' });
  const issued = await authority.issue({
    name: 'localhost',
    hosts: ['localhost'],
    usage: 'server',
    subject: { C: 'NL', O: 'Bank', CN: 'localhost', emailAddress: 'a@b.example' },
  });
  const workload = await authority.issue({
    name: 'payments',
    hosts: ['localhost'],
    uris: ['spiffe://bank.example/payments'],
  });
  const chain = [bodyOf(issued.cert), bodyOf(authority.certificate), bodyOf(workload.cert)];
  const { partsOf } = await import('../../../packages/core/src/enrolment.ts');
  return { chain, names: chain.map((each) => partsOf(each).subject) };
}

/** A server that says what the input has it say, to one hello each. */
async function flight(
  version: Version,
  answer: (socket: Socket, hello: Buffer, input: Buffer) => Promise<void>,
  seeds: Buffer[],
): Promise<Opened> {
  let input: Buffer = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket
      .on('error', () => {})
      .once('data', (hello) => {
        answer(socket, hello, input).catch((error) => socket.destroy(error));
      });
  });
  const port = await listening(server);
  return {
    seeds,
    refusals: [Malformed],
    async run(given) {
      input = given;
      try {
        const { chain, request, ...told } = await readServerFlight(
          { host: 'localhost', port },
          'localhost',
          version,
          30_000,
        );
        return {
          ...told,
          chain: describeChain(chain, 'localhost').chain.length,
          request,
          names: request?.authorities.map(nameFromDer),
        };
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        hold(code !== 'ETIMEDOUT', 'there is no end, though the server closed');
        // What was still on its way to a socket that is closed.
        if (code === 'ECONNRESET' || code === 'EPIPE') return undefined;
        throw error;
      }
    },
    close: () => void server.close(),
  };
}

/** An id is one that Node reads as well, where it reads the names at all, and that of no authority. */
function holdAsNode(id: string, input: Buffer): void {
  hold(input.includes(id), 'the id is not in the certificate');
  try {
    const { subjectAltName, ca } = new X509Certificate(input);
    hold(!ca, 'the id is that of an authority');
    hold(subjectAltName?.split(', ').includes(`URI:${id}`) ?? true, 'Node reads another id');
  } catch (error) {
    if (error instanceof Broken) throw error;
  }
}

const message = (type: number, ...body: Uint8Array[]) => Buffer.concat([u8(type), vector(3, ...body)]);
const record = (type: number, contents: Uint8Array) =>
  Buffer.concat([u8(type), u16(0x0303), vector(2, contents)]);
const extension = (type: number, ...body: Uint8Array[]) => Buffer.concat([u16(type), vector(2, ...body)]);

/** ServerHello, Certificate, CertificateRequest and ServerHelloDone (RFC 5246, 7.4), alerts, and what is no TLS. */
async function oldFlights(): Promise<Buffer[]> {
  const { chain, names } = await certificates();
  const hello = (version: number, ...extensions: Uint8Array[]) =>
    message(2, u16(version), Buffer.alloc(32, 7), vector(1), u16(0xc02b), u8(0), vector(2, ...extensions));
  const certificate = message(11, vector(3, ...chain.map((each) => vector(3, each))));
  const authorities = vector(2, ...names.map((name) => vector(2, name)));
  const request = message(13, vector(1, u8(1), u8(64)), vector(2, u16(0x0403), u16(0x0804)), authorities);
  const done = message(14);
  return [
    record(22, Buffer.concat([hello(0x0303, extension(0xff01, u8(0))), certificate, request, done])),
    Buffer.concat([hello(0x0303), certificate, request, done].map((each) => record(22, each))),
    record(22, Buffer.concat([hello(0x0302), certificate, done])),
    record(21, Buffer.from([2, 70])),
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
  ];
}

/** What stands behind the ServerHello of TLS 1.3, before it is encrypted (RFC 8446, 4.3 and 4.4). */
async function modernMessages(): Promise<Buffer[]> {
  const { chain, names } = await certificates();
  const authorities = extension(47, vector(2, ...names.map((name) => vector(2, name))));
  const request = message(
    13,
    vector(1),
    vector(2, extension(13, vector(2, u16(0x0403), u16(0x0807))), authorities),
  );
  const certificate = message(
    11,
    vector(1),
    vector(3, ...chain.map((each) => Buffer.concat([vector(3, each), vector(2)]))),
  );
  const encrypted = message(8, vector(2, extension(16, vector(2, vector(1, Buffer.from('http/1.1'))))));
  return [
    Buffer.concat([encrypted, request, certificate, message(15, u16(0x0403), vector(2, Buffer.alloc(8)))]),
    Buffer.concat([encrypted, certificate]),
    Buffer.concat([encrypted, message(20, Buffer.alloc(32))]),
  ];
}

/** The server's side of RFC 8446, section 7.1, over X25519 and AES-128-GCM. */
function* modernFlight(record1: Buffer, input: Buffer): Generator<Buffer> {
  const hello = record1.subarray(5);
  const sessionId = hello.subarray(39, 39 + hello[38]!);
  const at = hello.indexOf(Buffer.from([0x00, 0x1d, 0x00, 0x20]));
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const theirs = createPublicKey({
    format: 'jwk',
    key: { kty: 'OKP', crv: 'X25519', x: hello.toString('base64url', at + 4, at + 36) },
  });
  const share = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
  const serverHello = message(
    2,
    u16(0x0303),
    randomBytes(32),
    vector(1, sessionId),
    u16(0x1301),
    u8(0),
    vector(2, extension(43, u16(0x0304)), extension(51, u16(29), vector(2, share))),
  );
  yield record(22, serverHello);
  const hash = (...parts: Buffer[]) =>
    parts.reduce((digest, part) => digest.update(part), createHash('sha256')).digest();
  const hmac = (key: Buffer, ...parts: Buffer[]) =>
    createHmac('sha256', key).update(Buffer.concat(parts)).digest();
  const expand = (secret: Buffer, label: string, context: Buffer, length: number) =>
    hmac(secret, u16(length), vector(1, Buffer.from(`tls13 ${label}`)), vector(1, context), u8(1)).subarray(
      0,
      length,
    );
  const derived = expand(hmac(Buffer.alloc(32), Buffer.alloc(32)), 'derived', hash(), 32);
  const secret = expand(
    hmac(derived, diffieHellman({ privateKey, publicKey: theirs })),
    's hs traffic',
    hash(hello, serverHello),
    32,
  );
  const [key, iv] = [expand(secret, 'key', Buffer.alloc(0), 16), expand(secret, 'iv', Buffer.alloc(0), 12)];
  // The first byte says into how many records it is cut.
  const size = Math.min(16_000, Math.max(1, Math.ceil(input.length / (1 + ((input[0] ?? 0) % 4)))));
  for (let from = 0, sequence = 0; from < input.length; from += size, sequence++) {
    const inner = Buffer.concat([input.subarray(from, from + size), u8(22)]);
    const header = Buffer.concat([u8(23), u16(0x0303), u16(inner.length + 16)]);
    const nonce = Buffer.from(iv);
    nonce[11]! ^= sequence;
    const cipher = createCipheriv('aes-128-gcm', key, nonce).setAAD(header);
    yield Buffer.concat([header, cipher.update(inner), cipher.final(), cipher.getAuthTag()]);
  }
}
