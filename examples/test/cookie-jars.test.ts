import { type Credentials, clientCertificates, loadCredentials } from '@clientcert/axios';
import { type Authority, createAuthority, startServer, type TestServer } from '@clientcert/testing';
import axios, { type AxiosInstance } from 'axios';
import { wrapper } from 'axios-cookiejar-support';
import { HttpsCookieAgent } from 'http-cookie-agent/http';
import { CookieJar } from 'tough-cookie';
import { afterAll, beforeAll, expect, it } from 'vitest';

let authority: Authority;
let server: TestServer;
let credentials: Credentials;
beforeAll(async () => {
  authority = await createAuthority();
  const { cert, key } = await authority.issue({ name: 'bank' });
  server = await startServer({ authority, clientCertificate: 'optional' });
  credentials = await loadCredentials({
    certificates: { bank: { cert, key, ca: authority.certificate } },
    hosts: { [new URL(server.url).host]: 'bank' },
  });
});
afterAll(async () => {
  await credentials?.close();
  await server?.close();
});

const create = (config: object): AxiosInstance => axios.create(config);
const ours = {
  code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
  hint: expect.stringMatching(/cookie jar .* sets one: keep its cookies in interceptors/),
};

it.each<[how: string, make: (jar: CookieJar) => AxiosInstance, error: object]>([
  [
    'axios-cookiejar-support, then us',
    (jar) => {
      const api = wrapper(create({ jar }) as never) as AxiosInstance;
      clientCertificates(api, credentials);
      return api;
    },
    {
      code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
      hint: expect.stringContaining('keep its cookies in interceptors'),
      cause: { message: 'axios-cookiejar-support does not support for use with other http(s).Agent.' },
    },
  ],
  [
    'us, then axios-cookiejar-support',
    (jar) => {
      const api = create({ jar });
      clientCertificates(api, credentials);
      return wrapper(api as never) as AxiosInstance;
    },
    ours,
  ],
  [
    'an HttpsCookieAgent',
    (jar) => {
      const api = create({ httpsAgent: new HttpsCookieAgent({ cookies: { jar: jar as never } }) });
      clientCertificates(api, credentials);
      return api;
    },
    ours,
  ],
])('%s: no request is made without the certificate, and the error names the jar', async (_, make, error) => {
  await expect(make(new CookieJar()).get(server.url)).rejects.toMatchObject(error);
  expect(server.requests).toEqual([]);
});
