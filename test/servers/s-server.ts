import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { find, launch, type RealServer, type Seen } from './launch.ts';
import { nameOf, versionOf } from './seen.ts';

const program = find('openssl', 'version');

export const sServer: RealServer = {
  name: 'openssl s_server',
  program,
  version: [program!, 'version'],
  asks: ['required', 'optional'],
  read,
  start: (demand) =>
    launch(demand, ({ folder, port }) => {
      const { asks = 'required', legacy, revoked } = demand;
      // Its option for revocation lists takes one; the file of roots takes as many as there are.
      appendFileSync(join(folder, 'root.crt'), readFileSync(join(folder, 'revoked.crl')));
      const asking = [
        asks === 'required' ? '-Verify' : '-verify',
        '3',
        '-verify_return_error',
        '-CAfile',
        'root.crt',
      ];
      const own = ['-cert', 'server.crt', '-key', 'server.key', '-www', '-msg'];
      const versions = legacy ? ['-min_protocol', 'TLSv1', '-cipher', 'DEFAULT:@SECLEVEL=0'] : [];
      const lists = revoked ? ['-crl_check'] : [];
      const options = [...own, ...asking, ...lists, ...versions];
      return [program!, 's_server', '-accept', `127.0.0.1:${port}`, ...options];
    }),
};

/** It says what it verified, and with `-msg` which messages came, of one connection after the other. */
function read(log: string): Seen[] {
  const seen: Seen[] = [];
  let name = '';
  const lines = /^(<<<|>>>) TLS (\S+), Handshake \[.*\], (\w+)|^depth=0 (.*)\nverify return:1/gm;
  for (const [, way, version, message, subject] of log.matchAll(lines)) {
    if (subject) name = nameOf(subject);
    if (message === 'ClientHello') name = '';
    if (way === '<<<' && message === 'Finished') seen.push({ tls: versionOf(version!), name });
  }
  return seen;
}
