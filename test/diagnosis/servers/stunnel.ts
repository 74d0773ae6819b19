import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '@clientcert/testing';
import { find, launch, type RealServer, run } from './launch.ts';

const program = find('/usr/bin/stunnel4', '-version');

/** stunnel ends TLS; what answers behind it speaks plain HTTP. */
export const stunnel: RealServer = {
  name: 'stunnel',
  program,
  async start(demand) {
    const behind = await startServer({ tls: false, handler: (_, response) => response.end('hello') });
    const server = await launch(demand, ({ folder, port }) => {
      const conf = `foreground = yes
pid =
[tls]
accept = 127.0.0.1:${port}
connect = 127.0.0.1:${behind.port}
cert = server.crt
key = server.key
CAfile = root.crt
CRLfile = revoked.crl
verifyChain = yes
requireCert = yes
`;
      writeFileSync(join(folder, 'stunnel.conf'), conf);
      return run(program!, ['stunnel.conf'], { cwd: folder });
    });
    return {
      port: server.port,
      [Symbol.asyncDispose]: async () => {
        await server[Symbol.asyncDispose]();
        await behind.close();
      },
    };
  },
};
