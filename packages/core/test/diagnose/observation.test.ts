import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import { addressIn, observe } from '../../src/diagnose/observation.ts';
import { ClientCertificateError } from '../../src/errors.ts';

const packed =
  'C0:error:0A000415:SSL routines:ssl3_read_bytes:sslv3 alert certificate expired:x.c:1:SSL alert number 45\n';
const raw = Object.assign(new Error(packed), { code: 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED' });

describe('what is seen of a failure', () => {
  it.each<[string, unknown]>([
    ['Node’s', raw],
    ['fetch’s', new TypeError('fetch failed', { cause: new Error('other side closed', { cause: raw }) })],
    [
      'of several addresses',
      new TypeError('fetch failed', { cause: new AggregateError([new Error('x'), raw]) }),
    ],
    ['node-soap’s plain object', { root: { error: { message: packed } } }],
    ['as it is printed', `Error: write EPROTO ${packed}    at x { code: 'EPROTO' }`],
    ['as JSON', JSON.stringify({ message: 'x', cause: { message: packed } })],
    ['with another text', { message: 'error:0A000415:SSL routines::something else' }],
  ])('%s: the alert', (_, failure) => {
    expect(observe(failure).alert).toBe(45);
  });

  it.each<[string, unknown, number, string]>([
    ['axios’ error', { response: { status: 400, data: 'why' } }, 400, 'why'],
    ['got’s error', { response: { statusCode: 400, body: 'why' } }, 400, 'why'],
    ['node-soap’s', { response: { status: 400 }, body: 'why' }, 400, 'why'],
    ['bytes', { response: { status: 400, data: Buffer.from('why') } }, 400, 'why'],
    ['parsed JSON', { response: { status: 400, data: { why: 1 } } }, 400, '{"why":1}'],
    ['written down', { status: 495, headers: {}, body: 'why' }, 495, 'why'],
    ['a Response', new Response('not read', { status: 496 }), 496, ''],
    [
      'a page',
      '<head><title>400 No required SSL certificate was sent</title></head>',
      400,
      expect.any(String) as never,
    ],
  ])('%s: the answer', (_, failure, status, body) => {
    expect(observe(failure).answer).toEqual({ status, body });
  });

  it.each<[string, unknown, string | undefined]>([
    ['axios', { config: { url: '/accounts', baseURL: 'https://a.example:8443/api' } }, 'a.example:8443'],
    [
      'axios, redirected',
      { config: { url: 'https://a.example' }, request: { _currentUrl: 'https://b.example/x' } },
      'b.example',
    ],
    ['got', { options: { url: new URL('https://a.example/x') } }, 'a.example'],
    ['a Response', { url: 'https://a.example/x', status: 400 }, 'a.example'],
    ['Node', { code: 'ECONNRESET', host: '::1', port: 8443 }, '[::1]:8443'],
    ['nobody', new Error('x'), undefined],
  ])('%s says what was called', (_, failure, host) => {
    expect(addressIn(failure)?.host).toBe(host);
  });

  it('whatever it is, it is read without a throw and in time', () => {
    const circular: Record<string, unknown> = { message: 'x' };
    circular.cause = circular;
    const hostile = new Proxy({}, { get: () => expect.fail(), has: () => true });
    for (const failure of [circular, null, 5, Symbol('x'), hostile])
      expect(diagnose(failure).code).toBe('UNKNOWN');
    fc.assert(fc.property(fc.anything(), (failure) => void diagnose(failure)));
    const start = performance.now();
    for (const piece of ['error:0A', '403', 'SSL alert number ', '<title>', 'ERR_'])
      diagnose(piece.repeat(200_000));
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

describe('an error of this project says itself what is wrong', () => {
  const ours = new ClientCertificateError('ERR_CLIENTCERT_KEY_MISMATCH', 'certificate "bank": no pair', {
    hint: 'Do.',
  });
  it.each<[string, unknown]>([
    ['itself', ours],
    [
      'in a client’s error',
      Object.assign(new Error('certificate "bank": no pair', { cause: ours }), { code: ours.code }),
    ],
    ['as a plain object', { code: ours.code, message: ours.message, hint: ours.hint }],
  ])('%s', (_, failure) => {
    expect(diagnose(failure)).toMatchObject({
      code: 'KEY_DOES_NOT_MATCH',
      cause: 'certificate "bank": no pair',
      fix: 'Do.',
      confidence: 'certain',
    });
  });

  it('one that no diagnosis has a name for keeps its code', () => {
    const error = new ClientCertificateError('ERR_CLIENTCERT_FILE_EMPTY', 'bank.pfx is empty');
    expect(diagnose(error)).toMatchObject({ code: error.code, cause: error.message });
  });
});

describe('attack: files that stop the process', () => {
  it.each([
    ['a code that goes on and on', `E${'A'.repeat(16_000)}a`],
    ['a code of one letter', `${'E'.repeat(16_000)}_a`],
  ])('what was printed of an error, with %s, is looked at at once', (_, text) => {
    diagnose('x');
    const { user } = process.cpuUsage();
    diagnose(text);
    // 400 ms it was.
    expect((process.cpuUsage().user - user) / 1000).toBeLessThan(100);
  });
});

it('a diagnosis is plain data, and a text for a person', () => {
  const diagnosis = diagnose(raw);
  expect(Object.keys(diagnosis).toSorted()).toEqual(
    ['alternatives', 'cause', 'code', 'confidence', 'docs', 'evidence', 'fix', 'title'].toSorted(),
  );
  expect(JSON.parse(JSON.stringify(diagnosis))).toEqual({ ...diagnosis });
  expect(`${diagnosis}`).toMatch(
    /^Likely: The client certificate has expired \(CLIENT_CERTIFICATE_EXPIRED\)\n/,
  );
  expect(diagnosis.docs).toMatch(/docs\/troubleshooting\.md#alert-45$/);
});

it('runs in a browser: nothing of Node, nor of the rest of the package, is imported for more than its types', () => {
  const folder = new URL('../../src/diagnose/', import.meta.url);
  for (const file of readdirSync(folder)) {
    const imports = readFileSync(new URL(file, folder), 'utf8').matchAll(
      /^(?:import|export) (?!type )[^;]*? from '([^']+)'/gm,
    );
    for (const [, path] of imports)
      expect([file, path]).toEqual([file, expect.stringMatching(/^\.\/[a-z-]+\.ts$/)]);
  }
});
