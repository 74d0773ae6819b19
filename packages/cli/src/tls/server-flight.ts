import { createHash } from 'node:crypto';
import { Fields, Malformed, u8, u16, vector } from './bytes.ts';
import {
  clientHello,
  createHelloOptions,
  type HelloOptions,
  VERSIONS,
  type Version,
} from './client-hello.ts';
import { HandshakeRecords, hashOf } from './key-schedule.ts';
import { type Address, Wire } from './wire.ts';

/** What a server asks a client's certificate to be. */
export interface CertificateRequest {
  /** The distinguished names of the authorities, in DER; none: any. */
  readonly authorities: readonly Buffer[];
  /** By their numbers in TLS; `undefined` before TLS 1.2. */
  readonly signatureAlgorithms: readonly number[] | undefined;
}

/** What a server says before it is answered, in one version of TLS. Nothing of it is proven. */
export interface ServerFlight {
  /** The version that the server chose; `undefined` where it refused. */
  readonly version: Version | undefined;
  /** The alert with which it refused. */
  readonly alert: number | undefined;
  /** Whether it answers to RFC 5746; TLS 1.3 has no renegotiation. */
  readonly secureRenegotiation: boolean | undefined;
  /** Certificates in DER, in the order in which they were sent. */
  readonly chain: readonly Buffer[];
  readonly request: CertificateRequest | undefined;
}

/** More names than any store of a system holds. */
const MOST_AUTHORITIES = 5000;
/** OpenSSL takes 100 kB of certificates, and ten of them. */
const MOST_CERTIFICATES = 64;
const LONGEST_MESSAGE = 262_144;

/**
 * Says hello in one version of TLS and listens until the server has said whether it asks for a certificate. No
 * certificate is sent, no handshake is completed.
 *
 * @throws the error of the network; {@link Malformed} where what answers is no TLS.
 * @see RFC 8446, section 4; RFC 5246, section 7.4
 */
export async function readServerFlight(
  address: Address,
  servername: string | undefined,
  version: Version,
  milliseconds: number,
): Promise<ServerFlight> {
  using wire = await Wire.open(address, milliseconds);
  const conversation = new Conversation(wire, version, servername);
  return await conversation.listen();
}

class Conversation {
  readonly #wire: Wire;
  readonly #version: Version;
  readonly #servername: string | undefined;
  readonly #hello: HelloOptions;
  #transcript: Buffer;
  #sealed: HandshakeRecords | undefined;
  #retried = false;
  #pending: Buffer = Buffer.alloc(0);
  #chosen: Version | undefined;
  #secureRenegotiation: boolean | undefined;
  #chain: Buffer[] = [];
  #request: CertificateRequest | undefined;
  #done = false;

  constructor(wire: Wire, version: Version, servername: string | undefined) {
    this.#wire = wire;
    this.#version = version;
    this.#servername = servername;
    this.#hello = createHelloOptions(version);
    this.#transcript = clientHello(version, servername, this.#hello);
  }

  async listen(): Promise<ServerFlight> {
    this.#say(this.#transcript);
    while (!this.#done) {
      const record = await this.#wire.record();
      if (record === undefined) break;
      // ChangeCipherSpec, for what stands between (RFC 8446, appendix D.4)
      if (record.type === 20) continue;
      const { type, contents } =
        record.type === 23 && this.#sealed !== undefined
          ? this.#sealed.open(record.header, record.body)
          : { type: record.type, contents: record.body };
      if (type === 21) return this.#told(contents[1]);
      if (type !== 22) throw new Malformed('a record of another type than a handshake has');
      this.#read(contents);
    }
    return this.#told(undefined);
  }

  #say(message: Buffer): void {
    // The record's version is the oldest that a server may want to see there.
    this.#wire.send(Buffer.concat([u8(22), u16(0x0301), vector(2, message)]));
  }

  #told(alert: number | undefined): ServerFlight {
    return {
      version: this.#chosen,
      alert,
      secureRenegotiation: this.#secureRenegotiation,
      chain: this.#chain,
      request: this.#request,
    };
  }

  /** Messages may be spread over records, and several stand in one. */
  #read(contents: Buffer): void {
    this.#pending = this.#pending.length === 0 ? contents : Buffer.concat([this.#pending, contents]);
    while (!this.#done && this.#pending.length >= 4) {
      const end = 4 + this.#pending.readUIntBE(1, 3);
      if (end > LONGEST_MESSAGE) throw new Malformed(`a message of ${end} bytes`);
      if (this.#pending.length < end) return;
      const message = this.#pending.subarray(0, end);
      this.#pending = this.#pending.subarray(end);
      this.#take(message[0]!, new Fields(message.subarray(4)), message);
    }
  }

  #take(type: number, fields: Fields, message: Buffer): void {
    if (type === 2) this.#takeServerHello(fields, message);
    else if (this.#chosen === undefined) throw new Malformed('a message before the ServerHello');
    else if (type === 11) this.#takeCertificate(fields);
    else if (type === 13) this.#takeRequest(fields);
    // In TLS 1.3 the request stands before the certificate; before, ServerHelloDone is the end.
    if (this.#sealed === undefined ? type === 14 : type === 11 || type === 15 || type === 20)
      this.#done = true;
  }

  #takeServerHello(fields: Fields, message: Buffer): void {
    if (this.#chosen !== undefined) throw new Malformed('a second ServerHello');
    const legacy = fields.number(2);
    const random = fields.take(32);
    fields.vector(1);
    const suite = fields.number(2);
    fields.number(1);
    const extensions = fields.left > 0 ? readExtensions(fields.vector(2)) : new Map<number, Fields>();
    const number = extensions.get(43)?.number(2) ?? legacy;
    const chosen = (Object.keys(VERSIONS) as Version[]).find((name) => VERSIONS[name] === number);
    if (chosen !== 'TLSv1.3') {
      this.#chosen = chosen;
      this.#secureRenegotiation = extensions.has(0xff01);
      // It speaks another version, which is tried by itself.
      if (chosen !== this.#version) this.#done = true;
      return;
    }
    if (this.#version !== 'TLSv1.3') throw new Malformed('the server chose a version that was not offered');
    if (random.equals(RETRY)) {
      this.#retry(suite, extensions, message);
      return;
    }
    const share = extensions.get(51);
    const group = share?.number(2);
    const offered = this.#hello.shares.find((each) => each.group === group);
    if (share === undefined || offered === undefined) throw new Malformed('no key share that was offered');
    this.#transcript = Buffer.concat([this.#transcript, message]);
    this.#chosen = chosen;
    this.#sealed = new HandshakeRecords(suite, agree(offered, share.vector(2).rest()), this.#transcript);
    if (this.#pending.length > 0) throw new Malformed('a message that should be encrypted');
  }

  /** A HelloRetryRequest (RFC 8446, section 4.1.4): every group was offered with its share, so only the cookie is new. */
  #retry(suite: number, extensions: Map<number, Fields>, message: Buffer): void {
    const cookie = extensions.get(44)?.vector(2).rest();
    if (this.#retried || cookie === undefined)
      throw new Malformed('the server asks for a group that is not offered');
    this.#retried = true;
    const digest = createHash(hashOf(suite)).update(this.#transcript).digest();
    const second = clientHello(this.#version, this.#servername, { ...this.#hello, cookie });
    this.#transcript = Buffer.concat([u8(254), vector(3, digest), message, second]);
    this.#say(second);
  }

  #takeCertificate(fields: Fields): void {
    const modern = this.#sealed !== undefined;
    if (modern) fields.vector(1);
    this.#chain = fields.vector(3).all((entry) => {
      const der = entry.vector(3).rest();
      if (modern) entry.vector(2);
      return der;
    }, MOST_CERTIFICATES);
  }

  #takeRequest(fields: Fields): void {
    const names = (list: Fields) => list.all((each) => each.vector(2).rest(), MOST_AUTHORITIES);
    const algorithms = (list: Fields) => list.all((each) => each.number(2), 1000);
    if (this.#sealed !== undefined) {
      fields.vector(1);
      const extensions = readExtensions(fields.vector(2));
      const named = extensions.get(47)?.vector(2);
      this.#request = {
        authorities: named ? names(named) : [],
        signatureAlgorithms: algorithms(extensions.get(13)?.vector(2) ?? new Fields(Buffer.alloc(0))),
      };
      return;
    }
    fields.vector(1);
    const signatureAlgorithms = this.#chosen === 'TLSv1.2' ? algorithms(fields.vector(2)) : undefined;
    this.#request = { authorities: fields.left > 0 ? names(fields.vector(2)) : [], signatureAlgorithms };
  }
}

function agree({ agree }: { agree(peer: Buffer): Buffer }, peer: Buffer): Buffer {
  try {
    return agree(peer);
  } catch {
    throw new Malformed('a key share that is none');
  }
}

function readExtensions(list: Fields): Map<number, Fields> {
  return new Map(list.all((each) => [each.number(2), each.vector(2)] as const, 200));
}

/** The random of a ServerHello that is a HelloRetryRequest: SHA-256 of that word. */
const RETRY = createHash('sha256').update('HelloRetryRequest').digest();
