import { constants } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { type Authority, createAuthority, type IssuedCertificate } from '@clientcert/testing';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type Credentials, type FileSource, loadCredentials } from '../../src/index.ts';
import { buildModules } from '../built.ts';

let authority: Authority;
let clients: Authority;
let certificates: IssuedCertificate[];
let client: IssuedCertificate;
beforeAll(async () => {
  [authority, clients] = await Promise.all([createAuthority(), createAuthority({ name: 'Clients' })]);
  certificates = await Promise.all(
    ['a', 'b'].map((name) => authority.issue({ name, hosts: ['localhost', '127.0.0.1'], usage: 'both' })),
  );
  client = await clients.issue({ name: 'client' });
});

const sourceOf = ({ fullChain, key }: IssuedCertificate): FileSource => ({ cert: fullChain, key });

/** Credentials of one certificate, and what puts another in its place. */
async function load(first: IssuedCertificate): Promise<{
  credentials: Credentials<'web'>;
  renew(next: IssuedCertificate): Promise<unknown>;
}> {
  let current = first;
  const credentials = await loadCredentials({ certificates: { web: () => sourceOf(current) } });
  credentials.on('warning', () => {});
  return {
    credentials,
    renew(next) {
      current = next;
      return credentials.reload();
    },
  };
}

async function loadOther(): Promise<FileSource> {
  return sourceOf(await authority.issue({ name: 'other' }));
}

async function listen<Kind extends tls.Server>(server: Kind): Promise<Kind & AsyncDisposable> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('secureConnection', (socket) => socket.on('error', () => {}));
  server.on('tlsClientError', () => {});
  return Object.assign(server, {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
}

/** A handshake: which certificate the server presented, and how it went. */
async function dial(server: tls.Server, options: ConnectionOptions = {}) {
  const { port } = server.address() as AddressInfo;
  const socket = tls.connect({ host: '127.0.0.1', port, ca: authority.certificate, ...options });
  const sessions: Buffer[] = [];
  socket.on('session', (session) => sessions.push(session));
  socket.resume();
  await once(socket, 'secureConnect');
  const seen = {
    fingerprint256: socket.getPeerX509Certificate()?.fingerprint256,
    reused: socket.isSessionReused(),
  };
  return { ...seen, sessions, socket };
}

async function seenBy(server: tls.Server, options: ConnectionOptions = {}): Promise<string | undefined> {
  const { fingerprint256, socket } = await dial(server, options);
  socket.destroy();
  return fingerprint256;
}

describe('clientCa', () => {
  /** Who comes, and whether they are let in. */
  const letIn = (server: tls.Server, { fullChain: cert, key }: IssuedCertificate) =>
    dial(server, { cert, key }).then(
      ({ socket }) =>
        new Promise<boolean>((resolve) => {
          // Over TLS 1.3 a client hears only after its own handshake that it was refused.
          socket.on('error', () => resolve(false)).on('close', () => resolve(false));
          socket.on('data', () => resolve(true));
        }),
      () => false,
    );
  const create = (more: tls.TlsOptions = {}) =>
    listen(tls.createServer({ requestCert: true, ...more }, (socket) => void socket.write('hello')));

  it('lets in the clients of the roots that come with the certificate, renewed with them, and no others', async () => {
    const next = await createAuthority({ name: 'Next' });
    const late = await next.issue({ name: 'late' });
    let ca = [clients.certificate];
    const source = () => ({ ...sourceOf(certificates[0]!), ca });
    await using credentials = await loadCredentials({ certificates: { web: source } });
    credentials.on('warning', () => {});
    await using server = await create({ ca: authority.certificate });
    credentials.secureServer(server, 'web', { clientCa: 'certificate' });
    expect([await letIn(server, client), await letIn(server, late)]).toEqual([true, false]);
    // What the server was created with counts no more.
    expect(await letIn(server, certificates[1]!)).toBe(false);
    ca = [clients.certificate, next.certificate];
    await credentials.reload();
    expect([await letIn(server, client), await letIn(server, late)]).toEqual([true, true]);
    ca = [next.certificate];
    await credentials.reload();
    expect([await letIn(server, client), await letIn(server, late)]).toEqual([false, true]);
  });

  it('lets in those of its own ca again where it is told without, or of one that it was told meanwhile', async () => {
    const web = { ...sourceOf(certificates[0]!), ca: clients.certificate };
    await using credentials = await loadCredentials({ certificates: { web } });
    credentials.on('warning', () => {});
    await using server = await create({ ca: authority.certificate });
    const both = async () => [await letIn(server, client), await letIn(server, certificates[1]!)];
    for (const _ of [1, 2]) {
      credentials.secureServer(server, 'web', { clientCa: 'certificate' });
      expect(await both()).toEqual([true, false]);
    }
    credentials.secureServer(server, 'web');
    expect(await both()).toEqual([false, true]);
    credentials.secureServer(server, 'web', { clientCa: 'certificate' });
    server.setSecureContext({ ca: [authority.certificate, clients.certificate] });
    credentials.secureServer(server, 'web');
    expect(await both()).toEqual([true, true]);
  });

  it('never lets in everybody: where a renewed one comes without roots, those before stay, and it is told', async () => {
    let ca = [clients.certificate];
    const source = () => ({ ...sourceOf(certificates[0]!), ca });
    await using credentials = await loadCredentials({ certificates: { web: source } });
    credentials.on('warning', () => {});
    const errors: unknown[] = [];
    credentials.on('error', (error) => void errors.push(error));
    await using server = await create();
    credentials.secureServer(server, 'web', { clientCa: 'certificate' });
    ca = [];
    await credentials.reload();
    expect(errors).toMatchObject([
      {
        code: 'ERR_CLIENTCERT_CERTIFICATE_REFUSED',
        message: expect.stringContaining('no roots come with it'),
      },
    ]);
    expect(await letIn(server, client)).toBe(true);
    expect(await letIn(server, certificates[1]!)).toBe(false);
    expect(() => credentials.secureServer(server, 'web', { clientCa: 'certificate' })).toThrow(/no roots/);
  });

  it.each<[string, object, tls.TlsOptions, RegExp]>([
    ['an option that is unknown', { ca: 'x' }, { requestCert: true }, /no option "ca"/],
    ['another value', { clientCa: 'pem' }, { requestCert: true }, /takes 'certificate'/],
    ['no options', null as never, { requestCert: true }, /takes an object of options/],
    ['a server that asks for none', { clientCa: 'certificate' }, {}, /asks clients for no certificate/],
  ])('refuses %s', async (_, options, created, said) => {
    await using credentials = await loadCredentials({
      certificates: { web: { ...sourceOf(certificates[0]!), ca: clients.certificate } },
    });
    const server = tls.createServer(created);
    expect(() => credentials.secureServer(server, 'web', options)).toThrow(
      expect.objectContaining({
        code: 'ERR_CLIENTCERT_CONFIG_INVALID',
        message: expect.stringMatching(said),
      }),
    );
  });
});

describe('secureServer()', () => {
  it.each<[string, () => tls.Server]>([
    ['https', () => https.createServer()],
    ['HTTP/2', () => http2.createSecureServer()],
    ['TLS', () => tls.createServer()],
  ])(
    'has an %s server present the certificate, with a server name and without, and the renewed one',
    async (_, create) => {
      const { credentials, renew } = await load(certificates[0]!);
      await using _credentials = credentials;
      await using server = await listen(create());
      credentials.secureServer(server, 'web');
      for (const certificate of certificates) {
        await renew(certificate);
        expect(await seenBy(server)).toBe(certificate.fingerprint256);
        expect(await seenBy(server, { servername: 'localhost' })).toBe(certificate.fingerprint256);
        expect(await seenBy(server, { maxVersion: 'TLSv1.2' })).toBe(certificate.fingerprint256);
      }
    },
  );

  it('lets connections go on over a renewal, and requests on them', async () => {
    const { credentials, renew } = await load(certificates[0]!);
    await using _credentials = credentials;
    await using server = await listen(https.createServer((_, response) => response.end('hello')));
    credentials.secureServer(server, 'web');
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: authority.certificate });
    const call = async () => {
      const { port } = server.address() as AddressInfo;
      const request = https.get({ host: '127.0.0.1', port, agent });
      const [response] = await once(request, 'response');
      const { socket, reusedSocket } = request;
      response.resume();
      await once(response, 'end');
      return { socket, reusedSocket };
    };
    const { socket } = await call();
    await renew(certificates[1]!);
    expect(await call()).toEqual({ socket, reusedSocket: true });
    agent.destroy();
    expect(await seenBy(server)).toBe(certificates[1]!.fingerprint256);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'still verifies clients as the server was told to: ca, requestCert, ciphers (%s)',
    async (version) => {
      const { credentials, renew } = await load(certificates[0]!);
      await using _credentials = credentials;
      const options = {
        requestCert: true,
        ca: clients.certificate,
        minVersion: version,
        maxVersion: version,
        ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:TLS_AES_256_GCM_SHA384',
      } as const;
      const seen: unknown[] = [];
      const welcome = (socket: TLSSocket) => {
        seen.push([socket.getPeerX509Certificate()?.fingerprint256, socket.getCipher().name]);
        socket.end('welcome');
      };
      await using server = await listen(tls.createServer(options, welcome));
      credentials.secureServer(server, 'web');
      const stranger = await (await createAuthority()).issue({ name: 'stranger' });
      for (const certificate of certificates) {
        await renew(certificate);
        for (const { cert, key } of [client, stranger, { cert: undefined, key: undefined }]) {
          const { port } = server.address() as AddressInfo;
          const socket = tls.connect({ host: '127.0.0.1', port, ca: authority.certificate, cert, key });
          socket.on('error', () => {}).resume();
          await new Promise((resolve) => socket.on('close', resolve));
        }
      }
      const cipher = expect.stringMatching('AES_?256');
      expect(seen).toEqual(certificates.map(() => [client.fingerprint256, cipher]));
    },
  );

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'resumes no session of before a renewal (%s)',
    async (maxVersion) => {
      const { credentials, renew } = await load(certificates[0]!);
      await using _credentials = credentials;
      await using server = await listen(tls.createServer((socket) => socket.write('x')));
      credentials.secureServer(server, 'web');
      const first = await dial(server, { maxVersion });
      await expect.poll(() => first.sessions.length).toBeGreaterThan(0);
      const session = first.sessions[0]!;
      expect((await dial(server, { maxVersion, session })).reused).toBe(true);
      await renew(certificates[1]!);
      const after = await dial(server, { maxVersion, session });
      expect(after).toMatchObject({ reused: false, fingerprint256: certificates[1]!.fingerprint256 });
    },
  );

  it('keeps the one before where the renewed one is not for servers, and says so', async () => {
    const { credentials, renew } = await load(certificates[0]!);
    await using _credentials = credentials;
    await using server = await listen(tls.createServer());
    credentials.secureServer(server, 'web');
    const errors = vi.fn();
    credentials.on('error', errors);
    await renew(await authority.issue({ name: 'client alone' }));
    expect(errors.mock.calls).toMatchObject([
      [
        {
          code: 'ERR_CLIENTCERT_CERTIFICATE_REFUSED',
          message: expect.stringContaining(
            'certificate "web": the server does not present it: its extended key usage',
          ),
        },
        { name: 'web' },
      ],
    ]);
    expect(await seenBy(server)).toBe(certificates[0]!.fingerprint256);
    expect(() => credentials.secureServer(server, 'web')).toThrow(
      expect.objectContaining({ code: 'ERR_CLIENTCERT_CERTIFICATE_REFUSED', hint: expect.any(String) }),
    );
  });

  it('goes on with other roots for clients, said by setSecureContext() before it is told again', async () => {
    const { credentials, renew } = await load(certificates[0]!);
    const clients = await createAuthority();
    const { fullChain: cert, key } = await clients.issue({ name: 'client' });
    const options = { requestCert: true, ca: authority.certificate };
    await using server = await listen(tls.createServer(options, (socket) => socket.end('welcome')));
    const { port } = server.address() as AddressInfo;
    const isLetIn = () =>
      new Promise((resolve) => {
        const socket = tls.connect({ host: '127.0.0.1', port, ca: authority.certificate, cert, key });
        socket
          .on('error', () => {})
          .on('data', () => resolve(socket.getPeerX509Certificate()?.fingerprint256));
        socket.on('close', () => resolve(false));
      });
    credentials.secureServer(server, 'web');
    expect(await isLetIn()).toBe(false);
    server.setSecureContext({ ca: clients.certificate });
    credentials.secureServer(server, 'web');
    expect(await isLetIn()).toBe(certificates[0]!.fingerprint256);
    await renew(certificates[1]!);
    expect(await isLetIn()).toBe(certificates[1]!.fingerprint256);
  });

  it('asks for the name of a certificate where none is given', async () => {
    const { credentials } = await load(certificates[0]!);
    const secure = credentials.secureServer.bind(credentials) as (server: tls.Server) => void;
    expect(() => secure(tls.createServer())).toThrow(
      expect.objectContaining({
        code: 'ERR_CLIENTCERT_CONFIG_INVALID',
        message: expect.stringContaining('the name of a certificate'),
        hint: expect.stringContaining('web'),
      }),
    );
  });

  it('after close() a server keeps what it presents, and no other is secured', async () => {
    const { credentials, renew } = await load(certificates[0]!);
    await using server = await listen(tls.createServer());
    credentials.secureServer(server, 'web');
    await credentials.close();
    await expect(renew(certificates[1]!)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CLOSED' });
    expect(await seenBy(server)).toBe(certificates[0]!.fingerprint256);
    expect(() => credentials.secureServer(server, 'web')).toThrow(
      expect.objectContaining({ code: 'ERR_CLIENTCERT_CLOSED' }),
    );
  });

  it('follows the certificate that it was told of last', async () => {
    const [a, b] = certificates as [IssuedCertificate, IssuedCertificate];
    let first = a;
    await using credentials = await loadCredentials({
      certificates: { a: () => sourceOf(first), b: sourceOf(b) },
    });
    credentials.on('warning', () => {});
    await using server = await listen(tls.createServer());
    credentials.secureServer(server, 'a');
    credentials.secureServer(server, 'b');
    first = await authority.issue({ name: 'c', hosts: ['localhost'] });
    await credentials.reload();
    expect(await seenBy(server)).toBe(b.fingerprint256);
  });

  it('a certificate that a new config drops is told of, and presented anew once it is back', async () => {
    const [a, b] = certificates as [IssuedCertificate, IssuedCertificate];
    const other = await loadOther();
    await using credentials = await loadCredentials({ certificates: { web: sourceOf(a), other } });
    const errors = vi.fn();
    credentials.on('warning', () => {}).on('error', errors);
    await using server = await listen(tls.createServer());
    credentials.secureServer(server, 'web');
    for (const _ of [1, 2]) await credentials.reload({ certificates: { other } });
    expect(errors.mock.calls).toMatchObject([
      [
        {
          code: 'ERR_CLIENTCERT_CERTIFICATE_UNKNOWN',
          message: expect.stringMatching(/"web" is no longer in the config, and a server presents it/),
          hint: expect.stringContaining('secureServer()'),
        },
        { name: 'web' },
      ],
    ]);
    expect(await seenBy(server)).toBe(a.fingerprint256);
    await credentials.reload({ certificates: { other, web: sourceOf(b) } });
    expect(await seenBy(server)).toBe(b.fingerprint256);
    expect(errors).toHaveBeenCalledTimes(1);
  });

  it('one that could not be read for a new config is presented as soon as it can be', async () => {
    const [a, b] = certificates as [IssuedCertificate, IssuedCertificate];
    const other = await loadOther();
    let found: FileSource | undefined;
    await using credentials = await loadCredentials({ certificates: { web: sourceOf(a), other } });
    credentials.on('warning', () => {}).on('error', () => {});
    await using server = await listen(tls.createServer());
    credentials.secureServer(server, 'web');
    const web = () => found ?? { cert: 'nowhere.pem' };
    await credentials.reload({ certificates: { web, other }, allowBroken: true });
    expect(credentials.certificates().map(({ name }) => name)).toEqual(['other']);
    found = sourceOf(b);
    expect((await credentials.reload()).changed).toContain('web');
    expect(await seenBy(server)).toBe(b.fingerprint256);
  });

  it.each<[string, unknown, string, string]>([
    ['a name that is unknown', 'wbe', 'ERR_CLIENTCERT_CERTIFICATE_UNKNOWN', '"wbe"'],
    ['what is no TLS server', null, 'ERR_CLIENTCERT_CONFIG_INVALID', 'TLS server'],
  ])('refuses %s', async (_, given, code, said) => {
    const { credentials } = await load(certificates[0]!);
    await using _credentials = credentials;
    const server = given === null ? (null as never) : tls.createServer();
    const name = (given ?? 'web') as 'web';
    expect(() => credentials.secureServer(server, name)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(said), hint: expect.any(String) }),
    );
  });

  describe('attack: secrets that show', () => {
    it('a passphrase in the place of a name is not repeated', async () => {
      const { credentials } = await load(certificates[0]!);
      await using _credentials = credentials;
      try {
        credentials.secureServer(tls.createServer(), 'Tr0ub4dor&3' as 'web');
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_CLIENTCERT_CERTIFICATE_UNKNOWN' });
        expect(inspect(error)).not.toContain('Tr0ub4dor');
      }
    });

    it('no key is on the server', async () => {
      const { credentials, renew } = await load(certificates[0]!);
      await using _credentials = credentials;
      await using server = await listen(https.createServer({ passphrase: 'x' }));
      credentials.secureServer(server, 'web');
      await renew(certificates[1]!);
      const shown = inspect(server, { depth: Infinity, showHidden: true });
      expect(shown).not.toContain('PRIVATE KEY');
      expect(shown).toContain('BEGIN CERTIFICATE');
    });

    it('nor one that OpenSSL does not take there, at first or as it is renewed', async () => {
      const [a, b] = certificates as [IssuedCertificate, IssuedCertificate];
      const strong = await authority.issue({
        name: 's',
        keyType: { ec: 'P-384' },
        hash: 'sha384',
        usage: 'both',
      });
      const { credentials, renew } = await load(a);
      await using _credentials = credentials;
      await using server = await listen(https.createServer({ ciphers: 'ECDHE+AESGCM:@SECLEVEL=4' }));
      const shown = () => inspect(server, { depth: Infinity, showHidden: true });
      expect(() => credentials.secureServer(server, 'web')).toThrow(
        expect.objectContaining({ code: 'ERR_CLIENTCERT_CERTIFICATE_REFUSED', hint: expect.any(String) }),
      );
      expect(shown()).not.toContain('PRIVATE KEY');
      await renew(strong);
      credentials.secureServer(server, 'web');
      const errors = vi.fn();
      credentials.on('error', errors);
      await renew(b);
      expect(errors.mock.calls).toMatchObject([
        [{ code: 'ERR_CLIENTCERT_CERTIFICATE_REFUSED' }, { name: 'web' }],
      ]);
      expect(shown()).not.toContain('PRIVATE KEY');
      expect(server).toMatchObject({ cert: strong.fullChain });
    });
  });

  describe('attack: identities that mix', () => {
    it('a server follows the credentials that it was handed to last, and those before no more', async () => {
      const [a, b] = certificates as [IssuedCertificate, IssuedCertificate];
      const [first, second] = await Promise.all([load(a), load(b)]);
      await using _first = first.credentials;
      await using _second = second.credentials;
      await using server = await listen(tls.createServer());
      first.credentials.secureServer(server, 'web');
      second.credentials.secureServer(server, 'web');
      await first.renew(await authority.issue({ name: 'c', hosts: ['127.0.0.1'], usage: 'both' }));
      expect(await seenBy(server)).toBe(b.fingerprint256);
      const next = await authority.issue({ name: 'd', hosts: ['127.0.0.1'], usage: 'both' });
      await second.renew(next);
      expect(await seenBy(server)).toBe(next.fingerprint256);
      first.credentials.secureServer(server, 'web');
      await second.renew(b);
      expect(await seenBy(server)).toBe(first.credentials.certificates()[0]!.fingerprint256);
    });

    it.each(['TLSv1.2', 'TLSv1.3'] as const)(
      'no session of before is resumed over %s, with ticket keys and a store of the server’s own, by a client whose root is gone',
      async (maxVersion) => {
        const next = await createAuthority({ name: 'Next' });
        const other = await next.issue({ name: 'other' });
        for (const [ticketKeys, secureOptions] of [
          [Buffer.alloc(48, 1), 0],
          [undefined, constants.SSL_OP_NO_TICKET],
        ] as const) {
          let ca = clients.certificate;
          await using credentials = await loadCredentials({
            certificates: { web: () => ({ ...sourceOf(certificates[0]!), ca }) },
          });
          credentials.on('warning', () => {});
          const options = { requestCert: true, maxVersion, ...(ticketKeys && { ticketKeys }) };
          const seen: [name: string | undefined, isReused: boolean][] = [];
          await using server = await listen(
            tls.createServer(options as tls.TlsOptions, (socket) => {
              seen.push([socket.getPeerX509Certificate()?.subject, socket.isSessionReused()]);
              socket.end('hello');
            }),
          );
          const stored = new Map<string, Buffer>();
          server.on('newSession', (id, data, done) => {
            stored.set(`${id}`, data);
            done();
          });
          server.on('resumeSession', (id, done) => done(null, stored.get(`${id}`) ?? null!));
          credentials.secureServer(server, 'web', { clientCa: 'certificate' });
          const call = async ({ fullChain: cert, key }: IssuedCertificate, session?: Buffer) => {
            const { socket, sessions } = await dial(server, { cert, key, session, secureOptions });
            await once(
              socket.on('error', () => {}),
              'close',
            );
            return sessions.at(-1) ?? session;
          };
          const session = await call(client);
          if (ticketKeys || maxVersion === 'TLSv1.2') {
            await call(client, session);
            expect(seen).toEqual([
              ['CN=client', false],
              ['CN=client', true],
            ]);
          }
          ca = next.certificate;
          await credentials.reload();
          seen.length = 0;
          await call(client, session).catch(() => {});
          await call(other);
          expect(seen).toEqual([['CN=other', false]]);
        }
      },
    );

    it('also those of another copy of this package', async () => {
      await using built = await buildModules('core');
      const copy = (await import(pathToFileURL(join(built.path, 'core.mjs')).href)) as {
        loadCredentials: typeof loadCredentials;
      };
      expect(copy.loadCredentials).not.toBe(loadCredentials);
      const [a, b] = certificates as [IssuedCertificate, IssuedCertificate];
      const { credentials, renew } = await load(a);
      await using _credentials = credentials;
      await using other = await copy.loadCredentials({ certificates: { web: sourceOf(b) } });
      other.on('warning', () => {});
      await using server = await listen(tls.createServer());
      credentials.secureServer(server, 'web');
      other.secureServer(server, 'web');
      await renew(await authority.issue({ name: 'c', hosts: ['127.0.0.1'], usage: 'both' }));
      expect(await seenBy(server)).toBe(b.fingerprint256);
    });
  });

  it('keeps no server alive', async () => {
    const { credentials } = await load(certificates[0]!);
    await using _credentials = credentials;
    const servers = Array.from({ length: 50 }, () => new WeakRef(tls.createServer()));
    for (const server of servers) credentials.secureServer(server.deref()!, 'web');
    const { setFlagsFromString } = await import('node:v8');
    const { runInNewContext } = await import('node:vm');
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await expect
      .poll(() => {
        collect();
        return servers.filter((server) => server.deref()).length;
      })
      .toBeLessThan(25);
  });
});
