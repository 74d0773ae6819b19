import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createAuthority, startServer } from '@clientcert/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ask, pem, type RenewingOptions, renewing } from '../../src/enrolment.ts';
import { loadCredentials } from '../../src/index.ts';
import { get, timesIn, withPolluted } from '../support.ts';
import { authority, createSource, fingerprintOf, goOn, load } from './scene.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('renewing()', () => {
  it('keeps its files where they are, wherever the process goes', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'clientcert-kept-'));
    vi.spyOn(process, 'cwd').mockReturnValue(directory);
    const { source } = createSource({ files: { cert: 'kept-here.pem' } });
    vi.restoreAllMocks();
    await using _ = await load(source);
    expect(await readdir(directory)).toEqual(['kept-here.pem']);
    await rm(directory, { recursive: true });
  });

  it('issues one certificate for all credentials that it stands in, and none before it is time', async () => {
    const { issue, source } = createSource();
    await using first = await load(source);
    await using second = await load(source);
    expect(fingerprintOf(second)).toBe(fingerprintOf(first));
    expect(issue).toHaveBeenCalledTimes(1);
    expect(issue).toHaveBeenCalledWith(undefined);
  });

  it('has the next one issued by the one before, and presents the one before while that fails', async () => {
    const { issue, source, waits } = createSource();
    await using server = await startServer({ authority });
    await using first = await load(source);
    await waits();
    const before = fingerprintOf(first);
    goOn(20);
    issue.mockRejectedValueOnce(new Error('the authority is away'));
    await using second = await load(source);
    expect(fingerprintOf(second)).toBe(before);
    await get(server.url, { agent: second.agent() });
    expect(server.requests[0]!.clientCertificate?.fingerprint256).toBe(before);
    await new Promise((resolve) => second.on('rotate', resolve));
    expect(fingerprintOf(second)).not.toBe(before);
    expect(issue.mock.calls.slice(1).map(([current]) => current?.cert.slice(0, 27))).toEqual(
      Array(2).fill('-----BEGIN CERTIFICATE-----'),
    );
  });

  it('presents nothing that the other side could not be told of, and issues no other for it', async () => {
    const onRenewed = vi.fn<() => Promise<void>>(async () => {});
    const { issue, source, waits } = createSource({ onRenewed });
    await using first = await load(source);
    await waits();
    const before = fingerprintOf(first);
    goOn(20);
    onRenewed.mockRejectedValueOnce(new Error('the bank is closed'));
    await using second = await load(source);
    const rotated = new Promise((resolve) => second.on('rotate', resolve));
    const [error, presented] = await new Promise<[Error, string]>((resolve) =>
      second.on('error', (error) => resolve([error, fingerprintOf(second)])),
    );
    expect(error.message).toContain('onRenewed failed');
    expect(presented).toBe(before);
    // Whoever starts meanwhile is none the worse.
    await using _ = await load(source);
    await rotated;
    expect(onRenewed).toHaveBeenCalledTimes(3);
    expect(issue).toHaveBeenCalledTimes(2);
  });

  it('close() aborts the signal that onRenewed was given; whoever starts meanwhile waits for nothing', async () => {
    let signal: AbortSignal | undefined;
    const onRenewed = vi.fn<NonNullable<RenewingOptions['onRenewed']>>(async () => {});
    const { source } = createSource({ onRenewed });
    const first = await load(source);
    const before = fingerprintOf(first);
    // One alone is to be told of the next.
    await first.close();
    goOn(20);
    onRenewed.mockImplementation((_, call) => {
      signal ??= call.signal;
      return new Promise(() => {});
    });
    const second = await load(source);
    await expect.poll(() => signal).toBeDefined();
    await using third = await load(source);
    expect(fingerprintOf(third)).toBe(before);
    await second.close();
    expect(signal!.aborted).toBe(true);
  });
});

it('a source function is told whether it returned a version before', async () => {
  const { fullChain: cert, key } = await authority.issue({ name: 'me' });
  const calls: unknown[] = [];
  await using credentials = await loadCredentials({
    certificates: {
      bank: ({ isRenewal }) => {
        calls.push(isRenewal);
        return { cert, key };
      },
    },
    default: 'bank',
  });
  credentials.on('warning', () => {});
  await credentials.reload();
  expect(calls).toEqual([false, true]);
});

describe('attack: identities that mix', () => {
  it('of a certificate whose end is no date asks again in a minute, and not without pause', async () => {
    const { cert, key } = await authority.issue({ name: 'me' });
    const der = Buffer.from(new X509Certificate(cert).raw);
    der.write('13', timesIn(der).notAfter + 2, 'latin1'); // the month
    const endless = pem('CERTIFICATE', der);
    expect(new X509Certificate(endless).validTo).toBe('Bad time value');
    let looks = 0;
    const issuer = {
      issue: async () => ({ cert: endless, key }),
      get tendAt() {
        looks += 1;
        return Number.POSITIVE_INFINITY;
      },
    };
    await using _credentials = await load(renewing(() => issuer, {}));
    await pause(300);
    expect(looks).toBeLessThan(3);
  });

  it('a polluted Object.prototype has no key written to a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'clientcert-renewing-'));
    const { fullChain: cert, key } = await authority.issue({ name: 'me' });
    const { issue, source } = await withPolluted({ files: { cert: join(folder, 'theirs.pem') } }, async () =>
      createSource(),
    );
    issue.mockResolvedValue({ cert, key });
    await using _credentials = await load(source);
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it('a polluted Object.prototype presents no certificate of others, and keeps none from being issued', async () => {
    const me = await authority.issue({ name: 'me' });
    const { fullChain: cert, key } = await authority.issue({ name: 'mallory' });
    for (const pollution of [
      { present: { issued: { cert, key }, renewAt: Number.POSITIVE_INFINITY } },
      { unusable: { cert, key } },
      { problem: new Error('nobody’s') },
    ]) {
      const { issue, source } = createSource();
      issue.mockResolvedValue({ cert: me.fullChain, key: me.key });
      await withPolluted(pollution, async () => {
        await using credentials = await load(source);
        expect(credentials.certificates()[0]!.subject).toBe('CN=me');
        expect(issue).toHaveBeenCalledTimes(1);
        expect(credentials.health().status).toBe('ok');
      });
    }
  });
});

describe('ask()', () => {
  it('does not wait for one that goes on to another protocol, which nobody asked for', async () => {
    await using server = await startServer({
      authority,
      clientCertificate: 'none',
      handler: (_, { socket }) => {
        socket!.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: theirs\r\n\r\n');
      },
    });
    const asked = { url: new URL('/certificates', server.url), what: 'roots' };
    const { signal } = new AbortController();
    await expect(ask({ ca: authority.certificate }, asked, signal)).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_FILE_UNREADABLE',
      cause: { message: 'the connection ended without an answer' },
    });
  });

  it('verifies an authority, and asks it for what is written, whatever every object inherits', async () => {
    const stranger = await createAuthority();
    await using theirs = await startServer({ authority: stranger, clientCertificate: 'none' });
    await using ours = await startServer({ authority, clientCertificate: 'none' });
    const { signal } = new AbortController();
    const asking = (server: typeof ours) =>
      ask(
        { ca: authority.certificate },
        { url: new URL('/certificates', server.url), what: 'roots' },
        signal,
      );
    // What Node loads for it, before.
    expect((await asking(ours)).status).toBe(200);
    await withPolluted({ unverified: true, body: 'theirs' }, async () => {
      expect((await asking(ours)).status).toBe(200);
      await expect(asking(theirs)).rejects.toThrow('cannot be reached');
    });
    expect(ours.requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
    expect(theirs.requests).toEqual([]);
  });
});
