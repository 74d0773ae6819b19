// What a process does that has the provider loaded. It imports what is built, and prints what it found as JSON.

import { execFileSync } from 'node:child_process';
import { sign as signature, verify } from 'node:crypto';
import { once } from 'node:events';
import { copyFile } from 'node:fs/promises';
import https from 'node:https';
import { connect } from 'node:tls';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';

const { module, url, cert, next, key, pin, ca, engine, broken, second, steps, ...given } = JSON.parse(
  process.argv[2],
);
const { loadCredentials } = await import(module);
const { hostname } = new URL(url);
const found = {};

const config = (more = {}) => ({
  certificates: {
    bank: { cert, key, ...(pin !== undefined && { pin }), ca, ...(engine && { engine }), ...more },
    ...(broken && { other: broken }),
    ...(second && { second: { pin, ca, ...(engine && { engine }), ...second } }),
  },
  allowBroken: broken !== undefined,
  hosts: { [`${hostname}:*`]: 'bank' },
  services: second ? { Second: { certificate: 'second', hosts: [`${hostname}:*`], tls: 'TLSv1.2' } } : {},
  rollback: given.rollback,
  watch: false,
});
const codeOf = (error) => ({ code: error.code, message: error.message, hint: error.hint });
const get = (path, options) =>
  new Promise((resolve, reject) => {
    const request = https.get(new URL(path, url), options, (response) => {
      response.resume().once('end', resolve);
    });
    request.once('error', reject);
  });

try {
  const credentials = await loadCredentials(config());
  const agent = credentials.agent({ keepAlive: false });
  const does = {
    async calls() {
      await get('/first', { agent });
      await get('/again', { agent });
      await get('/tls12', { agent, maxVersion: 'TLSv1.2' });
    },
    async connectOptions() {
      const socket = connect({ port: new URL(url).port, host: hostname, ...credentials.connectOptions(url) });
      socket.write(`GET /connect HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\n\r\n`);
      await new Promise((resolve, reject) => socket.resume().once('close', resolve).once('error', reject));
    },
    signing() {
      const sign = () => credentials.withSigningKey(url, use);
      try {
        found.signed = sign();
      } catch (error) {
        found.signed = codeOf(error);
      }
      function use({ privateKey, certificate }) {
        found.details = privateKey.asymmetricKeyDetails !== undefined;
        try {
          privateKey.export({ type: 'pkcs8', format: 'der' });
          found.exported = true;
        } catch {
          found.exported = false;
        }
        return verify(
          'sha256',
          Buffer.from('x'),
          certificate.publicKey,
          signature('sha256', Buffer.from('x'), privateKey),
        );
      }
    },
    said() {
      const [info] = credentials.certificates();
      found.info = { key: info.key, token: info.token, signedBy: info.signedBy, source: info.source };
      found.health = credentials.health().status;
      found.processes = execFileSync('ps', ['-eww', '-o', 'args'], { encoding: 'utf8' });
      found.explained = `${credentials.explain(url)}`;
      found.said = [inspect(credentials, { depth: null, showHidden: true }), JSON.stringify(credentials)];
      found.said.push(
        inspect(credentials.connectOptions(url), { depth: null, showHidden: true }),
        inspect(agent),
      );
    },
    async rotation() {
      await copyFile(next, cert);
      found.renewed = await credentials.reload();
      await get('/renewed', { agent });
    },
    async both() {
      const asSecond = credentials.agent({ service: 'Second', keepAlive: false });
      for (const each of [agent, asSecond, agent, asSecond]) await get('/both', { agent: each });
      await get('/both', { agent, maxVersion: 'TLSv1.2' });
    },
    async rollback() {
      const rolledBack = new Promise((resolve) => credentials.on('rollback', resolve));
      found.reload = await credentials.reload(config(given.refused));
      found.refusal = await get('/refused', { agent }).catch(codeOf);
      found.rolledBack = (await rolledBack).name;
      await get('/back', { agent });
      found.health = credentials.health().status;
    },
    async server() {
      const server = https.createServer((_, response) => response.end());
      credentials.secureServer(server, 'bank');
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const shown = () =>
        new Promise((resolve, reject) => {
          const { port } = server.address();
          const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: given.root }, () => {
            resolve(socket.getPeerX509Certificate().serialNumber);
            socket.destroy();
          }).once('error', reject);
        });
      found.shown = [await shown()];
      await copyFile(next, cert);
      found.reload = await credentials.reload();
      found.shown.push(await shown());
      found.servers = inspect(server, { depth: null, showHidden: true });
      server.close();
    },
    async worker() {
      const code = `import(${JSON.stringify(module)}).then(({ readCertificate }) =>
        readCertificate(${JSON.stringify({ cert, key, pin, engine })})).then(
        () => 'loaded', (error) => error.code).then((said) => require('node:worker_threads').parentPort.postMessage(said))`;
      [found.worker] = await once(new Worker(code, { eval: true }), 'message');
    },
    async anotherPin() {
      const [tool, ...args] = given.changePin;
      execFileSync(tool, args);
      await copyFile(given.pinFile, pin.file);
      found.another = [await credentials.reload(), await credentials.reload()];
      await get('/another', { agent });
    },
    async gone() {
      process.kill(-given.server, 'SIGKILL');
      found.gone = [];
      // Each asks for a secure context of its own.
      for (const ciphers of [
        'TLS_AES_128_GCM_SHA256',
        'TLS_AES_256_GCM_SHA384',
        'TLS_CHACHA20_POLY1305_SHA256',
      ])
        found.gone.push(await get('/gone', { agent, ciphers }).then(() => 'sent', codeOf));
      found.gone.push(...(await credentials.reload()).failed.map(({ error }) => codeOf(error)));
    },
    async refusals() {
      found.refused = {};
      for (const [name, more] of Object.entries(given.refusals))
        found.refused[name] = await loadCredentials(config(more)).then(() => 'loaded', codeOf);
    },
    async many() {
      const keeping = credentials.agent();
      for (let count = 0; count < 20; count++) {
        await get('/resumed', { agent });
        await get('/kept', { agent: keeping });
      }
    },
    async overReloads() {
      found.reloads = [];
      for (const _ of [1, 2, 3])
        found.reloads.push(...(await credentials.reload()).failed.map(({ error }) => error.code));
      found.error = await get('/broken', { agent }).catch(codeOf);
      await copyFile(given.pinFile, pin.file);
      found.recovered = await credentials.reload();
      await get('/recovered', { agent });
    },
  };
  for (const step of steps) await does[step]();
  await credentials.close();
} catch (error) {
  found.failed = codeOf(error);
  found.said = [inspect(error, { depth: null, showHidden: true })];
}
console.log(JSON.stringify(found));
