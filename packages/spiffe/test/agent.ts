import { createPrivateKey, createPublicKey, randomUUID, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { randomSerialNumber, signCertificate } from '../../testing/src/certificate.ts';
import { generateKey } from '../../testing/src/keys.ts';
import { certify, createSigner } from '../../vault/test/engine.ts';

/** A trust domain: whose authority signs SVIDs. */
export interface TrustDomain {
  readonly name: string;
  /** In PEM. */
  readonly root: string;
  issue(path: string, options?: { hint?: string; hosts?: readonly string[] }): Promise<SvidMessage>;
}

/** The fields of an `X509SVID`, by their names in the standard. */
export interface SvidMessage {
  spiffe_id: string;
  x509_svid: Buffer;
  x509_svid_key: Buffer;
  bundle: Buffer;
  hint: string;
}

/** What an `X509SVIDResponse` says. */
export interface Said {
  svids: readonly Partial<SvidMessage>[];
  federated?: Readonly<Record<string, Buffer>>;
  revocationLists?: readonly Buffer[];
}

/** An agent in this process that serves the Workload API, by the gRPC library of its makers: what it was asked is what counts. */
export interface Agent extends AsyncDisposable {
  /** As `SPIFFE_ENDPOINT_SOCKET` has it. */
  readonly address: string;
  /** The metadata of each call. */
  readonly asked: Metadata[];
  /** How many calls are open. */
  readonly open: number;
  /** Says it to whoever calls, and has called. */
  say(said: Said | Buffer): void;
  /** Ends every call so from now on, until something is said. */
  refuse(status: number, details?: string): void;
  /** Ends what is open. */
  hangUp(): void;
  stop(): void;
  start(): Promise<void>;
}

/** @param place What it listens on: a Unix socket, or on Windows a named pipe, unless given. */
export async function startAgent(place?: 'tcp'): Promise<Agent> {
  const folder = await mkdtemp(join(tmpdir(), 'clientcert-spiffe-'));
  const pipe = `clientcert-${randomUUID()}`;
  const isPipe = process.platform === 'win32';
  const local = isPipe
    ? { address: `npipe:${pipe}`, target: `unix:\\\\.\\pipe\\${pipe}` }
    : { address: `unix://${folder}/agent.sock`, target: `unix:${folder}/agent.sock` };
  let port = 0;
  let server: Server | undefined;
  let answer: Buffer | Partial<ServiceError> | undefined;
  const calls = new Set<ServerWritableStream<Buffer, Buffer>>();
  const give = (call: ServerWritableStream<Buffer, Buffer>) => {
    if (Buffer.isBuffer(answer)) call.write(answer);
    else if (answer) call.emit('error', answer);
  };
  const agent: Agent = {
    get address() {
      return place ? `tcp://127.0.0.1:${port}` : local.address;
    },
    asked: [],
    get open() {
      return calls.size;
    },
    say(said) {
      answer = Buffer.isBuffer(said) ? said : encode(said);
      for (const call of calls) give(call);
    },
    refuse(code, details = '') {
      answer = { code, details };
      for (const call of calls) give(call);
    },
    hangUp() {
      for (const call of calls) call.end();
    },
    stop() {
      server?.forceShutdown();
      server = undefined;
    },
    async start() {
      const started = new Server({ 'grpc.max_send_message_length': -1 });
      const same = (bytes: Buffer) => bytes;
      started.addService(
        {
          fetch: {
            path: '/SpiffeWorkloadAPI/FetchX509SVID',
            requestStream: false,
            responseStream: true,
            requestSerialize: same,
            requestDeserialize: same,
            responseSerialize: same,
            responseDeserialize: same,
          },
        },
        {
          fetch: (call: ServerWritableStream<Buffer, Buffer>) => {
            agent.asked.push(call.metadata);
            calls.add(call);
            const gone = () => calls.delete(call);
            call.on('cancelled', gone).on('finish', gone).on('error', gone);
            give(call);
          },
        },
      );
      const target = place ? `127.0.0.1:${port}` : local.target;
      await new Promise<void>((resolve, reject) => {
        started.bindAsync(target, ServerCredentials.createInsecure(), (error, bound) => {
          if (error) reject(error);
          port = bound;
          resolve();
        });
      });
      server = started;
    },
    async [Symbol.asyncDispose]() {
      agent.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await agent.start();
  return agent;
}

export async function createTrustDomain(name: string): Promise<TrustDomain> {
  const [root, issuer] = [await createSigner(`Root of ${name}`), await createSigner(`Issuing for ${name}`)];
  const rootPem = certify(root, root);
  const intermediate = new X509Certificate(certify(issuer, root)).raw;
  return {
    name,
    root: rootPem,
    async issue(path, { hint = '', hosts } = {}) {
      const spiffeId = `spiffe://${name}${path}`;
      const key = await generateKey();
      const leaf = signCertificate(
        {
          subject: { C: 'US', O: 'SPIRE', CN: spiffeId },
          publicKey: createPublicKey(key),
          notBefore: new Date(Date.now() - 10_000),
          notAfter: new Date(Date.now() + 3_600_000),
          hosts,
          uris: [spiffeId],
          serialNumber: randomSerialNumber(),
          usage: 'both',
        },
        issuer,
      );
      return {
        spiffe_id: spiffeId,
        x509_svid: Buffer.concat([new X509Certificate(leaf).raw, intermediate]),
        x509_svid_key: key.export({ type: 'pkcs8', format: 'der' }),
        bundle: new X509Certificate(rootPem).raw,
        hint,
      };
    },
  };
}

/** What a server presents as an SVID, in PEM. */
export function pemOf(svid: Pick<SvidMessage, 'x509_svid' | 'x509_svid_key'>): { cert: string; key: string } {
  const key = createPrivateKey({ key: svid.x509_svid_key, format: 'der', type: 'pkcs8' });
  const cert = certificatesIn(svid.x509_svid).map(String).join('');
  return { cert, key: String(key.export({ type: 'pkcs8', format: 'pem' })) };
}

/** DER values, one after another. */
export function certificatesIn(bytes: Buffer): X509Certificate[] {
  const found: X509Certificate[] = [];
  for (let at = 0; at < bytes.length; at += found.at(-1)!.raw.length)
    found.push(new X509Certificate(bytes.subarray(at)));
  return found;
}

/** An `X509SVIDResponse`. */
export function encode({ svids, federated = {}, revocationLists = [] }: Said): Buffer {
  const entries = Object.entries(federated).map(([id, bundle]) => field(3, field(1, id), field(2, bundle)));
  const messages = svids.map((svid) =>
    field(
      1,
      ...(['spiffe_id', 'x509_svid', 'x509_svid_key', 'bundle', 'hint'] as const).map((name, index) =>
        field(index + 1, svid[name] ?? ''),
      ),
    ),
  );
  const lists = revocationLists.map((list) => field(2, list));
  return Buffer.concat([...messages, ...lists, ...entries]);
}

/** A field that has a length: protobuf leaves out what is empty. */
export function field(number: number, ...parts: readonly (string | Buffer)[]): Buffer {
  const value = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return value.length === 0 ? value : Buffer.concat([varint(number * 8 + 2), varint(value.length), value]);
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 0x80);
  }
}
