import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProcesses, type Processes } from '../process.ts';

let processes: Processes;

beforeAll(async () => {
  processes = await buildProcesses();
});
afterAll(() => processes.close());

/** A server in the same process that holds nothing open, alice pinned to it, and `get`. */
const scene = `
  const authority = await testing.createAuthority();
  const alice = await authority.issue({ name: 'alice' });
  const server = await testing.startServer({ authority, clientCertificate: 'optional', keepAliveTimeout: 60_000, ...globalThis.serverOptions });
  const proxy = await testing.startProxy();
  const pin = (rule) => core.loadCredentials({
    certificates: { alice: { cert: alice.cert, key: alice.key, ca: authority.certificate } },
    hosts: { [new URL(server.url).host]: rule },
  });
  const get = (url, options) => new Promise((resolve, reject) => {
    https.get(url, options, (response) => response.resume().on('end', resolve)).on('error', reject);
  });
  const seen = () => server.requests.map((request) => request.clientCertificate?.commonName ?? null);
`;

describe('a process', () => {
  it.each(['{}', '{ proxy: proxy.url }', '{ keepAlive: false }'])(
    'exits by itself with connections kept alive and nothing closed: agent(%s)',
    async (options) => {
      const { status, stdout, stderr } = await processes.run(`
        ${scene}
        const credentials = await pin('alice');
        const agent = credentials.agent(${options});
        await get(server.url, { agent });
        await get(server.url, { agent });
        console.log(seen().join());
        for (const each of server.servers) each.unref();
        // The server side of each connection is in this process as well, and holds it open no longer than ours.
        for (const handle of process._getActiveHandles()) if (!Object.values(agent.freeSockets).flat().includes(handle)) handle.unref?.();
        process.on('exit', () => console.log('open', Object.values(agent.freeSockets).flat().length));
      `);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toContain('alice,alice');
      expect(stdout).toContain(options === '{ keepAlive: false }' ? 'open 0' : 'open 1');
    },
  );

  it('has nothing left after close(), and later requests say so', async () => {
    const { status, stdout, stderr } = await processes.run(`
      ${scene}
      const credentials = await pin('alice');
      const agent = credentials.agent();
      await get(server.url, { agent });
      await credentials.close();
      console.log(Object.keys(agent.freeSockets).length, Object.keys(agent.sockets).length);
      console.log(await get(server.url, { agent }).catch((error) => error.code));
      await server.close();
      await proxy.close();
      const handles = () => process.getActiveResourcesInfo().filter((name) => !/Timeout|Immediate|Pipe|TTY|File/.test(name)).join();
      for (const end = Date.now() + 5000; handles() !== '' && Date.now() < end; ) await new Promise(setImmediate);
      console.log('handles', handles());
    `);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trim().split('\n')).toEqual(['0 0', 'ERR_CLIENTCERT_CLOSED', 'handles']);
  });

  it('keeps no socket that is gone, though what its handshake was is remembered', async () => {
    const { status, stdout, stderr } = await processes.run(`
      ${scene}
      const v8 = await import('node:v8');
      const vm = await import('node:vm');
      v8.setFlagsFromString('--expose-gc');
      const collect = vm.runInNewContext('gc');
      const credentials = await pin('alice');
      const agent = credentials.agent({ keepAlive: false });
      const sockets = [];
      const call = () => new Promise((resolve, reject) => {
        https.get(server.url, { agent }, (response) => response.resume().on('end', resolve))
          .on('socket', (socket) => sockets.push(new WeakRef(socket)))
          .on('error', reject);
      });
      for (let round = 0; round < 5; round++) await call();
      const left = () => sockets.filter((each) => each.deref()).length;
      for (const end = Date.now() + 10_000; left() > 0 && Date.now() < end; ) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        collect();
      }
      console.log(sockets.length, 'sockets,', left(), 'left');
      await credentials.close();
      await server.close();
      await proxy.close();
    `);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trim()).toBe('5 sockets, 0 left');
  });

  it('sees no listener warning over hundreds of requests, and no growth of listeners on a kept socket', async () => {
    const { status, stdout, stderr } = await processes.run(`
      ${scene}
      const credentials = await pin('alice');
      const agent = credentials.agent({ maxSockets: 4 });
      for (let round = 0; round < 5; round++) {
        await Promise.all(Array.from({ length: 80 }, () => get(server.url, { agent })));
      }
      const [socket] = Object.values(agent.freeSockets).flat();
      const listeners = socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0);
      for (let round = 0; round < 50; round++) await get(server.url, { agent });
      console.log(server.requests.length, socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0) - listeners);
      process.exit();
    `);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trim()).toBe('450 0');
  });
});

describe('switches of the whole process', () => {
  it('NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch off verification where a rule names the host', async () => {
    const { stdout } = await processes.run(
      `
      ${scene}
      const { alice: source } = { alice: { cert: alice.cert, key: alice.key } };
      const credentials = await core.loadCredentials({ certificates: { alice: source }, hosts: { [new URL(server.url).host]: 'alice' } });
      console.log(await get(server.url, { agent: credentials.agent() }).catch((error) => error.code), server.requests.length);
      process.exit();
      `,
      { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } },
    );
    expect(stdout).toMatch(/(SELF_SIGNED|UNABLE_TO)\w* 0/);
  });

  it('--tls-min-v1.0 and --tls-cipher-list do not lower what a rule allows', async () => {
    const { stdout } = await processes.run(
      `
      globalThis.serverOptions = { tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } };
      ${scene}
      const call = async (rule) => get(server.url, { agent: (await pin(rule)).agent() }).then(() => 'served', () => 'refused');
      console.log(await call('alice'), await call({ certificate: 'alice', tls: { min: 'TLSv1', legacy: true } }));
      process.exit();
      `,
      { args: ['--tls-min-v1.0', '--tls-cipher-list=DEFAULT@SECLEVEL=0'] },
    );
    expect(stdout.trim()).toBe('refused served');
  });

  it('--tls-min-v1.3 and --tls-cipher-list hold unless a rule says tls', async () => {
    for (const args of [
      ['--tls-min-v1.3'],
      ['--tls-max-v1.2', '--tls-cipher-list=ECDHE-ECDSA-AES256-GCM-SHA384'],
    ]) {
      const { stdout } = await processes.run(
        `
        const ciphers = 'ECDHE-ECDSA-AES128-GCM-SHA256';
        globalThis.serverOptions = { tls: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers } };
        ${scene}
        const call = async (rule) => get(server.url, { agent: (await pin(rule)).agent() }).then(() => 'served', () => 'refused');
        console.log(await call('alice'), await call({ certificate: 'alice', tls: 'TLSv1.2' }));
        process.exit();
        `,
        { args },
      );
      // No rule names ciphers.
      expect([args, stdout.trim()]).toEqual([args, args.length === 1 ? 'refused served' : 'refused refused']);
    }
  });

  it('NODE_EXTRA_CA_CERTS is trusted beside a root of the rule, and an intermediate that comes with a certificate', async () => {
    const { stdout, stderr } = await processes.run(`
      const { spawnSync } = await import('node:child_process');
      const { writeFileSync } = await import('node:fs');
      const { fileURLToPath } = await import('node:url');
      if (!process.env.KEY) {
        const authority = await testing.createAuthority();
        const { key, fullChain } = await authority.issue({ name: 's', hosts: ['127.0.0.1'], usage: 'server' });
        const path = fileURLToPath(import.meta.url) + '.pem';
        const expired = (await testing.createAuthority({ name: 'Old' })).certificate.trimEnd();
        writeFileSync(path, [...expired.split('\\n').map((line) => '# ' + line), authority.certificate].join('\\n'));
        const { stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url)], {
          env: { ...process.env, NODE_EXTRA_CA_CERTS: path, KEY: key, CERT: fullChain }, encoding: 'utf8',
        });
        process.stdout.write(stdout);
        process.stderr.write(stderr);
      } else {
        const server = https.createServer({ key: process.env.KEY, cert: process.env.CERT }, (_, response) => response.end());
        await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
        const other = await testing.createAuthority({ intermediates: 1 });
        const alice = await other.issue({ name: 'alice' });
        const { port } = server.address();
        const credentials = await core.loadCredentials({
          certificates: { alice: { cert: alice.fullChain, key: alice.key } },
          hosts: { ['127.0.0.1:' + port]: { certificate: 'alice', ca: other.certificate } },
        });
        https.get('https://127.0.0.1:' + port, { agent: credentials.agent() }, (response) => {
          console.log(response.statusCode);
          process.exit();
        }).on('error', (error) => { console.log(error.message); process.exit(); });
      }
    `);
    expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: '200', stderr: '' });
  });

  it('a block in it that is no certificate is passed over, as by Node', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'clientcert-'));
    const path = join(directory, 'extra.pem');
    await writeFile(path, '-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n');
    const { stdout } = await processes.run(
      `
      const authority = await testing.createAuthority({ intermediates: 1 });
      const alice = await authority.issue({ name: 'alice' });
      const server = await testing.startServer({ authority });
      const credentials = await core.loadCredentials({
        certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
        hosts: { [new URL(server.url).host]: 'alice' },
      });
      https.get(server.url, { agent: credentials.agent() }, () => {
        console.log(server.requests[0].clientCertificate.commonName);
        process.exit();
      }).on('error', (error) => { console.log(error.message); process.exit(); });
    `,
      { env: { NODE_EXTRA_CA_CERTS: path } },
    );
    await rm(directory, { recursive: true });
    expect(stdout.trim()).toBe('alice');
  });

  it('a polluted Object.prototype adds no trust, no identity and no option', async () => {
    const { stdout } = await processes.run(`
      ${scene}
      const stranger = await testing.createAuthority();
      const impostor = await testing.startServer({ authority: stranger, clientCertificate: 'optional' });
      const credentials = await core.loadCredentials({
        certificates: { alice: { cert: alice.cert, key: alice.key } },
        hosts: { [new URL(impostor.url).host]: 'alice' },
      });
      Object.prototype.ca = stranger.certificate;
      Object.prototype.rejectUnauthorized = false;
      const outcome = await get(impostor.url, { agent: credentials.agent() }).then(() => 'trusted', (error) => error.code);
      delete Object.prototype.ca;
      delete Object.prototype.rejectUnauthorized;
      console.log(outcome, impostor.requests.length);
      process.exit();
    `);
    expect(stdout.trim()).toMatch(/^(?!trusted).* 0$/);
  });
});

describe('attack: rules that are weakened', () => {
  it('no root is trusted from a file that every object inherits in NODE_EXTRA_CA_CERTS', async () => {
    const { stdout } = await processes.run(`
      const { writeFileSync } = await import('node:fs');
      const { fileURLToPath } = await import('node:url');
      ${scene}
      const stranger = await testing.createAuthority();
      const impostor = await testing.startServer({ authority: stranger, clientCertificate: 'optional' });
      const path = fileURLToPath(import.meta.url) + '.pem';
      writeFileSync(path, stranger.certificate);
      const credentials = await core.loadCredentials({
        certificates: { alice: { cert: alice.cert, key: alice.key, ca: authority.certificate } },
        hosts: { [new URL(impostor.url).host]: 'alice' },
      });
      delete process.env.NODE_EXTRA_CA_CERTS;
      Object.prototype.NODE_EXTRA_CA_CERTS = path;
      const outcome = await get(impostor.url, { agent: credentials.agent() }).then(() => 'trusted', (error) => error.code);
      console.log(outcome, impostor.requests.length);
      process.exit();
    `);
    expect(stdout.trim()).toBe('SELF_SIGNED_CERT_IN_CHAIN 0');
  });
});
