// What a process does that has the provider loaded. It imports what is built, and prints what it found as JSON.
import { sign, verify } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import https from 'node:https';
import { connect } from 'node:tls';
import { inspect } from 'node:util';

const { module, url, cert, next, key, pin, ca, broken, steps } = JSON.parse(process.argv[2]);
const { loadCredentials } = await import(module);
const { hostname } = new URL(url);
const found = {};

const config = (more = {}) => ({
  certificates: { bank: { cert, key, pin, ca, ...more }, ...(broken && { other: broken }) },
  allowBroken: broken !== undefined,
  hosts: { [`${hostname}:*`]: 'bank' },
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
      found.signed = credentials.withSigningKey(url, ({ privateKey, certificate }) => {
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
          sign('sha256', Buffer.from('x'), privateKey),
        );
      });
    },
    said() {
      const [info] = credentials.certificates();
      found.info = { key: info.key, token: info.token, source: info.source };
      found.explained = `${credentials.explain(url)}`;
      found.said = [inspect(credentials, { depth: null, showHidden: true }), JSON.stringify(credentials)];
      found.said.push(
        inspect(credentials.connectOptions(url), { depth: null, showHidden: true }),
        inspect(agent),
      );
    },
    async rotation() {
      await copyFile(next, cert);
      found.reload = await credentials.reload();
      await get('/renewed', { agent });
    },
    async refusals() {
      const { refusals } = JSON.parse(process.argv[2]);
      found.refused = {};
      for (const [name, more] of Object.entries(refusals))
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
      const { pinFile } = JSON.parse(process.argv[2]);
      found.reloads = [];
      for (const _ of [1, 2, 3])
        found.reloads.push(...(await credentials.reload()).failed.map(({ error }) => error.code));
      found.error = await get('/broken', { agent }).catch(codeOf);
      await copyFile(pinFile, pin.file);
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
