import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { AxiosError } from 'axios';
import { describe, expect, it } from 'vitest';
import { ClientCertificateError } from '../src/index.ts';

const reason = new ClientCertificateError('ERR_CLIENTCERT_AGENT_CONFLICT', 'hosts["a"]: conflict', {
  hint: 'Remove it.',
});

describe('ClientCertificateError.from', () => {
  it.each<[string, unknown]>([
    ['the error itself', reason],
    ['a cause', new Error('socket hang up', { cause: reason })],
    ['a cause of a cause', new TypeError('fetch failed', { cause: new Error('x', { cause: reason }) })],
    ['one of several', new AggregateError([new Error('first'), new Error('x', { cause: reason })])],
    ['what axios makes of it', AxiosError.from(reason, 'ERR_CLIENTCERT_AGENT_CONFLICT')],
    ['a settled promise', { status: 'rejected', reason }],
    ['an object that holds it', { error: { originalError: reason } }],
    ['its own cause, in a circle', circular(reason)],
    [
      'an error of another realm',
      runInNewContext('Object.assign(new Error("x"), { cause: reason })', { reason }),
    ],
  ])('finds it in %s', (_, thrown) => expect(ClientCertificateError.from(thrown)).toBe(reason));

  it.each<[string, unknown]>([
    ['JSON', JSON.parse(JSON.stringify({ ...reason, message: reason.message }))],
    ['a plain object', { code: reason.code, message: reason.message, hint: reason.hint }],
    [
      'a plain object as a cause',
      new Error('x', { cause: { code: reason.code, message: reason.message, hint: reason.hint } }),
    ],
  ])('makes it anew of %s', (_, thrown) => {
    const found = ClientCertificateError.from(thrown);
    expect(found).toBeInstanceOf(ClientCertificateError);
    expect(found).toMatchObject({ code: reason.code, message: reason.message, hint: reason.hint });
  });

  it.each([
    undefined,
    null,
    'ERR_CLIENTCERT_CLOSED',
    12,
    {},
    new Error('x'),
    new Error('x', { cause: 'y' }),
    hostile,
  ])('finds none in %s', (given) => {
    const thrown = typeof given === 'function' ? given() : given;
    expect(ClientCertificateError.from(thrown)).toBeUndefined();
  });

  it('finds the hint again where a client copied code and message alone, of the last hundred errors', () => {
    const error = new ClientCertificateError('ERR_CLIENTCERT_CLOSED', 'it is closed', {
      hint: 'Load it again.',
    });
    const copy = () => Object.assign(new Error(error.message), { code: error.code });
    expect(ClientCertificateError.from(copy())?.hint).toBe('Load it again.');
    expect(ClientCertificateError.from({ ...copy(), message: 'it is' })?.hint).toBeUndefined();
    for (let each = 0; each < 100; each++)
      new ClientCertificateError('ERR_CLIENTCERT_CLOSED', `it is closed ${each}`, { hint: 'Load it.' });
    expect(ClientCertificateError.from(copy())?.hint).toBeUndefined();
  });

  it('ends, however much there is', () => {
    let error = new Error('0');
    for (let depth = 1; depth < 10_000; depth++) error = new Error(`${depth}`, { cause: error });
    expect(ClientCertificateError.from(error)).toBeUndefined();
    expect(
      ClientCertificateError.from({ errors: Array.from({ length: 1e5 }, () => ({ errors: [{}] })) }),
    ).toBeUndefined();
  });

  it('knows the errors of another realm and copy', () => {
    const brand = Symbol.for('clientcert.ClientCertificateError');
    const foreign: unknown = runInNewContext(
      'Object.assign(Object.create(Object.defineProperty(Object.create(Error.prototype), brand, { value: true })), {})',
      { brand },
    );
    expect(foreign).not.toBeInstanceOf(ClientCertificateError); // it is no error at all
    const real: unknown = runInNewContext(
      'class Copy extends Error { get code() { return "ERR_CLIENTCERT_CLOSED"; } }; Object.defineProperty(Copy.prototype, brand, { value: true }); new Copy("closed")',
      { brand },
    );
    expect(real).toBeInstanceOf(ClientCertificateError);
    expect(ClientCertificateError.from({ cause: real })).toBe(real);
  });

  it('is printed with its code and hint', () => {
    expect(inspect(reason)).toMatch(/ERR_CLIENTCERT_AGENT_CONFLICT[\s\S]*Remove it\./);
  });
});

function circular(cause: Error): Error {
  const error = new Error('x');
  error.cause = Object.assign(new Error('y'), { cause: error, errors: [error, cause] });
  return error;
}

function hostile(): object {
  return Object.defineProperty({}, 'cause', {
    get() {
      throw new Error('no');
    },
  });
}
