import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { find, launch, type RealServer } from './launch.ts';
import { read } from './seen.ts';

const program = find('/usr/sbin/apache2', '-v');

const modules = ['mpm_event', 'authz_core', 'ssl', 'socache_shmcb', 'http2'];

/** It answers `/public/` and `/private/index.html`, and what is below them. */
export const apache: RealServer = {
  name: 'Apache',
  program,
  version: [program!, '-v'],
  asks: ['required', 'optional', 'by path'],
  http2: true,
  read,
  start: (demand) =>
    launch(demand, ({ folder, port, log }) => {
      const { asks = 'required', legacy, revoked } = demand;
      for (const path of ['private', 'public']) {
        mkdirSync(join(folder, path));
        writeFileSync(join(folder, path, 'index.html'), 'hello');
      }
      const verify = { required: 'require', optional: 'optional', 'by path': 'none' }[asks];
      const conf = `ServerRoot ${folder}
ServerName localhost
${modules.map((each) => `LoadModule ${each}_module /usr/lib/apache2/modules/mod_${each}.so`).join('\n')}
Listen 127.0.0.1:${port}
PidFile httpd.pid
Mutex file:${folder}
ErrorLog ${log}
LogLevel warn ssl:info
CustomLog ${log} "seen %{SSL_PROTOCOL}x \\"%{SSL_CLIENT_S_DN}x\\" %H %>s %U"
DocumentRoot ${folder}
Protocols h2 http/1.1
SSLEngine on
SSLProtocol ${legacy ? 'all' : '-all +TLSv1.2 +TLSv1.3'}
${legacy ? 'SSLCipherSuite DEFAULT:@SECLEVEL=0' : ''}
SSLCertificateFile server.crt
SSLCertificateKeyFile server.key
SSLCACertificateFile root.crt
SSLVerifyDepth 3
${revoked ? 'SSLCARevocationFile revoked.crl\nSSLCARevocationCheck leaf' : ''}
SSLVerifyClient ${verify}
${asks === 'by path' ? '<Location /private>\n  SSLVerifyClient require\n</Location>' : ''}
`;
      writeFileSync(join(folder, 'httpd.conf'), conf);
      return [program!, '-d', folder, '-f', 'httpd.conf', '-DFOREGROUND'];
    }),
};
