import https from 'node:https';
import * as forAxios from '@clientcert/axios';
import { diagnose, loadCredentials } from '@clientcert/core';
import * as forGot from '@clientcert/got';
import { soapOptions } from '@clientcert/soap';
import { createFetch } from '@clientcert/undici';
import axios from 'axios';
import got from 'got';
import soap from 'soap';

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
const url = 'https://api.bank.example/accounts';

const api = axios.create();
forAxios.clientCertificates(api, credentials);
const client = got.extend(forGot.clientCertificates(credentials));
const fetch = createFetch(credentials);

// #region axios
await api.get(url).catch((error) => console.error(`${diagnose(error)}`));
// #endregion axios

// #region got
await client(url, { retry: { limit: 0 } }).catch((error) =>
  console.error(`${diagnose(error)}`),
);
// #endregion got

// #region soap
await soap
  .createClientAsync(`${url}?wsdl`, soapOptions(credentials))
  .catch((error) => console.error(`${diagnose(error, { credentials, url })}`));
// #endregion soap

// #region fetch
await fetch(url).then(
  async (response) => {
    if (response.ok) return;
    const answer = { status: response.status, body: await response.text() };
    console.error(`${diagnose(answer, { credentials, url })}`);
  },
  (error) => console.error(`${diagnose(error)}`),
);
// #endregion fetch

// #region https
https
  .get(url, { agent: credentials.agent() })
  .on('error', (error) =>
    console.error(`${diagnose(error, { credentials, url })}`),
  );
// #endregion https

// #region code
await api.get(url).catch((error) => {
  const { code, confidence, alternatives } = diagnose(error);
  if (code === 'CLIENT_CERTIFICATE_EXPIRED')
    console.error('renew it', confidence, alternatives.length);
});
// #endregion code
