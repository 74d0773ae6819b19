import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Authority } from '@clientcert/testing';
import { find, type Listening, launch, run } from '../diagnosis/servers/launch.ts';

/** nginx or Apache on loopback, from the system's packages: the program's path, or `undefined` where it is not installed. */
export function findProgram(name: 'nginx' | 'apache2'): string | undefined {
  return find(`/usr/sbin/${name}`, '-v');
}

/** How a web server asks for certificates, beside its defaults. */
export interface WebServerOptions {
  /** Revocation lists, PEM. */
  readonly revoked?: readonly string[];
  /** Apache: demand a certificate everywhere, and so in the handshake. */
  readonly everywhere?: boolean;
}

/** nginx that demands a certificate of the authority. */
export async function startNginx(
  program: string,
  authority: Authority,
  { revoked }: WebServerOptions = {},
): Promise<Listening> {
  return await launch({ authority, revoked: revoked ?? [] }, ({ folder, port }) => {
    const conf = `daemon off; pid nginx.pid; error_log stderr; worker_processes 1;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((each) => `${each}_temp_path ${each};`).join(' ')}
  server {
    listen 127.0.0.1:${port} ssl; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate server.crt; ssl_certificate_key server.key;
    ssl_client_certificate root.crt; ssl_verify_client on; ssl_verify_depth 3;
    ${revoked ? 'ssl_crl revoked.crl;' : ''}
    location / { return 200 "hello"; }
  }
}`;
    writeFileSync(join(folder, 'nginx.conf'), conf);
    return run(program, ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr']);
  });
}

/** Apache that demands one below `/private` only, and so after the handshake. It speaks HTTP/2 as well. */
export async function startApache(
  program: string,
  authority: Authority,
  { revoked, everywhere }: WebServerOptions = {},
): Promise<Listening> {
  return await launch({ authority, revoked: revoked ?? [] }, ({ folder, port }) => {
    const modules = ['mpm_event', 'authz_core', 'ssl', 'socache_shmcb', 'http2'];
    mkdirSync(join(folder, 'private'));
    writeFileSync(join(folder, 'private/index.html'), 'hello');
    const conf = `ServerRoot ${folder}
ServerName localhost
${modules.map((each) => `LoadModule ${each}_module /usr/lib/apache2/modules/mod_${each}.so`).join('\n')}
Listen 127.0.0.1:${port}
PidFile httpd.pid
Mutex file:${folder}
ErrorLog /dev/null
DocumentRoot ${folder}
Protocols h2 http/1.1
SSLEngine on
SSLCertificateFile server.crt
SSLCertificateKeyFile server.key
SSLCACertificateFile root.crt
SSLVerifyDepth 3
${revoked ? 'SSLCARevocationFile revoked.crl\nSSLCARevocationCheck leaf' : ''}
${everywhere ? 'SSLVerifyClient require' : ''}
<Location /private>
  SSLVerifyClient require
</Location>`;
    writeFileSync(join(folder, 'httpd.conf'), conf);
    return run(program, ['-d', folder, '-f', 'httpd.conf', '-DFOREGROUND']);
  });
}
