import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { find, launch, type RealServer } from './launch.ts';
import { read } from './seen.ts';

const program = find('/usr/sbin/nginx', '-v');

export const nginx: RealServer = {
  name: 'nginx',
  program,
  version: [program!, '-v'],
  asks: ['required', 'optional'],
  http2: true,
  read,
  start: (demand) =>
    launch(demand, ({ folder, port, log }) => {
      const { asks = 'required', legacy, revoked } = demand;
      const conf = `daemon off; pid nginx.pid; error_log ${log} info; worker_processes 1;
events {}
http {
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((each) => `${each}_temp_path ${each};`).join(' ')}
  log_format seen 'seen $ssl_protocol "$ssl_client_s_dn" $server_protocol $status $request_uri $ssl_client_verify';
  access_log ${log} seen;
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_protocols ${legacy ? 'TLSv1 TLSv1.1 ' : ''}TLSv1.2 TLSv1.3;
    ${legacy ? 'ssl_ciphers DEFAULT@SECLEVEL=0;' : ''}
    ssl_certificate server.crt; ssl_certificate_key server.key;
    ssl_client_certificate root.crt; ssl_verify_client ${asks === 'optional' ? 'optional' : 'on'}; ssl_verify_depth 3;
    ${revoked ? 'ssl_crl revoked.crl;' : ''}
    location / { return 200 "hello"; }
  }
}`;
      writeFileSync(join(folder, 'nginx.conf'), conf);
      return [program!, '-p', folder, '-c', 'nginx.conf', '-e', 'stderr'];
    }),
};
