import { type Agent, get } from 'node:https';
import { createAuthority, startServer } from '@clientcert/testing';
import { expect, it } from 'vitest';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import { loadCredentials } from '../../src/index.ts';

const authority = await createAuthority();
const { cert, key } = await authority.issue({ name: 'bank' });

/** The status of an answer, or the error. */
function call(url: string, agent: Agent): Promise<unknown> {
  return new Promise((resolve) => {
    get(url, { agent }, (response) => response.resume().on('end', () => resolve(response.statusCode))).on(
      'error',
      resolve,
    );
  });
}

it.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '%s: who has answered before has taken the certificate',
  async (tls) => {
    await using server = await startServer({
      authority,
      handler: (request, response) => (request.url === '/drop' ? request.socket.destroy() : response.end()),
    });
    await using credentials = await loadCredentials({
      certificates: { bank: { cert, key, ca: authority.certificate } },
      hosts: {
        [`127.0.0.1:${server.port}`]: { certificate: 'bank', ca: authority.certificate, tls, resume: false },
      },
    });
    const url = `${server.url}/drop`;
    const agent = credentials.agent();
    const codesOf = async () => {
      const { code, confidence, alternatives } = diagnose(await call(url, agent), {
        credentials,
        url,
      });
      return [`${code} ${confidence}`, ...alternatives.map((each) => each.code)];
    };
    expect(await call(server.url, agent)).toBe(200);
    expect(await codesOf()).toEqual(['CONNECTION_DROPPED likely']);
    // The connection is another, and fresh: over TLS 1.3 it may be that the certificate is no longer taken.
    expect((await codesOf()).slice(0, 2)).toEqual(
      tls === 'TLSv1.2'
        ? ['CONNECTION_DROPPED guess', 'CLIENT_CERTIFICATE_PROBABLY_REFUSED']
        : ['CLIENT_CERTIFICATE_PROBABLY_REFUSED likely', 'ISSUER_NOT_TRUSTED_BY_SERVER'],
    );
    expect(server.connections).toBeGreaterThan(1);
  },
);
