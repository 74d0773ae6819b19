import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import https from 'node:https';
import { connect } from 'node:net';
import { checkServerIdentity, createSecureContext, type PeerCertificate } from 'node:tls';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterOf } from '../../src/adapter.ts';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { certificateFor, get, sourceOf, subjects } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;
let mallory: IssuedCertificate;

beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
  mallory = await authority.issue({ name: 'mallory' });
});

const load = (port: number, rule: object = {}) =>
  loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { [`127.0.0.1:${port}`]: { certificate: 'alice', ...rule } },
  });

describe('TLS options of a request count', () => {
  it('maxVersion, ciphers, ALPN and servername reach the server, beside the certificate', async () => {
    await using server = await startServer({ authority, hosts: ['127.0.0.1', 'alias.test'] });
    await using credentials = await load(server.port);
    const agent = credentials.agent();
    await get(server.url, { agent, maxVersion: 'TLSv1.2' });
    await get(server.url, { agent, ALPNProtocols: ['http/1.1'] });
    await get(server.url, { agent, servername: 'alias.test' });
    await get(server.url, { agent });
    expect(server.requests.map(({ protocol }) => protocol)).toEqual([
      'TLSv1.2',
      'TLSv1.3',
      'TLSv1.3',
      'TLSv1.3',
    ]);
    expect(server.requests.map(({ alpn }) => alpn)).toEqual([null, 'http/1.1', null, null]);
    expect(server.requests[2]?.servername).toBe('alias.test');
    expect(subjects(server)).toEqual(['alice', 'alice', 'alice', 'alice']);
  });

  it('a socket of their own is their way, to a server that proves the name of the host', async () => {
    await using server = await startServer({ authority });
    const certificate = await authority.issue({ name: 'other', hosts: ['other.example'], usage: 'server' });
    await using other = await startServer({ authority, certificate });
    await using credentials = await load(443);
    const over = (port: number) =>
      get('https://127.0.0.1', { agent: credentials.agent(), socket: connect(port, '127.0.0.1') } as object);
    await over(server.port);
    await expect(over(other.port)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(subjects(server)).toEqual(['alice']);
    expect(other.requests).toEqual([]);
  });

  it('a ca of another authority is not enough, and does not spoil the next request', async () => {
    const stranger = await createAuthority();
    await using server = await startServer({ authority });
    // The root comes with the rule's certificate, so only `trust: only` elsewhere could narrow it.
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key } },
      hosts: { [`127.0.0.1:${server.port}`]: 'alice' },
    });
    const agent = credentials.agent();
    await expect(get(server.url, { agent, ca: stranger.certificate })).rejects.toThrow();
    await get(server.url, { agent, ca: authority.certificate });
    await get(server.url, { agent, ca: [authority.certificate] });
    await expect(get(server.url, { agent })).rejects.toThrow();
    expect(subjects(server)).toEqual(['alice', 'alice']);
  });

  it('checkServerIdentity is asked, and a pooled socket that another has checked is not taken', async () => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    const agent = credentials.agent();
    await get(server.url, { agent });
    const refuse = () => new Error('not this one');
    await expect(get(server.url, { agent, checkServerIdentity: refuse })).rejects.toThrow('not this one');
    await get(server.url, { agent, checkServerIdentity });
    expect(server.requests).toHaveLength(2);
  });

  it('those of the agent count as well', async () => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    await get(server.url, { agent: credentials.agent({ maxVersion: 'TLSv1.2' }) });
    expect(server.requests[0]).toMatchObject({ protocol: 'TLSv1.2', authorized: true });
  });

  it('equal ones share a connection, and many different ones stay bounded', async () => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    const agent = credentials.agent();
    for (let round = 0; round < 2; round++)
      await get(server.url, { agent, sigalgs: 'ECDSA+SHA256:RSA-PSS+SHA256' });
    expect(server.connections).toBe(1);
    for (let count = 0; count < 40; count++) {
      await get(server.url, { agent, sessionTimeout: 100 + count, headers: { connection: 'close' } });
    }
    expect(subjects(server)).toEqual(Array(42).fill('alice'));
  });

  it('so does one function that checks the server for several requests, which Node itself numbers', async () => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    const agent = credentials.agent();
    const check: typeof checkServerIdentity = (host, certificate) => checkServerIdentity(host, certificate);
    for (let round = 0; round < 3; round++) await get(server.url, { agent, checkServerIdentity: check });
    expect([server.connections, Object.keys(agent.freeSockets).length]).toEqual([1, 1]);
    await get(server.url, { agent, checkServerIdentity: (...given) => check(...given) });
    expect([server.connections, server.requests.length]).toEqual([2, 4]);
  });
});

describe('an identity of the caller’s own', () => {
  const own = {
    cert: () => ({ cert: mallory.cert, key: mallory.key }),
    pfx: async () => ({ pfx: await mallory.pfx('x'), passphrase: 'x' }),
    secureContext: () => ({
      secureContext: createSecureContext({ cert: mallory.cert, key: mallory.key, ca: authority.certificate }),
    }),
  };

  it.each(Object.keys(own) as (keyof typeof own)[])('%s is a conflict at a pinned host', async (kind) => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    const options = await own[kind]();
    await expect(get(server.url, { agent: credentials.agent(), ...options } as object)).rejects.toMatchObject(
      {
        code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
        message: expect.stringContaining(`hosts["127.0.0.1:${server.port}"]`),
      },
    );
    expect(server.connections).toBe(0);
  });

  it('is a conflict where a rule says false', async () => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { '127.0.0.1': false },
    });
    await expect(get(server.url, { agent: credentials.agent(), ...own.cert() })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
    });
    expect(server.connections).toBe(0);
  });

  it.each(Object.keys(own) as (keyof typeof own)[])(
    '%s is theirs to use at any other host, and never shared with requests without it',
    async (kind) => {
      await using server = await startServer({ authority, clientCertificate: 'optional' });
      await using credentials = await loadCredentials({
        certificates: { alice: sourceOf(alice, authority) },
        hosts: { 'api.bank.example': 'alice' },
      });
      const agent = credentials.agent({ ca: authority.certificate });
      const options = (await own[kind]()) as object;
      for (let round = 0; round < 2; round++) {
        await get(server.url, { agent, ...options });
        await get(server.url, { agent });
      }
      expect(subjects(server)).toEqual(['mallory', null, 'mallory', null]);
      expect(server.connections).toBe(2);
      expect(JSON.stringify(Object.keys(agent.freeSockets))).not.toContain('PRIVATE KEY');
    },
  );
});

describe('roots of a caller’s that are none', () => {
  it.each(['', false, 0])('leave those of the rule, and Node’s: %o', async (ca) => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await load(server.port);
    await get(server.url, { agent: credentials.agent(), ca } as object);
    expect(subjects(server)).toEqual(['alice']);
  });
});

describe('what is weaker than the rule is refused before a connection', () => {
  it.each([
    [{ rejectUnauthorized: false }, 'ERR_CLIENTCERT_VERIFICATION_OFF'],
    [{ minVersion: 'TLSv1' }, 'ERR_CLIENTCERT_AGENT_CONFLICT'],
    [{ ciphers: 'DEFAULT@SECLEVEL=0' }, 'ERR_CLIENTCERT_AGENT_CONFLICT'],
    [{ secureOptions: 0x4 }, 'ERR_CLIENTCERT_AGENT_CONFLICT'],
    [{ minDHSize: 512 }, 'ERR_CLIENTCERT_AGENT_CONFLICT'],
    [{ allowPartialTrustChain: true }, 'ERR_CLIENTCERT_AGENT_CONFLICT'],
    [{ session: Buffer.alloc(1) }, 'ERR_CLIENTCERT_AGENT_CONFLICT'],
    [{ pskCallback: () => null }, 'ERR_CLIENTCERT_AGENT_CONFLICT'],
    [{ secureProtocol: 'TLSv1_method' }, 'ERR_CLIENTCERT_AGENT_CONFLICT'],
  ] as const)('%o', async (options, code) => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    await expect(get(server.url, { agent: credentials.agent(), ...options })).rejects.toMatchObject({ code });
    expect(server.connections).toBe(0);
  });

  it.each([
    [false, {}],
    [0, {}],
    [{}, {}],
    [false, { minVersion: 'TLSv1.2' }],
    [0, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }],
    [Object('TLS_method'), { minVersion: 'TLSv1.2' }],
  ])('a method that is none takes no pin away: %o, %o', async (secureProtocol, versions) => {
    await using server = await startServer({ authority, tls: 'TLSv1.2' });
    await using credentials = await load(server.port, { tls: 'TLSv1.3' });
    const options = { agent: credentials.agent(), secureProtocol, ...versions } as object;
    await expect(get(server.url, options)).rejects.toThrow();
    expect(server.requests).toHaveLength(0);
  });

  it('but stays the caller’s choice at a host that no rule names', async () => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({ hosts: {} });
    await get(server.url, { agent: credentials.agent(), rejectUnauthorized: false });
    expect(subjects(server)).toEqual([null]);
  });
});

describe('attack: rules that are weakened', () => {
  it.each([
    [{ tls: 'TLSv1.2' }, { maxVersion: 'TLSv1.3' }],
    [{ tls: 'TLSv1.2' }, { minVersion: 'TLSv1.3' }],
    [{ tls: 'TLSv1.3' }, { minVersion: 'TLSv1.2' }],
    [{ tls: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }],
    [{ tls: 'TLSv1.3' }, { secureProtocol: 'TLSv1_2_method' }],
    [{ tls: 'TLSv1.3' }, { secureProtocol: 'TLSv1_2_method\0' }],
    [{ tls: { min: 'TLSv1', legacy: true } }, { ciphers: 'ALL:eNULL\0' }],
    [{ tls: { min: 'TLSv1', max: 'TLSv1.2', legacy: true } }, { maxVersion: 'TLSv1.3' }],
  ] as const)('a caller goes out of a pin: %o, %o', async (rule, options) => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port, rule);
    await expect(get(server.url, { agent: credentials.agent(), ...options })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
      hint: expect.stringMatching(/TLSv1/),
    });
    expect(server.connections).toBe(0);
  });

  it('a caller goes out of a pin for all hosts, where no rule names the host', async () => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({ tls: 'TLSv1.2' });
    const ca = authority.certificate;
    const agent = credentials.agent({ ca });
    for (const options of [
      { maxVersion: 'TLSv1.3' },
      { secureContext: createSecureContext({ ca }) },
      { secureContext: createSecureContext({ ca, maxVersion: 'TLSv1.2' }) },
    ] as const) {
      await get(server.url, { agent, ...options } as object).catch((error) =>
        expect(error).toMatchObject({
          code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
          message: expect.stringMatching(/^tls: /),
        }),
      );
    }
    await get(server.url, { agent, maxVersion: 'TLSv1.2' });
    await get(server.url, { agent });
    expect(server.requests.map(({ protocol }) => protocol)).toEqual(['TLSv1.2', 'TLSv1.2', 'TLSv1.2']);
  });

  it('a caller’s own roots where only those of the rule are trusted', async () => {
    const stranger = await createAuthority();
    await using server = await startServer({ authority: stranger, clientCertificate: 'optional' });
    await using credentials = await load(server.port, { trust: 'only' });
    const options = { agent: credentials.agent(), ca: stranger.certificate };
    await expect(get(server.url, options)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    expect(server.connections).toBe(0);
  });

  it.each([false, true])(
    'nor a PFX of a caller’s that holds roots, which Node trusts (in a list: %s)',
    async (isListed) => {
      const stranger = await createAuthority();
      await using server = await startServer({ authority: stranger, clientCertificate: 'optional' });
      await using credentials = await loadCredentials({
        hosts: { [`127.0.0.1:${server.port}`]: { trust: 'only', ca: authority.certificate } },
      });
      const buf = await mallory.pfx('x', { chain: stranger.certificate });
      const options = isListed ? { pfx: [{ buf, passphrase: 'x' }] } : { pfx: buf, passphrase: 'x' };
      const call = get(server.url, { agent: credentials.agent(), ...options });
      await expect(call).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
      expect(server.connections).toBe(0);
    },
  );

  it('a caller’s own check that writes to the certificate that it is handed', async () => {
    await using server = await startServer({ authority });
    const pinned = new X509Certificate((await certificateFor('127.0.0.1', authority)).cert);
    const key = pinned.publicKey.export({ type: 'spki', format: 'der' });
    const spki = [`sha256/${createHash('sha256').update(key).digest('base64')}`];
    await using credentials = await load(server.port, { spki });
    const checkServerIdentity = (_: string, certificate: PeerCertificate) =>
      void Object.assign(certificate, { raw: pinned.raw });
    const call = get(server.url, { agent: credentials.agent(), checkServerIdentity });
    await expect(call).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_SERVER_KEY_MISMATCH' });
    expect(server.requests).toEqual([]);
  });

  it('a caller’s own check in place of the name’s', async () => {
    const certificate = await certificateFor('other.example', authority);
    await using server = await startServer({ authority, certificate });
    await using credentials = await load(server.port);
    const asked: string[] = [];
    const check = (host: string) => void asked.push(host);
    const options = { agent: credentials.agent(), checkServerIdentity: check };
    await expect(get(server.url, options)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect([server.requests, asked]).toEqual([[], []]);

    await using right = await startServer({ authority });
    await using other = await load(right.port);
    await get(right.url, { agent: other.agent(), checkServerIdentity: check });
    expect(asked).toEqual(['127.0.0.1']);
  });

  it.each([
    { trust: 'only' },
    { tls: 'TLSv1.2' },
    { servername: 'api.bank.example' },
    { server: 'spiffe://bank.example' },
  ] as const)('a caller’s own secure context or agent at a rule without a certificate: %o', async (rule) => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({
      hosts: { [`127.0.0.1:${server.port}`]: { ca: authority.certificate, ...rule } },
    });
    const secureContext = createSecureContext({ maxVersion: 'TLSv1.2', ca: authority.certificate });
    const call = get(server.url, { agent: credentials.agent(), secureContext } as object);
    await expect(call).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    const target = { host: '127.0.0.1', port: server.port };
    expect(() => adapterOf(credentials).refuseOwn(target, 'httpsAgent')).toThrow(/httpsAgent/);
    expect(server.connections).toBe(0);
  });
});

describe('a caller may be stricter', () => {
  it.each([
    [{ maxVersion: 'TLSv1.2' }, 'TLSv1.2'],
    [{ minVersion: 'TLSv1.3' }, 'TLSv1.3'],
    [{ secureProtocol: 'TLSv1_2_method' }, 'TLSv1.2'],
    [{ secureProtocol: 'TLSv1_2_client_method' }, 'TLSv1.2'],
    [{ secureProtocol: 'SSLv23_method' }, 'TLSv1.2'],
    [{ secureProtocol: 'TLS_method' }, 'TLSv1.3'],
  ] as const)('%o', async (options, protocol) => {
    await using server = await startServer({ authority });
    await using other = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await load(server.port);
    const agent = credentials.agent();
    await get(server.url, { agent, ...options });
    // And where no rule names the host, as with an agent of Node's.
    await get(other.url, { agent, ca: authority.certificate, ...options });
    expect([...server.requests, ...other.requests].map((seen) => seen.protocol)).toEqual([
      protocol,
      protocol,
    ]);
    expect(subjects(server)).toEqual(['alice']);
  });

  it('and verify where the rule does not', async () => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({
      hosts: { [`127.0.0.1:${server.port}`]: { dangerouslyAcceptAnyServer: true } },
    });
    const agent = credentials.agent();
    await get(server.url, { agent });
    for (const rejectUnauthorized of [true, 'true' as unknown as boolean])
      await expect(get(server.url, { agent, rejectUnauthorized })).rejects.toThrow();
    expect(server.requests).toHaveLength(1);
  });
});

describe('what OpenSSL does not take of a caller’s options is said of them', () => {
  it.each([
    { ciphers: 'NO-SUCH-CIPHER' },
    { sigalgs: 'NO-SUCH+SHA256' },
    { ecdhCurve: 'no-such-curve' },
    { crl: 'no list' },
    { secureProtocol: 'SSLv3_method' },
    { minVersion: 'TLSv9' as 'TLSv1.3' },
  ])('%o', async (options) => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    const [name] = Object.keys(options);
    await expect(get(server.url, { agent: credentials.agent(), ...options })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
      message: expect.stringContaining(`"${name}"`),
      cause: expect.any(Error),
    });
    expect(server.connections).toBe(0);
    // An option of theirs says nothing against those of others.
    await get(server.url, { agent: credentials.agent() });
    expect(subjects(server)).toEqual(['alice']);
  });

  it.each([undefined, 1])(
    'as an error of the request, and not thrown at who makes it, who may listen to that alone (maxSockets: %s)',
    async (maxSockets) => {
      await using server = await startServer({ authority });
      await using credentials = await load(server.port);
      const agent = credentials.agent({ maxSockets });
      const request = () => https.get(server.url, { agent, ciphers: 'NO-SUCH-CIPHER' });
      const failures = await Promise.all([request(), request()].map((each) => once(each, 'error')));
      for (const [error] of failures) expect(error).toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
      expect([server.connections, Object.keys(agent.sockets)]).toEqual([0, []]);
    },
  );
});

describe('attack: identities that mix', () => {
  /** The same key and certificate in every form that Node takes. */
  const forms: Record<string, (text: string) => unknown> = {
    string: (text) => text,
    Buffer: (text) => Buffer.from(text),
    Uint8Array: (text) => new Uint8Array(Buffer.from(text)),
    DataView: (text) => new DataView(new Uint8Array(Buffer.from(text)).buffer),
    Int8Array: (text) => new Int8Array(Buffer.from(text)),
    'list of strings': (text) => [text],
    'list of DataViews': (text) => [new DataView(new Uint8Array(Buffer.from(text)).buffer)],
    'list of { pem }': (text) => [{ pem: text }],
    'list of { pem } as DataView': (text) => [
      { pem: new DataView(new Uint8Array(Buffer.from(text)).buffer) },
    ],
    'list of { pem, passphrase }': (text) => [{ pem: Buffer.from(text), passphrase: 'x' }],
  };

  it.each(Object.keys(forms))('keys and certificates given as %s share no connection', async (form) => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({ hosts: {} });
    const agent = credentials.agent({ ca: authority.certificate });
    const shape = forms[form]!;
    const seen = [];
    for (const each of [mallory, alice, mallory]) {
      const cert = form.includes('pem') ? Buffer.from(each.cert) : shape(each.cert);
      const options = { agent, cert, key: shape(each.key) } as object;
      await get(server.url, options);
      seen.push(subjects(server).at(-1));
    }
    expect(seen).toEqual(['mallory', 'alice', 'mallory']);
    expect(server.connections).toBe(2);
  });

  it.each([
    'Buffer',
    'DataView',
    'list of { buf }',
    'list of { buf } as DataView',
    'list of { buf } that no loop finds',
  ])('PFX files given as %s share no connection', async (form) => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({ hosts: {} });
    const agent = credentials.agent({ ca: authority.certificate });
    for (const each of [mallory, alice]) {
      const bytes = await each.pfx('x');
      const view = form.includes('DataView') ? new DataView(new Uint8Array(bytes).buffer) : bytes;
      const bag = { buf: view, passphrase: 'x' };
      if (form.includes('no loop')) Object.defineProperty(bag, 'buf', { enumerable: false });
      const pfx = form.startsWith('list') ? [bag] : view;
      await get(server.url, { agent, pfx, passphrase: 'x' } as object);
    }
    expect(subjects(server)).toEqual(['mallory', 'alice']);
  });

  it.each(['', ', while it waits over a new config'])(
    'what is in a list is read once, and is not what its caller makes of it later%s',
    async (when) => {
      await using server = await startServer({ authority, clientCertificate: 'optional' });
      await using credentials = await loadCredentials({ hosts: {} });
      const agent = credentials.agent({ ca: authority.certificate, maxSockets: 1 });
      const [hers, his] = await Promise.all([mallory.pfx('x'), alice.pfx('x')]);
      const bag = { buf: hers, passphrase: 'x' };
      const close = { headers: { connection: 'close' } };
      // Node makes the connection of what is queued with the options of the one before.
      const requests = [get(`${server.url}/delay?ms=300`, { agent, pfx: [bag], ...close } as object)];
      requests.push(get(server.url, { agent, pfx: [{ ...bag }] } as object));
      bag.buf = his;
      if (when) await credentials.reload({ hosts: { 'a.example': false } });
      await Promise.all(requests);
      await get(server.url, { agent, pfx: [{ ...bag, buf: hers }] } as object);
      expect(subjects(server)).toEqual(['mallory', 'mallory', 'mallory']);
    },
  );

  it('roots given as DataView are told apart', async () => {
    const stranger = await createAuthority();
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({ hosts: {} });
    const agent = credentials.agent();
    const view = (text: string) => [new DataView(new Uint8Array(Buffer.from(text)).buffer)];
    await get(server.url, { agent, ca: view(authority.certificate) as unknown as string });
    const strict = get(server.url, { agent, ca: view(stranger.certificate) as unknown as string });
    await expect(strict).rejects.toThrow();
    expect(server.requests).toHaveLength(1);
  });
});
