import tls from 'node:tls';
import { createAuthority, startServer } from '@clientcert/testing';
import { afterEach, expect, it } from 'vitest';
import { createFetch, loadCredentials } from '../src/index.ts';

const { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS } = tls;
const { NODE_TLS_REJECT_UNAUTHORIZED: verification = '1' } = process.env;
afterEach(() => {
  Object.assign(tls, { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS });
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = verification;
});

it('the TLS versions of a config hold where no rule names the host, also where they are Node’s and the process has older ones', async () => {
  const authority = await createAuthority();
  const certificate = await authority.issue({ name: 's', usage: 'server', keyType: 'rsa' });
  const ciphers = 'DEFAULT@SECLEVEL=0';
  await using server = await startServer({
    authority,
    certificate,
    tls: { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers },
    clientCertificate: 'none',
  });
  await using silent = await loadCredentials({});
  await using strict = await loadCredentials({ tls: { min: 'TLSv1.2' } });
  // As --tls-min-v1.0 and --tls-cipher-list set them.
  Object.assign(tls, { DEFAULT_MIN_VERSION: 'TLSv1', DEFAULT_CIPHERS: ciphers });
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  await expect(createFetch(strict)(server.url)).rejects.toThrow();
  expect(server.requests).toEqual([]);
  await createFetch(silent)(server.url);
  expect(server.requests).toMatchObject([{ protocol: 'TLSv1.1' }]);
});
