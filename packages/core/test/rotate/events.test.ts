import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Events } from '../../src/credentials/events.ts';
import { type Config, diagnose, type FileSource, loadCredentials } from '../../src/index.ts';
import { get } from '../support.ts';
import { issue, next } from './scene.ts';

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});

const second = 1000;
const day = 24 * 60 * 60 * second;
const inlineOf = ({ fullChain, key }: IssuedCertificate) => ({ cert: fullChain, key });

describe('the end of a certificate', () => {
  it('is told once for each threshold and once when it has come', async () => {
    const end = new Date(Math.ceil(Date.now() / second) * second + 60 * day);
    const certificate = await authority.issue({ name: 'short', notAfter: end });
    const config = {
      certificates: { bank: inlineOf(certificate) },
      hosts: { 'api.bank.example': 'bank' },
      expiryWarningDays: [30, 7],
    } as const;
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    try {
      await using credentials = await loadCredentials(config);
      const told: unknown[] = [];
      credentials.on('expiring', ({ name, threshold, daysLeft, validTo }) => {
        told.push([name, threshold, daysLeft, validTo.getTime() === end.getTime()]);
      });
      credentials.on('expired', (event) => told.push(event));
      const gone = {
        name: 'bank',
        role: 'certificate',
        subject: 'CN=short',
        fingerprint256: certificate.fingerprint256,
        validTo: end,
      };
      const all = [['bank', 30, 29, true], ['bank', 7, 6, true], gone];
      for (const [days, expected] of [
        [29, 0],
        [2, 1],
        [21, 1],
        [2, 2],
        [5, 2],
        [2, 3],
        [100, 3],
      ] as const) {
        await vi.advanceTimersByTimeAsync(days * day);
        expect(told).toEqual(all.slice(0, expected));
      }
      expect(credentials.certificates()[0]).toMatchObject({ status: 'expired' });
      expect(credentials.health()).toMatchObject({
        status: 'error',
        reasons: [{ status: 'error', certificate: 'bank', code: 'EXPIRED' }],
      });
      await credentials.reload();
      await vi.advanceTimersByTimeAsync(day);
      expect(told).toHaveLength(3);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is told at the nearest threshold only where several have passed already', async () => {
    const certificate = await authority.issue({ name: 'soon', notAfter: new Date(Date.now() + 5.5 * day) });
    await using credentials = await loadCredentials({
      certificates: { bank: inlineOf(certificate) },
      hosts: { 'api.bank.example': 'bank' },
      expiryWarningDays: [7, 30, 1, 14],
    });
    expect(await next(credentials, 'expiring')).toMatchObject({ threshold: 7, daysLeft: 5 });
    expect(credentials.health()).toMatchObject({ status: 'warning', reasons: [{ code: 'EXPIRING' }] });
    await expect(next(credentials, 'expiring', 200)).rejects.toThrow('no expiring');
  });

  it('is told again of one that was renewed, and of each once', async () => {
    const notAfter = new Date(Date.now() + 5.5 * day);
    const [first, second] = await Promise.all(['a', 'b'].map((name) => authority.issue({ name, notAfter })));
    let current = first!;
    await using credentials = await loadCredentials({
      certificates: { bank: () => inlineOf(current) },
      hosts: { 'api.bank.example': 'bank' },
      expiryWarningDays: [30, 7],
    });
    const told: unknown[] = [];
    credentials.on('expiring', ({ fingerprint256, threshold }) => told.push([fingerprint256, threshold]));
    await next(credentials, 'expiring');
    await credentials.reload();
    current = second!;
    await credentials.reload();
    await credentials.reload();
    expect(told).toEqual([
      [first!.fingerprint256, 7],
      [second!.fingerprint256, 7],
    ]);
    current = await authority.issue({ name: 'c' });
    await credentials.reload();
    expect(told).toHaveLength(2);
    expect(credentials.health().status).toBe('ok');
  });

  it('is told where a new config asks to be told sooner', async () => {
    const notAfter = new Date(Date.now() + 40.5 * day);
    const source = inlineOf(await authority.issue({ name: 'a', notAfter }));
    const config = { certificates: { bank: source }, hosts: { 'api.bank.example': 'bank' as const } };
    await using credentials = await loadCredentials(config);
    await expect(next(credentials, 'expiring', 100)).rejects.toThrow('no expiring');
    const told = next(credentials, 'expiring');
    await credentials.reload({ ...config, expiryWarningDays: [60, 7] });
    expect(await told).toMatchObject({ threshold: 60, daysLeft: 40 });
    expect(credentials.certificates()[0]!.status).toBe('expiring');
  });

  it('comes near within a part of a day, where the threshold is one', async () => {
    const threshold = 0.02; // about half an hour
    const load = async (minutes: number) => {
      const notAfter = new Date(Date.now() + minutes * 60 * second);
      return loadCredentials({
        certificates: { svid: inlineOf(await authority.issue({ name: 'svid', notAfter })) },
        hosts: { 'api.bank.example': 'svid' },
        expiryWarningDays: threshold,
      });
    };
    await using fresh = await load(60);
    expect(fresh.health()).toEqual({ status: 'ok', reasons: [] });
    expect(fresh.certificates()[0]).toMatchObject({ status: 'valid', daysLeft: 0 });
    await using late = await load(20);
    expect(await next(late, 'expiring')).toMatchObject({ threshold, daysLeft: 0 });
    expect(late.health()).toMatchObject({ status: 'warning', reasons: [{ code: 'EXPIRING' }] });
  });

  it('of one that no rule presents is a warning for its health, never an error', async () => {
    const late = await authority.issue({ name: 'late', expired: true });
    await using credentials = await loadCredentials({ certificates: { spare: inlineOf(late) } });
    expect(credentials.health().status).toBe('warning');
  });
});

describe('how near the end is', () => {
  const fresh = async (days: number, expiryWarningDays?: Config['expiryWarningDays']) => {
    const certificate = await authority.issue({ name: 'short', notAfter: new Date(Date.now() + days * day) });
    return loadCredentials({
      certificates: { bank: inlineOf(certificate) },
      hosts: { 'api.bank.example': 'bank' },
      expiryWarningDays,
    });
  };

  it.each([1 / 24, 7, 47, 365])('a fresh certificate of %d days is valid', async (days) => {
    await using credentials = await fresh(days);
    expect(credentials.certificates()[0]!.status).toBe('valid');
    expect(credentials.warnings().map(({ code }) => code)).not.toContain('EXPIRING');
    expect(credentials.health()).toEqual({ status: 'ok', reasons: [] });
  });

  it.each<[number, Config['expiryWarningDays'], string, number | undefined]>([
    [7, '100%', 'expiring', 7],
    [7, ['10%', '50%'], 'valid', undefined],
    [10, 9, 'valid', undefined],
    [10, [11, '10%'], 'expiring', 11],
    [90, ['10%', 100], 'expiring', 100],
  ])('of %d days, told at %j, is %s', async (days, thresholds, status, threshold) => {
    await using credentials = await fresh(days, thresholds);
    const told: number[] = [];
    credentials.on('expiring', (event) => told.push(event.threshold));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(credentials.certificates()[0]!.status).toBe(status);
    expect(told.length).toBe(threshold === undefined ? 0 : 1);
    if (threshold !== undefined) expect(told[0]).toBeCloseTo(threshold, 0);
  });

  it('is told of intermediates and roots, which the health counts as well', async () => {
    const soon = new Date(Date.now() + 5 * day);
    const root = await createAuthority({ name: 'old root', notAfter: soon });
    const below = await authority.issueAuthority({ name: 'old intermediate', notAfter: soon });
    const certificate = await below.issue({ name: 'client' });
    await using credentials = await loadCredentials({
      certificates: { bank: { ...inlineOf(certificate), ca: root.certificate } },
      hosts: { 'api.bank.example': { certificate: 'bank', ca: [root.certificate, authority.certificate] } },
      expiryWarningDays: 6,
    });
    const told: unknown[] = [];
    credentials.on('expiring', ({ name, role, subject }) => told.push([name, role, subject]));
    await next(credentials, 'expiring');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(told).toEqual([
      ['bank', 'intermediate', expect.stringContaining('old intermediate')],
      ['bank', 'root', expect.stringContaining('old root')],
      ['hosts["api.bank.example"]: ca', 'root', expect.stringContaining('old root')],
    ]);
    expect(credentials.health()).toMatchObject({
      status: 'warning',
      reasons: [
        {
          certificate: 'bank',
          code: 'EXPIRING',
          message: expect.stringMatching(/^"bank": the intermediate/),
        },
        { certificate: 'bank', code: 'EXPIRING', message: expect.stringMatching(/^"bank": the root/) },
        {
          certificate: 'hosts["api.bank.example"]: ca',
          code: 'EXPIRING',
          message: expect.stringMatching(/^hosts\["api\.bank\.example"\]: ca: the root/),
        },
      ],
    });
  });
});

describe('what nobody listens to', () => {
  it('becomes one process warning for each certificate', async () => {
    const [late, server] = await Promise.all([
      authority.issue({ name: 'late', expired: true }),
      authority.issue({ name: 'server', usage: 'server' }),
    ]);
    const told: Error[] = [];
    const listen = (warning: Error) => told.push(warning);
    process.on('warning', listen);
    const config = {
      certificates: { late: inlineOf(late), server: inlineOf(server) },
      hosts: { 'a.example': 'late' as const, 'b.example': 'server' as const },
    };
    await using credentials = await loadCredentials(config);
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off('warning', listen);
    expect(told.map(({ name }) => name)).toEqual(['ClientCertificateWarning', 'ClientCertificateWarning']);
    expect(told[0]!.message).toMatch(/^certificate "late": .*expired on .*issuer/);
    expect(told[1]!.message).toMatch(/^certificate "server": .*client authentication/);
    const heard: unknown[] = [];
    process.on('warning', listen);
    credentials.on('warning', (warning) => heard.push(warning));
    await credentials.reload({ ...config, hosts: { 'a.example': 'late' } });
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off('warning', listen);
    expect(told).toHaveLength(2);
    expect(heard).toMatchObject([{ code: 'CERTIFICATE_UNUSED' }]);
  });

  it('is told where a server refuses what is pinned for another port', async () => {
    await using server = await startServer({ authority, tls: 'TLSv1.2' });
    const { port } = new URL(server.url);
    const client = await authority.issue({ name: 'client' });
    await using credentials = await loadCredentials({
      certificates: { bank: inlineOf(client) },
      hosts: { '127.0.0.1': 'bank' },
    });
    const warnings: string[] = [];
    const hints: (string | undefined)[] = [];
    credentials.on('warning', ({ code, message }) => code === 'PINNED_ELSEWHERE' && warnings.push(message));
    credentials.on('failure', ({ hint }) => hints.push(hint));
    const agent = credentials.agent({ ca: authority.certificate });
    await expect(get(`https://127.0.0.1:${port}/`, { agent })).rejects.toThrow();
    const advice = `127.0.0.1 is pinned for port 443 only, and this is port ${port}. Write "127.0.0.1:${port}"`;
    expect(hints).toEqual([expect.stringContaining(advice)]);
    expect(warnings).toEqual([expect.stringContaining(advice)]);
  });

  it('a diagnosis says it too, of a failed connection and of an answer', async () => {
    await using server = await startServer({
      authority,
      listeners: [{ clientCertificate: 'optional' }, { tls: 'TLSv1.2' }],
      handler: ({ socket }, response) => {
        if ((socket as TLSSocket).authorized) return false;
        response.writeHead(400).end('<center>No required SSL certificate was sent</center>');
        return true;
      },
    });
    const client = await authority.issue({ name: 'client' });
    await using credentials = await loadCredentials({
      certificates: { bank: inlineOf(client) },
      hosts: { '127.0.0.1': 'bank' },
    });
    const agent = credentials.agent({ ca: authority.certificate });
    const [answering, refusing] = server.urls as [string, string];
    const advice = (url: string) =>
      `127.0.0.1 is pinned for port 443 only, and this is port ${new URL(url).port}. Write "127.0.0.1:`;
    const { status, body } = await get(answering, { agent });
    expect(status).toBe(400);
    const response = { status, data: body };
    const error = await get(refusing, { agent }).catch((error: unknown) => error);
    for (const [url, diagnosis] of [
      [answering, diagnose({ response }, { credentials, url: answering })],
      [answering, diagnose(response, { credentials, url: answering })],
      [refusing, diagnose(error)],
      [refusing, diagnose(error, { credentials, url: refusing })],
    ] as const) {
      expect(diagnosis.code).toBe('NO_CLIENT_CERTIFICATE_SENT');
      expect(diagnosis.fix).toContain(advice(url));
    }

    // The roots that the rule brings are for its port as well.
    const untrusting = await get(answering, { agent: credentials.agent() }).catch((error: unknown) => error);
    for (const { code, fix } of [
      diagnose(untrusting),
      diagnose(untrusting, { credentials, url: answering }),
    ]) {
      expect([code, fix]).toEqual(['SERVER_CA_UNKNOWN', expect.stringContaining(advice(answering))]);
      expect(fix).toContain('Name the root');
    }
  });
});

describe('console.log', () => {
  it('shows what a person reads of credentials and explanations', async () => {
    const client = await authority.issue({ name: 'client' });
    await using credentials = await loadCredentials({
      certificates: { bank: inlineOf(client) },
      hosts: { 'api.bank.example': 'bank', 'status.bank.example': false },
    });
    const text = inspect(credentials);
    expect(text).toContain('Credentials (ok)');
    expect(text).toMatch(/bank: CN=client, valid, until \d{4}-\d\d-\d\d/);
    expect(text).toMatch(/hosts\["status\.bank\.example"\] +never one/);
    expect(text).not.toContain('PRIVATE');
    const explanation = credentials.explain('https://api.bank.example');
    expect(inspect(explanation)).toBe(String(explanation));
    expect(() => inspect(Object.getPrototypeOf(credentials))).not.toThrow();
  });
});

describe('listeners', () => {
  it('attached after loading get the warnings of loading', async () => {
    const late = await authority.issue({ name: 'late', expired: true });
    await using credentials = await loadCredentials({ certificates: { spare: inlineOf(late) } });
    const codes: string[] = [];
    credentials.on('warning', ({ code }) => codes.push(code));
    await next(credentials, 'expired');
    expect(codes).toEqual(expect.arrayContaining(['CERTIFICATE_UNUSED', 'EXPIRED']));
  });

  it('that throw leave the swap and other listeners alone, and fail by themselves', async () => {
    let current = await issue(authority, 'first');
    await using credentials = await loadCredentials({
      certificates: { bank: () => inlineOf(current) },
      hosts: { 'api.bank.example': 'bank' },
    });
    const thrown: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => thrown.push(error));
    credentials.on('rotate', () => {
      throw new Error('of the listener');
    });
    const heard: string[] = [];
    credentials.on('rotate', ({ name }) => heard.push(name));
    current = await issue(authority, 'second');
    expect(await credentials.reload()).toEqual({ changed: ['bank'], unchanged: [], failed: [] });
    await new Promise((resolve) => setImmediate(resolve));
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(thrown).toMatchObject([{ message: 'of the listener' }]);
    expect(heard).toEqual(['bank']);
    expect(credentials.certificates()[0]!.fingerprint256).toBe(current.fingerprint256);
  });

  it('for error that are missing make it a process warning with a hint, never a crash', async () => {
    const certificate = await issue(authority, 'first');
    let read: () => FileSource = () => inlineOf(certificate);
    await using credentials = await loadCredentials({
      certificates: { bank: () => read() },
      hosts: { 'api.bank.example': 'bank' },
    });
    credentials.on('warning', () => {});
    const warning = async (): Promise<Error> => {
      const [[warned]] = await Promise.all([once(process, 'warning'), credentials.reload()]);
      return warned;
    };
    read = () => ({ pfx: 'nowhere.pfx' });
    expect(await warning()).toMatchObject({
      name: 'ClientCertificateWarning',
      code: 'ERR_CLIENTCERT_FILE_NOT_FOUND',
      message: expect.stringContaining('nowhere.pfx'),
    });
    read = () => {
      throw new Error('Vault answers 503');
    };
    expect(await warning()).toMatchObject({ detail: 'Error: Vault answers 503' });
  });
});

describe('attack: files that stop the process', () => {
  it('warnings that nobody listens to are remembered for a while, and not for good, whatever hosts are in them', async () => {
    const told: string[] = [];
    vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void told.push(`${warning}`));
    try {
      const events = new Events();
      const names = Array.from({ length: 1000 }, (_, index) => `${index}.tenant.example`);
      for (const message of ['first', ...names, 'first', ...names.slice(1)]) {
        events.emit('warning', { code: 'PINNED_ELSEWHERE', message });
        await null;
      }
      expect(told).toEqual(['first', ...names, 'first']);
    } finally {
      vi.restoreAllMocks();
    }
  });
});
