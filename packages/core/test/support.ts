import https, { type RequestOptions } from 'node:https';
import type { Authority, IssuedCertificate, TestServer } from '@clientcert/testing';
import type { FileSource } from '../src/types.ts';

export interface Answer {
  status: number;
  body: string;
}

/** One GET; reads the answer to its end. */
export function get(
  url: string,
  options: RequestOptions & { ALPNProtocols?: readonly string[] } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = https.get(url, options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('timed out')));
  });
}

/** An issued certificate as a source of a config; its authority is trusted where it is pinned. */
export function sourceOf(issued: IssuedCertificate, authority: Authority): FileSource {
  return { cert: issued.fullChain, key: issued.key, ca: authority.certificate };
}

/** A server's certificate for this name, and not for the address that it is dialled by. */
export function certificateFor(host: string, authority: Authority): Promise<IssuedCertificate> {
  return authority.issue({ name: host, hosts: [host], usage: 'server' });
}

/** Who each request of a server was made as. */
export function subjects(server: TestServer): (string | null)[] {
  return server.requests.map(({ clientCertificate }) => clientCertificate?.commonName ?? null);
}

/** Does something while every object inherits these properties. */
export async function withPolluted<Result>(
  pollution: Record<string, unknown>,
  work: () => Promise<Result>,
): Promise<Result> {
  const shared = { configurable: true, writable: true, enumerable: true };
  try {
    for (const [key, value] of Object.entries(pollution)) {
      Object.defineProperty(Object.prototype, key, { ...shared, value });
    }
    return await work();
  } finally {
    for (const key of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, key);
  }
}

/** Where the dates of a certificate stand in its DER, as `YYMMDDhhmmssZ` (RFC 5280, section 4.1.2.5). */
export function timesIn(der: Buffer): { notBefore: number; notAfter: number } {
  const notBefore = der.toString('latin1').search(/\d{12}Z..\d{12}Z/s);
  return { notBefore, notAfter: notBefore + 15 };
}
