import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startConsole } from '../src/index.ts';
import { aConsole, aPage, gone, someFunctions } from './asking.ts';

const SESSION = /^clientcert-console=[\w-]{43}; Path=(\/[\w-]{16}\/); HttpOnly; SameSite=Strict$/;

describe('attack: secrets that show', () => {
  it('listens at one address of loopback, and at no other of the machine', async () => {
    await using console = await aConsole();
    // All of 127.0.0.0/8 is loopback on Linux, and what listens everywhere answers at each of it.
    const socket = connect(console.port, '127.0.0.2');
    await expect(once(socket, 'connect')).rejects.toThrow(/ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH|EINVAL/);
  });

  it('lets one browser in with the address that was printed, and nobody with it afterwards', async () => {
    await using console = await aConsole();
    const { ask, base, token } = console;
    const both = await Promise.all([
      ask('GET', `${base}?token=${token}`),
      ask('GET', `${base}?token=${token}`),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 403]);
    const [first] = both.filter(({ status }) => status === 200);
    expect(first!.headers['set-cookie']).toEqual([expect.stringMatching(SESSION)]);
    const late = await ask('GET', `${base}?token=${token}`);
    expect(late).toMatchObject({
      status: 403,
      headers: expect.not.objectContaining({ 'set-cookie': expect.anything() }),
    });
    expect(late.body).toContain('start the command again');
    // The browser that is in loads it again: it stays in, and gets no other cookie.
    const cookie = first!.headers['set-cookie']![0]!.split(';')[0]!;
    const again = await ask('GET', `${base}?token=${token}`, { cookie });
    expect([again.status, again.headers['set-cookie']]).toEqual([200, undefined]);
  });

  it.each([
    ['no token', () => ''],
    ['an empty one', () => '?token='],
    ['another', () => `?token=${'A'.repeat(43)}`],
    ['the beginning of it', (token: string) => `?token=${token.slice(0, 42)}`],
    ['more than it', (token: string) => `?token=${token}A`],
  ])('lets nobody in with %s, and the token is still good', async (_, query) => {
    await using console = await aConsole();
    const said = await console.ask('GET', `${console.base}${query(console.token)}`);
    expect(said.status).toBe(403);
    expect(said.headers['set-cookie']).toBeUndefined();
    expect(await console.letIn()).toMatch(/^clientcert-console=/);
  });

  it('takes the token in no other way than the first page of a browser', async () => {
    await using console = await aConsole();
    const { ask, base, token, origin } = console;
    for (const method of ['HEAD', 'POST', 'PUT', 'OPTIONS'])
      expect((await ask(method, `${base}?token=${token}`, { origin })).headers['set-cookie']).toBeUndefined();
    expect((await ask('GET', `/?token=${token}`)).status).toBe(404);
    expect((await ask('GET', `${base}?token=${token}`, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect(await console.letIn()).toMatch(/^clientcert-console=/);
  });

  it.each([
    ['none', () => undefined],
    ['another', () => `clientcert-console=${'A'.repeat(43)}`],
    ['the token', (_: string, token: string) => `clientcert-console=${token}`],
    ['half of it', (cookie: string) => cookie.slice(0, -1)],
    ['another name', (cookie: string) => cookie.replace('console', 'consol')],
  ])('answers nothing to a cookie that is %s', async (_, forge) => {
    await using console = await aConsole();
    const { ask, act, base, token, functions } = console;
    const cookie = forge(await console.letIn(), token);
    const headers: Record<string, string> = cookie === undefined ? {} : { cookie };
    for (const path of ['', 'main.js', 'download/x'])
      expect(await ask('GET', `${base}${path}`, headers)).toMatchObject({
        status: 403,
        body: expect.not.stringContaining('the page'),
      });
    expect((await act(cookie ?? '', 'state')).status).toBe(403);
    expect(functions.called).toEqual([]);
  });

  it('is below a path that is another each time, which is all that a cookie is sent to', async () => {
    await using console = await aConsole();
    await using other = await aConsole();
    expect(console.base).not.toBe(other.base);
    const cookie = await console.letIn();
    expect((await console.ask('GET', '/', { cookie })).status).toBe(404);
    expect((await console.ask('GET', '/main.js', { cookie })).status).toBe(404);
    expect((await console.ask('GET', '/favicon.ico', { cookie })).body).toBe('There is nothing here.\n');
  });

  it('tells nothing of what an error said, and has no secret in an address', async () => {
    await using console = await aConsole();
    const cookie = await console.letIn();
    const { body } = await console.act(cookie, 'fail');
    expect(JSON.parse(body)).toEqual({ errors: [{ message: 'it failed', hint: 'Do better.' }] });
    const page = await console.ask('GET', console.base, { cookie });
    expect(JSON.stringify(page)).not.toContain(console.token);
    expect(JSON.stringify(page)).not.toContain(cookie.split('=')[1]);
    expect(page.headers['referrer-policy']).toBe('no-referrer');
    expect(page.headers['cache-control']).toBe('no-store');
  });

  it('hands a file out once, to whoever asked for it, as a file and not as a page', async () => {
    await using console = await aConsole();
    const cookie = await console.letIn();
    const { result } = JSON.parse((await console.act(cookie, 'file')).body) as { result: { href: string } };
    expect(JSON.stringify(result)).not.toContain('the file');
    const path = `${console.base}${result.href}`;
    expect((await console.ask('GET', path)).status).toBe(403);
    expect((await console.ask('GET', path, { cookie, 'sec-fetch-site': 'same-site' })).status).toBe(403);
    const file = await console.ask('GET', path, { cookie });
    expect(file).toMatchObject({ status: 200, body: 'the file' });
    expect(file.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': "attachment; filename*=UTF-8''..%2F%22%C3%A9vil%0D%0Aset-cookie%3A%20a%3Db",
    });
    expect(file.headers['set-cookie']).toBeUndefined();
    expect((await console.ask('GET', path, { cookie })).status).toBe(404);
  });

  it('reads no file but those of the page, whatever the path says', async () => {
    await using console = await aConsole();
    const cookie = await console.letIn();
    const { base, host } = console;
    const ways = [
      '../../../../etc/passwd',
      '%2e%2e/%2e%2e/etc/passwd',
      '..%2f..%2fetc%2fpasswd',
      '/etc/passwd',
      '..\\..\\etc\\passwd',
      'notes.txt',
      'index.html/',
      'constructor',
      '__proto__',
      'toString',
    ];
    for (const way of ways) {
      const said = await console.raw(
        `GET ${base}${way} HTTP/1.1\r\nhost: ${host}\r\ncookie: ${cookie}\r\nconnection: close\r\n\r\n`,
      );
      expect(said, way).toMatch(/^HTTP\/1\.1 404 /);
    }
    for (const name of ['constructor', '__proto__', 'toString', '../state', 'state/'])
      expect((await console.act(cookie, name)).status, name).toBe(404);
    expect((await console.ask('GET', base, { cookie })).body).toContain('the page');
  });
});

describe('attack: rules that are weakened', () => {
  it.each([
    ['a name that leads here (DNS rebinding)', (port: number) => `attacker.example:${port}`],
    ['a name of loopback', (port: number) => `localhost:${port}`],
    ['another spelling of the address', (port: number) => `127.1:${port}`],
    ['the address without its port', () => '127.0.0.1'],
    ['another port', (port: number) => `127.0.0.1:${port === 80 ? 81 : 80}`],
    ['user information', (port: number) => `127.0.0.1:${port}@attacker.example`],
  ])('answers nobody whose Host is %s', async (_, host) => {
    await using console = await aConsole();
    const { ask, base, token, port, functions, origin } = console;
    expect((await ask('GET', `${base}?token=${token}`, { host: host(port) })).status).toBe(421);
    const cookie = await console.letIn();
    expect((await ask('GET', base, { host: host(port), cookie })).status).toBe(421);
    const headers = { host: host(port), cookie, origin, 'content-type': 'application/json' };
    expect((await ask('POST', `${base}api/state`, headers, '{}')).status).toBe(421);
    expect(functions.called).toEqual([]);
  });

  it('answers nobody who says two hosts, none, or another in the first line', async () => {
    await using console = await aConsole();
    const cookie = await console.letIn();
    const { base, host, raw } = console;
    const end = `cookie: ${cookie}\r\nconnection: close\r\n\r\n`;
    expect(
      await raw(`GET ${base} HTTP/1.1\r\nhost: ${host}\r\nhost: attacker.example\r\n${end}`),
    ).not.toMatch(/ 200 /);
    expect(
      await raw(`GET ${base} HTTP/1.1\r\nhost: attacker.example\r\nhost: ${host}\r\n${end}`),
    ).not.toMatch(/ 200 /);
    expect(await raw(`GET ${base} HTTP/1.0\r\n${end}`)).not.toMatch(/ 200 /);
    expect(await raw(`GET ${base} HTTP/1.1\r\nhost:\r\n${end}`)).not.toMatch(/ 200 /);
    expect(await raw(`GET http://attacker.example${base} HTTP/1.1\r\nhost: ${host}\r\n${end}`)).not.toMatch(
      / 200 /,
    );
    expect(await raw(`GET ${base} HTTP/1.1\r\nhost: ${host}\r\n${end}`)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([
    ['another site', () => 'https://attacker.example'],
    ['another port of loopback', (port: number) => `http://127.0.0.1:${port - 1}`],
    ['the same under https', (port: number) => `https://127.0.0.1:${port}`],
    ['a name of loopback', (port: number) => `http://localhost:${port}`],
    ['nobody, as a frame in a sandbox says', () => 'null'],
    ['our own and more', (port: number) => `http://127.0.0.1:${port}.attacker.example`],
  ])('does nothing for a page of %s, though the browser sends the cookie along', async (_, from) => {
    await using console = await aConsole({ write: true });
    const cookie = await console.letIn();
    const { act, ask, base, port, functions } = console;
    for (const name of ['state', 'save'])
      expect((await act(cookie, name, {}, { origin: from(port) })).status).toBe(403);
    expect((await ask('GET', base, { cookie, origin: from(port) })).status).toBe(403);
    expect(functions.called).toEqual([]);
  });

  it('does nothing for who does not say where it comes from, or sends a form', async () => {
    await using console = await aConsole({ write: true });
    const cookie = await console.letIn();
    const { ask, base, origin, functions, act } = console;
    const json = { 'content-type': 'application/json' };
    expect((await ask('POST', `${base}api/save`, { cookie, ...json }, '{}')).status).toBe(403);
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/jsonp',
      '',
    ])
      expect((await act(cookie, 'save', '{}', { 'content-type': type })).status, type).toBe(415);
    for (const site of ['cross-site', 'same-site'])
      expect((await act(cookie, 'save', {}, { 'sec-fetch-site': site })).status).toBe(403);
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
      expect((await ask(method, `${base}api/save`, { cookie, origin, ...json })).status, method).toBe(405);
    expect(functions.called).toEqual([]);
    expect((await act(cookie, 'save')).status).toBe(200);
    expect(functions.called).toEqual([['save', {}]]);
  });

  it('writes nothing unless it was started for that', async () => {
    for (const write of [undefined, false]) {
      await using console = await aConsole(write === undefined ? {} : { write });
      const said = await console.act(await console.letIn(), 'save', { draft: {} });
      expect(said).toMatchObject({ status: 403, body: expect.stringContaining('--write') });
      expect(console.functions.called).toEqual([]);
    }
  });

  it('lets nothing in from elsewhere, nothing out, and nobody have it in a frame, on every answer', async () => {
    await using console = await aConsole();
    const cookie = await console.letIn();
    const { ask, act, base } = console;
    const answers = [
      await ask('GET', base, { cookie }),
      await ask('GET', `${base}main.js`, { cookie }),
      await ask('GET', base),
      await ask('GET', '/'),
      await ask('GET', base, { host: 'attacker.example' }),
      await ask('GET', `${base}nothing`, { cookie }),
      await act(cookie, 'state'),
      await act(cookie, 'state', 'no json'),
      await act(cookie, 'file'),
    ];
    for (const { headers } of answers) {
      const policy = Object.fromEntries(
        headers['content-security-policy']!.toString()
          .split('; ')
          .map((each) => [each.split(' ')[0], each.split(' ').slice(1).join(' ')]),
      );
      expect(policy).toEqual({
        'default-src': "'none'",
        'script-src': "'self'",
        'style-src': expect.stringMatching(/^'self' 'sha256-[\w+/]{43}='$/),
        'img-src': "'self'",
        'connect-src': "'self'",
        'base-uri': "'none'",
        'form-action': "'none'",
        'frame-ancestors': "'none'",
        'require-trusted-types-for': "'script'",
        'trusted-types': 'vue',
      });
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cross-origin-resource-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
      });
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });
});

describe('attack: files that stop the process', () => {
  it('takes no more than a file can be: said before it comes, or without saying', async () => {
    await using console = await aConsole();
    const cookie = await console.letIn();
    const { base, host, origin, functions, raw } = console;
    const head = `POST ${base}api/state HTTP/1.1\r\nhost: ${host}\r\norigin: ${origin}\r\ncookie: ${cookie}\r\ncontent-type: application/json\r\n`;
    expect(await raw(`${head}content-length: 99999999999\r\n\r\n{}`)).toMatch(/^HTTP\/1\.1 413 /);
    const chunk = ' '.repeat(2 ** 20);
    const socket = connect(console.port, '127.0.0.1');
    let said = '';
    let sent = 0;
    socket.on('data', (data) => {
      said += data;
    });
    const closed = gone(socket);
    socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
    // Forty times as much as it takes, at the pace at which it takes it.
    while (!socket.destroyed && said === '' && sent < 1000) {
      await new Promise((resolve) => socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`, resolve));
      sent += 1;
    }
    socket.destroy();
    await closed;
    expect(sent).toBeLessThan(200);
    expect(functions.called).toEqual([]);
    expect((await console.act(cookie, 'state')).status).toBe(200);
  });

  it('takes no body that is no JSON object, and says nothing of it', async () => {
    await using console = await aConsole();
    const cookie = await console.letIn();
    for (const body of ['', 'hunter2', '"hunter2"', '[1]', 'null', '{"a":', '\0'])
      expect(await console.act(cookie, 'state', body)).toMatchObject({
        status: 400,
        body: expect.not.stringContaining('hunter2'),
      });
    expect(console.functions.called).toEqual([]);
  });

  it('outlives garbage, headers without end and whoever leaves in the middle', async () => {
    await using console = await aConsole();
    const cookie = await console.letIn();
    const { raw, base, host } = console;
    expect(await raw('\x16\x03\x01\x02\x00\x01\x00')).toBe('');
    expect(
      await raw(`GET ${base} HTTP/1.1\r\nhost: ${host}\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`),
    ).not.toMatch(/ 200 /);
    const leaver = connect(console.port, '127.0.0.1');
    leaver.write(
      `POST ${base}api/state HTTP/1.1\r\nhost: ${host}\r\norigin: ${console.origin}\r\ncookie: ${cookie}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
    );
    leaver.on('error', () => {}).destroy();
    expect((await console.act(cookie, 'state')).status).toBe(200);
  });
});

describe('a console', () => {
  it('tells how far a function has come, and what it came to', async () => {
    await using console = await aConsole();
    const { body } = await console.act(await console.letIn(), 'slow');
    expect(
      body
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([{ progress: { step: 1 } }, { progress: { step: 2 } }, { result: { done: true } }]);
  });

  it('is gone when it is closed, connections and all', async () => {
    const console = await aConsole();
    const socket = connect(console.port, '127.0.0.1');
    await once(socket, 'connect');
    const closed = gone(socket.resume());
    await console.screen.close();
    await closed;
    await expect(console.ask('GET', console.base)).rejects.toThrow('ECONNREFUSED');
  });

  it('says where the page is missing, and which port is taken', async () => {
    await expect(startConsole({ functions: someFunctions(), page: '/nowhere' })).rejects.toMatchObject({
      code: 'ERR_PAGE_MISSING',
    });
    await using console = await aConsole();
    await expect(
      startConsole({ functions: someFunctions(), page: aPage, port: console.port }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
