import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { find, launch, type RealServer } from './launch.ts';
import { read } from './seen.ts';

const program = find('/usr/sbin/haproxy', '-v');

export const haproxy: RealServer = {
  name: 'HAProxy',
  program,
  version: [program!, '-v'],
  asks: ['required', 'optional'],
  http2: true,
  read,
  start: (demand) =>
    launch(demand, ({ folder, port }) => {
      const { asks = 'required', legacy, revoked } = demand;
      const pair = ['server.crt', 'server.key'].map((name) => readFileSync(join(folder, name), 'utf8'));
      writeFileSync(join(folder, 'server.pem'), pair.join(''));
      const trusted = `ca-file ${folder}/root.crt ${revoked ? `crl-file ${folder}/revoked.crl` : ''}`;
      const versions = legacy ? 'ssl-min-ver TLSv1.0 ciphers DEFAULT:@SECLEVEL=0' : 'ssl-min-ver TLSv1.2';
      const conf = `global
  maxconn 100
  nbthread 1
defaults
  mode http
  log stdout format raw local0 info
  log-format 'seen %[ssl_fc_protocol] "%[ssl_c_s_dn]" %HV %ST %HP'
  error-log-format 'refused %[ssl_c_err] %[ssl_c_ca_err] "%[ssl_c_s_dn]" %[ssl_fc_err_str]'
  timeout client 20s
  timeout connect 5s
  timeout server 20s
frontend tls
  bind 127.0.0.1:${port} ssl crt ${folder}/server.pem alpn h2,http/1.1 ${trusted} verify ${asks} ${versions}
  http-request return status 200 content-type text/plain string hello
`;
      writeFileSync(join(folder, 'haproxy.cfg'), conf);
      return [program!, '-db', '-f', join(folder, 'haproxy.cfg')];
    }),
};
