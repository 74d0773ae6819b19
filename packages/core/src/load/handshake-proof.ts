import type { X509Certificate } from 'node:crypto';
import { Duplex } from 'node:stream';
import { connect, type SecureContext, type SecureVersion, TLSSocket } from 'node:tls';

/**
 * Has the holder of a secure context sign for its certificate: in a handshake with itself, over no network. What an
 * engine holds signs in no other way. A token may lack RSA-PSS, without which there is no TLS 1.3.
 *
 * @throws what OpenSSL says of the first try, where neither TLS version comes about
 */
export async function proveByHandshake(context: SecureContext, leaf: X509Certificate): Promise<void> {
  try {
    await shakeHands(context, leaf, 'TLSv1.3');
  } catch (error) {
    await shakeHands(context, leaf, 'TLSv1.2').catch(() => {
      throw error;
    });
  }
}

async function shakeHands(
  context: SecureContext,
  leaf: X509Certificate,
  version: SecureVersion,
): Promise<void> {
  const [near, far] = createPair();
  const server = new TLSSocket(far, { isServer: true, secureContext: context });
  const client = connect({
    socket: near,
    // What is asked is whether the key is that of the certificate, and nothing else of it.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ciphers: anyCiphers,
    minVersion: version,
    maxVersion: version,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).once('close', () => reject(new Error('the handshake came to no end')));
      // The server's error says more, and follows.
      client.once('error', (error) => setImmediate(reject, error));
      client.once('secureConnect', () => {
        const seen = client.getPeerX509Certificate();
        if (seen?.raw.equals(leaf.raw)) resolve();
        else reject(new Error('another certificate was presented'));
      });
    });
  } finally {
    for (const socket of [client, server]) socket.on('error', () => {}).destroy();
  }
}

/** A small key is for the connection to refuse, which says why. */
export const anyCiphers = 'DEFAULT@SECLEVEL=0';

function createPair(): [Duplex, Duplex] {
  const ends: Duplex[] = [0, 1].map(
    (side) =>
      new Duplex({
        read() {},
        write(chunk, _, done) {
          ends[1 - side]!.push(chunk);
          done();
        },
        final(done) {
          ends[1 - side]!.push(null);
          done();
        },
      }),
  );
  return ends as [Duplex, Duplex];
}
