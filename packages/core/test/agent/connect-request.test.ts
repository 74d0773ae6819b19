import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { type Authority, createAuthority, startServer } from '@clientcert/testing';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAnswer } from '../../src/agent/connect-request.ts';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { get } from '../support.ts';

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});

/** A proxy that answers with these bytes, a call through it, and what it was asked. */
async function answering(text: string, proxy: { user?: string; authorization?: string } = {}) {
  let asked = '';
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      asked += chunk;
    });
    socket.once('data', () => socket.end(text, 'latin1'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await using origin = await startServer({ authority });
  await using credentials = await loadCredentials({
    hosts: { [`127.0.0.1:${origin.port}`]: { ca: authority.certificate } },
  });
  const url = `http://${proxy.user ? `${proxy.user}@` : ''}127.0.0.1:${port}`;
  const { authorization } = proxy;
  const agent = credentials.agent({ proxy: authorization === undefined ? url : { url, authorization } });
  const failure = await get(origin.url, { agent }).catch((error) => error);
  server.close();
  expect(origin.connections).toBe(0);
  return { failure, asked, target: `127.0.0.1:${origin.port}` };
}

describe('a 407', () => {
  it.each([
    ['NTLM', ['Proxy-Authenticate: NTLM']],
    ['Negotiate, NTLM', ['proxy-authenticate: Negotiate', 'Proxy-Authenticate:NTLM TlRMTVNTUAAC==']],
    ['Negotiate, Kerberos, NTLM', ['Proxy-Authenticate: Negotiate, Kerberos realm="a, b=c \\" Basic", NTLM']],
  ])('that offers %s says so', async (offered, fields) => {
    const head = `HTTP/1.1 407 Proxy Authentication Required\r\n${fields.join('\r\n')}\r\n\r\n`;
    const { failure } = await answering(head, { user: 'me:secret' });
    expect(failure).toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_FAILED',
      message: expect.stringMatching(new RegExp(`407 Proxy Authentication Required; it offers ${offered}$`)),
      hint: expect.stringContaining('none of these'),
    });
  });

  it('that offers Basic, too, wants a user and a password, or others', async () => {
    const head = 'HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate, Basic realm="x"\r\n\r\n';
    expect((await answering(head)).failure.hint).toContain('http://user:password@');
    expect((await answering(head, { user: 'me:secret' })).failure.hint).toContain('does not take');
  });
});

describe('what is no answer of a proxy is an error that says so', () => {
  it.each([
    ['SSH-2.0-OpenSSH\r\n', 'does not answer as an HTTP proxy does'],
    ['\x15\x03\x01\0\x02\x02\x46', 'does not answer as an HTTP proxy does'],
    ['HTTP/1.1 20O OK\r\n\r\n', 'does not answer as an HTTP proxy does'],
    ['HTTP/1.1 200 OK\r\nx: ', 'without an answer'],
    ['', 'without an answer'],
    [`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}`, 'header without end'],
    ['HTTP/1.1 100 Continue\r\n\r\n'.repeat(5_000), 'does not answer|it answered 100'],
    ['HTTP/1.0 502 \x1b[31mBad\x07\r\n\r\n', /it answered 502 \[31mBad$/],
  ])('%j', async (text, expected) => {
    const { failure } = await answering(text);
    expect(failure).toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_FAILED',
      message: expect.stringMatching(expected),
    });
  });

  it('and an authorization that no header can hold is never written', async () => {
    const { failure, asked } = await answering('', { authorization: 'Basic x\r\nx-injected: 1' });
    expect(failure.message).toContain('characters that no header can hold');
    expect(failure.message).not.toContain('injected');
    expect(asked).toBe('');
  });
});

describe('attack: rules that are weakened', () => {
  it('a host name whose characters end in the bytes of a line break writes no line of the request', async () => {
    let asked = '';
    const proxy = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        asked += chunk;
        socket.end('HTTP/1.1 403 No\r\n\r\n');
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as { port: number };
    await using credentials = await loadCredentials({ proxy: `http://127.0.0.1:${port}` });
    // In Latin-1, as headers are written, U+010D U+010A are CR LF, U+0120 is a space and U+013A a colon.
    const host = 'a.example\u010d\u010ax-injected\u013a\u01201\u010d\u010ay.example';
    const failure = await get('https://localhost', {
      agent: credentials.agent(),
      hostname: host,
      headers: { host: 'a.example' },
    }).catch((error) => error);
    proxy.close();
    expect(failure.code).toMatch(/^ERR_CLIENTCERT_(PROXY_FAILED|HOST_INVALID)$/);
    expect(asked).not.toContain('injected:');
    expect(asked.split('\r\n').length).toBeLessThanOrEqual(4);
    expect(asked).toMatch(/^CONNECT [!-~]+ HTTP\/1\.1\r\nhost: [!-~]+\r\n\r\n$/);
  });
});

it('asks as RFC 9110 says', async () => {
  const { asked, target } = await answering('HTTP/1.1 403 No\r\n\r\n', { user: 'me:p%zz' });
  const authorization = `Basic ${Buffer.from('me:p%zz').toString('base64')}`;
  expect(asked).toBe(
    `CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\nproxy-authorization: ${authorization}\r\n\r\n`,
  );
});

it('an answer is read the same however it is cut, and what follows it is the tunnel’s', () => {
  const answer = fc.record({
    interim: fc.integer({ min: 0, max: 2 }),
    status: fc.integer({ min: 200, max: 599 }),
    fields: fc.array(fc.stringMatching(/^x-[a-z]{1,5}: [ -~]{0,20}$/), { maxLength: 5 }),
    line: fc.constantFrom('\r\n', '\n'),
    rest: fc.uint8Array({ maxLength: 30 }),
  });
  fc.assert(
    fc.property(answer, fc.nat(400), ({ interim, status, fields, line, rest }, cut) => {
      const head = `HTTP/1.1 ${status} Reason${line}${fields.map((field) => field + line).join('')}${line}`;
      const whole = Buffer.concat([
        Buffer.from(`HTTP/1.1 100 Continue${line}${line}`.repeat(interim) + head),
        rest,
      ]);
      expect(parseAnswer(whole)).toEqual({ status, reason: 'Reason', schemes: [], rest: Buffer.from(rest) });
      const part = whole.subarray(0, Math.min(cut, whole.length - rest.length - 1));
      expect(parseAnswer(part)).toBeUndefined();
    }),
  );
});

it('any bytes at all are an answer, an error or not enough', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, prefixed) => {
      const answer = parseAnswer(Buffer.concat([Buffer.from(prefixed ? 'HTTP/1.1 ' : ''), bytes]));
      expect(['object', 'string', 'undefined']).toContain(typeof answer);
    }),
  );
});

describe('attack: secrets that show', () => {
  const basic = Buffer.from('me:hunter2').toString('base64');
  it.each([
    ['a token', { authorization: 'Bearer tok-0123456789-abcdef' }, 'tok-0123456789-abcdef'],
    ['a part of it', { authorization: 'Bearer tok-0123456789-abcdef' }, '0123456789'],
    ['what has no scheme', { authorization: 'tok-0123456789-abcdef' }, 'tok-0123456789-abcdef'],
    ['a user and password as they are sent', { user: 'me:hunter2' }, basic],
    ['a password', { user: 'me:hunter2' }, 'hunter2'],
    ['a password that is written as what is sent', { authorization: `Basic ${basic}` }, 'hunter2'],
  ] as const)('what a proxy repeats of what it was told is in no error: %s', async (_, proxy, said) => {
    for (const fields of [
      `407 who is ${said}\r\nProxy-Authenticate: Negotiate, ${said}, ${said} realm="x"`,
      `403 no ${said}`,
    ]) {
      const { failure, asked } = await answering(`HTTP/1.1 ${fields}\r\n\r\n`, proxy);
      expect(asked).toMatch(/^proxy-authorization: /m);
      expect(failure.message).toMatch(/it answered 40[37](; it offers Negotiate)?$/);
      expect(inspect(failure, { depth: 20, showHidden: true })).not.toContain(said);
    }
  });
});
