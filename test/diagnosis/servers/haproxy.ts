import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { find, launch, type RealServer, run } from './launch.ts';

const program = find('/usr/sbin/haproxy', '-v');

export const haproxy: RealServer = {
  name: 'HAProxy',
  program,
  start: (demand) =>
    launch(demand, ({ folder, port }) => {
      const pair = ['server.crt', 'server.key'].map((name) => readFileSync(join(folder, name), 'utf8'));
      writeFileSync(join(folder, 'server.pem'), pair.join(''));
      const conf = `global
  maxconn 100
  nbthread 1
defaults
  mode http
  timeout client 20s
  timeout connect 5s
  timeout server 20s
frontend tls
  bind 127.0.0.1:${port} ssl crt ${folder}/server.pem ca-file ${folder}/root.crt crl-file ${folder}/revoked.crl verify required
  http-request return status 200 content-type text/plain string hello
`;
      writeFileSync(join(folder, 'haproxy.cfg'), conf);
      return run(program!, ['-db', '-f', join(folder, 'haproxy.cfg')]);
    }),
};
