import { startServer } from '@clientcert/testing';
import type { RealServer } from './launch.ts';
import { read } from './seen.ts';

/** What users have in their own tests. Asked for optionally, it takes any certificate, and leaves it to the program. */
export const node: RealServer = {
  name: 'Node',
  program: process.execPath,
  version: [process.execPath, '--version'],
  asks: ['required'],
  http2: true,
  read,
  async start({ authority, revoked, legacy }) {
    const tls = legacy ? { minVersion: 'TLSv1' as const, ciphers: 'DEFAULT:@SECLEVEL=0' } : {};
    const server = await startServer({ authority, crl: revoked, http2: true, tls });
    return {
      port: server.port,
      log: () => {
        const served = server.requests.map(({ time, protocol, clientCertificate, httpVersion }) => ({
          time,
          line: `seen ${protocol} "CN=${clientCertificate?.commonName ?? ''}" HTTP/${httpVersion}\n`,
        }));
        const refused = server.refusals.map(({ time, code }) => ({ time, line: `refused ${code}\n` }));
        const events = [...served, ...refused].toSorted((a, b) => a.time.getTime() - b.time.getTime());
        return events.map(({ line }) => line).join('');
      },
      [Symbol.asyncDispose]: () => server.close(),
    };
  },
};
