import { createCipheriv, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { IssuedCertificate } from '@clientcert/testing';

/** An `https:` proxy that opens tunnels, and says "bad certificate" (alert 42) on its own connections when told to. */
export interface AlertingProxy extends AsyncDisposable {
  readonly url: string;
  readonly alert: () => void;
}

export async function startAlertingProxy(own: IssuedCertificate): Promise<AlertingProxy> {
  const alerts: (() => void)[] = [];
  const server = createServer((raw) => {
    const { socket, alert } = serve(raw, own);
    socket.on('error', () => {});
    socket.once('data', (head) => {
      const [, port] = /^CONNECT \S+:(\d+) /.exec(`${head}`)!;
      const target = connect(Number(port), 'localhost', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(target).pipe(socket);
        alerts.push(() => alert(42));
      });
      target.on('error', () => {});
    });
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    alert() {
      for (const each of alerts.splice(0)) each();
    },
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

/** TLS 1.3 over a socket, on which an alert can be written: Node's own sockets write none that one asks for. */
function serve(raw: Socket, { fullChain: cert, key }: IssuedCertificate) {
  let secret = Buffer.alloc(0);
  let isUnderWay = false; // the server writes with its application keys once the client's own flight has come
  let written = 0;
  const heard = recordsOf((type) => {
    isUnderWay ||= type === applicationData;
  });
  const told = recordsOf((type) => {
    if (isUnderWay && type === applicationData) written += 1;
  });
  const stream = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      told(chunk);
      raw.write(chunk, done);
    },
  });
  raw.on('error', () => {}).on('close', () => stream.push(null));
  raw.on('data', (chunk) => {
    heard(chunk);
    stream.push(chunk);
  });
  const ciphers = 'TLS_AES_128_GCM_SHA256';
  const socket = new TLSSocket(stream, { isServer: true, cert, key, minVersion: 'TLSv1.3', ciphers });
  socket.on('keylog', (line: Buffer) => {
    const [, hex] = /^SERVER_TRAFFIC_SECRET_0 \S+ (\S+)/.exec(`${line}`) ?? [];
    if (hex) secret = Buffer.from(hex, 'hex');
  });
  return { socket, alert: (number: number) => raw.write(alertRecord(secret, written, number)) };
}

const applicationData = 23;

/** Reads along, and is told the type of each record. */
function recordsOf(each: (type: number) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt16BE(3)) {
      each(rest[0]!);
      rest = rest.subarray(5 + rest.readUInt16BE(3));
    }
  };
}

/** A fatal alert as TLS_AES_128_GCM_SHA256 protects it (RFC 8446, sections 5.2, 5.3 and 7.3). */
function alertRecord(secret: Buffer, sequence: number, alert: number): Buffer {
  const nonce = Buffer.from(expand(secret, 'iv', 12));
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ sequence) >>> 0, 8);
  const content = Buffer.from([2, alert, 21]);
  const header = Buffer.from([applicationData, 3, 3, 0, content.length + 16]);
  const cipher = createCipheriv('aes-128-gcm', expand(secret, 'key', 16), nonce).setAAD(header);
  return Buffer.concat([header, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** HKDF-Expand-Label of RFC 8446, section 7.1, up to 32 bytes. */
function expand(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.from([0, length, name.length, ...name, 0, 1]);
  return createHmac('sha256', secret).update(info).digest().subarray(0, length);
}
