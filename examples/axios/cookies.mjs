// A cookie jar beside the certificate. axios-cookiejar-support puts the jar into
// an agent, and the certificate is in the agent: so keep the cookies yourself.
import { clientCertificates, loadCredentials } from '@clientcert/axios';
import axios from 'axios';
import { CookieJar } from 'tough-cookie';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'api.bank.example': 'bank' },
});

// #region differs
const jar = new CookieJar();

const api = axios.create({ baseURL: 'https://api.bank.example' });
clientCertificates(api, credentials);
api.interceptors.request.use((config) => {
  let url = new URL(api.getUri(config)).href;
  config.headers.set('cookie', jar.getCookieStringSync(url) || undefined);
  config.beforeRedirect = (options, { headers }) => {
    keep(url, headers);
    url = options.href;
    options.headers.cookie = jar.getCookieStringSync(url);
  };
  return config;
});
api.interceptors.response.use((response) => {
  const { request, config } = response;
  keep(request.res?.responseUrl ?? api.getUri(config), response.headers);
  return response;
});

/**
 * @param {string} url
 * @param {Record<string, any>} headers
 */
function keep(url, headers) {
  for (const cookie of [headers['set-cookie'] ?? []].flat())
    jar.setCookieSync(cookie, url);
}

await api.post('/login');
await api.get('/accounts'); // with the certificate and the session's cookie
// #endregion differs
