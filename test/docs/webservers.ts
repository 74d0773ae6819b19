import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Authority } from '@clientcert/testing';
import { freePort } from '../spawned.ts';

/** nginx or Apache on loopback, from the system's packages. */
export interface WebServer extends AsyncDisposable {
  readonly port: number;
}

/** The program's path, or `undefined` where it is not installed. */
export function findProgram(name: 'nginx' | 'apache2'): string | undefined {
  const path = `/usr/sbin/${name}`;
  try {
    execFileSync(path, ['-v'], { stdio: 'ignore' });
    return path;
  } catch {
    return undefined;
  }
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
): Promise<WebServer> {
  return await start(authority, (folder, port) => {
    if (revoked) writeFileSync(join(folder, 'revoked.crl'), revoked.join(''));
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
    return spawn(program, ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr']);
  });
}

/** Apache that demands one below `/private` only, and so after the handshake. It speaks HTTP/2 as well. */
export async function startApache(
  program: string,
  authority: Authority,
  { revoked, everywhere }: WebServerOptions = {},
): Promise<WebServer> {
  return await start(authority, (folder, port) => {
    if (revoked) writeFileSync(join(folder, 'revoked.crl'), revoked.join(''));
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
    return spawn(program, ['-d', folder, '-f', 'httpd.conf', '-DFOREGROUND']);
  });
}

async function start(
  authority: Authority,
  spawnIn: (folder: string, port: number) => ChildProcess,
): Promise<WebServer> {
  const folder = mkdtempSync(join(tmpdir(), 'clientcert-web-'));
  const { cert, key } = await authority.issue({ name: 'server', hosts: ['127.0.0.1'], usage: 'server' });
  const files = { 'server.crt': cert, 'server.key': key, 'root.crt': authority.certificate };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const port = await freePort();
  const child = spawnIn(folder, port);
  let log = '';
  child.stderr?.on('data', (chunk) => (log += chunk));
  for (let tries = 0; !(await isListening(port)); tries++) {
    if (tries > 100 || child.exitCode !== null) throw new Error(`it does not start: ${log}`);
    await pause(50);
  }
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  socket.destroy();
  return isOpen;
}
