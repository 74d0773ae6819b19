import { createECDH, createPublicKey, diffieHellman, generateKeyPairSync, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { u8, u16, vector } from './bytes.ts';

/** The numbers of the versions on the wire. */
export const VERSIONS = { TLSv1: 0x0301, 'TLSv1.1': 0x0302, 'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304 } as const;
export type Version = keyof typeof VERSIONS;

/** A key exchange that the client offers: its group, its share, and the secret with the server's share. */
export interface Share {
  readonly group: number;
  readonly share: Buffer;
  agree(peer: Buffer): Buffer;
}

/** The handshake message of one version alone (RFC 8446, section 4.1.2; RFC 5246, section 7.4.1.2). */
export function clientHello(version: Version, servername: string | undefined, options: HelloOptions): Buffer {
  const modern = version === 'TLSv1.3';
  const body = Buffer.concat([
    u16(modern ? VERSIONS['TLSv1.2'] : VERSIONS[version]),
    options.random,
    vector(1, options.sessionId),
    vector(2, ...(modern ? modernSuites : oldSuites).map(u16)),
    vector(1, u8(0)),
    vector(2, ...(modern ? modernExtensions(options) : oldExtensions(version)), ...common(servername)),
  ]);
  return Buffer.concat([u8(1), vector(3, body)]);
}

export interface HelloOptions {
  readonly random: Buffer;
  readonly sessionId: Buffer;
  readonly shares: readonly Share[];
  /** What a HelloRetryRequest gave to be sent back. */
  readonly cookie?: Buffer | undefined;
}

/** Fresh shares of X25519 and P-256, which every server of TLS 1.3 knows one of, and P-384. */
function createShares(): Share[] {
  return [x25519(), ecdh(23, 'prime256v1'), ecdh(24, 'secp384r1')];
}

export function createHelloOptions(version: Version): HelloOptions {
  const modern = version === 'TLSv1.3';
  return {
    random: randomBytes(32),
    // As browsers do, for what stands between (RFC 8446, appendix D.4).
    sessionId: modern ? randomBytes(32) : Buffer.alloc(0),
    shares: modern ? createShares() : [],
  };
}

const modernSuites = [0x1301, 0x1302, 0x1303];

/** What a server may be so old as to know alone; nothing is ever sent under them. */
const oldSuites = [
  0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca9, 0xcca8, 0xc023, 0xc024, 0xc027, 0xc028, 0xc009, 0xc00a, 0xc013,
  0xc014, 0x009e, 0x009f, 0xccaa, 0x0067, 0x006b, 0x0033, 0x0039, 0x009c, 0x009d, 0x003c, 0x003d, 0x002f,
  0x0035, 0xc012, 0xc008, 0x0016, 0x000a, 0x0005,
];

function extension(type: number, ...data: readonly Uint8Array[]): Buffer {
  return Buffer.concat([u16(type), vector(2, ...data)]);
}

function common(servername: string | undefined): Buffer[] {
  const name = servername === undefined || isIP(servername) !== 0 ? undefined : Buffer.from(servername);
  return [
    ...(name ? [extension(0, vector(2, u8(0), vector(2, name)))] : []),
    extension(16, vector(2, vector(1, Buffer.from('http/1.1')))),
  ];
}

function modernExtensions({ shares, cookie }: HelloOptions): Buffer[] {
  return [
    extension(43, vector(1, u16(VERSIONS['TLSv1.3']))),
    extension(10, vector(2, ...shares.map(({ group }) => u16(group)))),
    extension(13, vector(2, ...signatures.map(u16))),
    extension(45, vector(1, u8(1))),
    extension(
      51,
      vector(2, ...shares.map(({ group, share }) => Buffer.concat([u16(group), vector(2, share)]))),
    ),
    ...(cookie ? [extension(44, vector(2, cookie))] : []),
  ];
}

function oldExtensions(version: Version): Buffer[] {
  return [
    extension(10, vector(2, ...[29, 23, 24, 25, 30].map(u16))),
    extension(11, vector(1, u8(0))),
    ...(version === 'TLSv1.2'
      ? [extension(13, vector(2, ...[...signatures, ...oldSignatures].map(u16)))]
      : []),
    // RFC 5746: a server that knows it answers with the same.
    extension(0xff01, vector(1)),
    extension(23),
  ];
}

/** ECDSA, Ed25519, Ed448, RSA-PSS and RSA PKCS#1 with SHA-2; ML-DSA (RFC 8446, section 4.2.3; RFC 9881). */
const signatures = [
  0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501,
  0x0601, 0x0904, 0x0905, 0x0906,
];
const oldSignatures = [0x0203, 0x0201, 0x0202, 0x0402];

function x25519(): Share {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const share = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
  return {
    group: 29,
    share,
    agree: (peer) => {
      const key = { kty: 'OKP', crv: 'X25519', x: peer.toString('base64url') };
      return diffieHellman({ privateKey, publicKey: createPublicKey({ key, format: 'jwk' }) });
    },
  };
}

function ecdh(group: number, curve: string): Share {
  const key = createECDH(curve);
  return { group, share: key.generateKeys(), agree: (peer) => key.computeSecret(peer) };
}
