import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '@clientcert/testing';
import { find, launch, type RealServer, type Seen } from './launch.ts';
import { nameOf } from './seen.ts';

const program = find('/usr/bin/stunnel4', '-version');

/** stunnel ends TLS; what answers behind it speaks plain HTTP. */
export const stunnel: RealServer = {
  name: 'stunnel',
  program,
  version: [program!, '-version'],
  asks: ['required', 'optional'],
  read,
  async start(demand) {
    const { asks = 'required', legacy, revoked } = demand;
    const behind = await startServer({ tls: false, handler: (_, response) => response.end('hello') });
    const server = await launch(demand, ({ folder, port }) => {
      const conf = `foreground = yes
debug = 6
pid =
[tls]
accept = 127.0.0.1:${port}
connect = 127.0.0.1:${behind.port}
cert = server.crt
key = server.key
CAfile = root.crt
${revoked ? 'CRLfile = revoked.crl' : ''}
verifyChain = yes
requireCert = ${asks === 'required' ? 'yes' : 'no'}
sslVersionMin = ${legacy ? 'TLSv1' : 'TLSv1.2'}
${legacy ? 'ciphers = DEFAULT:@SECLEVEL=0\nsecurityLevel = 0' : ''}
`;
      writeFileSync(join(folder, 'stunnel.conf'), conf);
      return [program!, 'stunnel.conf'];
    });
    return {
      ...server,
      [Symbol.asyncDispose]: async () => {
        await server[Symbol.asyncDispose]();
        await behind.close();
      },
    };
  },
};

/** Each line has its connection's number; the last of a handshake is that of the cipher. */
function read(log: string): Seen[] {
  const seen: Seen[] = [];
  const names = new Map<string, string>();
  const lines = /^.* LOG\d\[(\d+)\]: (?:Certificate accepted at depth=0: (.*)|(TLS\S+) ciphersuite: .*)$/gm;
  for (const [, connection, subject, tls] of log.matchAll(lines)) {
    if (subject) names.set(connection!, nameOf(subject));
    else seen.push({ tls: tls!, name: names.get(connection!) ?? '' });
  }
  return seen;
}
