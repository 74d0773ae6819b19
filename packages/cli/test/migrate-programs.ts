/** Programs that wire a certificate by hand, as they are found; each calls https://api.bank.example. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  'axios-agent.mjs': `import { readFileSync } from 'node:fs';
import https from 'node:https';
import axios from 'axios';

// presented to the bank
const httpsAgent = new https.Agent({
  pfx: readFileSync('bank.pfx'),
  passphrase: process.env.BANK_PASSPHRASE,
  ca: readFileSync('bank-root.pem'),
});

const api = axios.create({ baseURL: 'https://api.bank.example', httpsAgent });
await api.get('/accounts');
`,
  'axios-call.cjs': `'use strict';
const fs = require('fs');
const path = require('path');
const https = require('https');
const axios = require('axios');

async function accounts() {
  return await axios.get('https://api.bank.example/accounts', {
    headers: { accept: '*/*' },
    httpsAgent: new https.Agent({
      cert: fs.readFileSync(path.join(__dirname, 'bank.crt')),
      key: fs.readFileSync(path.join(__dirname, 'bank.key')),
      passphrase: process.env.BANK_PASSPHRASE,
      ca: [fs.readFileSync(path.join(__dirname, 'bank-root.pem'))],
      keepAlive: true,
    }),
  });
}

accounts();
`,
  'axios-post.cjs': `const { readFileSync } = require('fs')
const { Agent: HttpsAgent } = require('https')
const axios = require('axios').default

const agent = new HttpsAgent({ pfx: readFileSync('bank.pfx'), passphrase: process.env.BANK_PASSPHRASE, ca: readFileSync('bank-root.pem') })

axios.post('https://api.bank.example/payments', { amount: 1 }, { httpsAgent: agent }).then(() => {})
`,
  'axios-defaults.cjs': `const fs = require('fs');
const https = require('https');
const axios = require('axios');

const api = axios.create({ baseURL: 'https://api.bank.example/v1', timeout: 20_000 });
api.defaults.httpsAgent = new https.Agent({
  pfx: fs.readFileSync('./bank.pfx'),
  passphrase: process.env.BANK_PASSPHRASE,
  ca: fs.readFileSync('./bank-root.pem'),
});
api.get('accounts');
`,
  'axios-pool.mjs': `import fs from 'fs/promises';
import * as https from 'https';
import axios from 'axios';

const api = axios.create({
  baseURL: \`https://api.bank.example/\${process.version}\`,
  httpsAgent: new https.Agent({
    maxSockets: 2,
    pfx: await fs.readFile(new URL('bank.pfx', import.meta.url)),
    passphrase: process.env.BANK_PASSPHRASE,
    ca: await fs.readFile(new URL('./bank-root.pem', import.meta.url)),
    minVersion: 'TLSv1.2',
  }),
});
await api.get('/accounts');
`,
  'axios-class.mts': `import * as fs from 'node:fs';
import { Agent } from 'node:https';
import axios, { type AxiosInstance } from 'axios';

class Bank {
  private readonly http: AxiosInstance;

  constructor(baseURL: string = process.env.BANK_URL!) {
    this.http = axios.create({
      baseURL,
      httpsAgent: new Agent({
        pfx: fs.readFileSync('bank.pfx'),
        passphrase: process.env.BANK_PASSPHRASE as string,
        ca: fs.readFileSync('bank-root.pem'),
      }),
    });
  }

  async accounts(): Promise<unknown> {
    return (await this.http.get('/accounts')).data;
  }
}

await new Bank().accounts();
`,
  'axios-factory.cts': `import fs from 'fs';
import https from 'https';
import axios from 'axios';

export function createBank() {
  return axios.create({
    baseURL: 'https://api.bank.example',
    httpsAgent: new https.Agent({
      pfx: fs.readFileSync('bank.pfx'),
      passphrase: process.env.BANK_PASSPHRASE!,
      ca: fs.readFileSync('bank-root.pem'),
    }),
  });
}

createBank().get('/accounts');
`,
  'got-extend.mjs': `import { readFileSync } from 'node:fs';
import got from 'got';

const api = got.extend({
  retry: { limit: 0 },
  https: {
    pfx: readFileSync('bank.pfx'),
    passphrase: process.env.BANK_PASSPHRASE,
    certificateAuthority: readFileSync('bank-root.pem', 'utf8'),
  },
});
await api('https://api.bank.example/accounts').text();
`,
  'got-call.cjs': `const fs = require('node:fs');
const got = require('got').default;

got.get('https://api.bank.example/accounts', {
  https: {
    certificate: fs.readFileSync('bank.crt', 'utf8'),
    key: fs.readFileSync('bank.key', 'utf8'),
    passphrase: process.env.BANK_PASSPHRASE,
    certificateAuthority: fs.readFileSync('bank-root.pem', 'utf8'),
  },
}).text();
`,
  'got-prefix.mts': `import { readFileSync } from 'node:fs';
import { got } from 'got';

const passphrase = process.env['BANK_PASSPHRASE']!;
const tls = {
  pfx: readFileSync('bank.pfx'),
  passphrase,
  certificateAuthority: readFileSync('bank-root.pem'),
};

const api = got.extend({ prefixUrl: 'https://api.bank.example', https: tls });
await api.get('accounts').text();
`,
  'soap-pfx.mjs': `import { readFileSync } from 'node:fs';
import https from 'node:https';
import soap from 'soap';

const pfx = readFileSync('bank.pfx');
const passphrase = process.env.BANK_PASSPHRASE ?? '';
const ca = readFileSync('bank-root.pem');

// the WSDL needs the certificate as well
const httpsAgent = new https.Agent({ pfx, passphrase, ca });
const client = await soap.createClientAsync('https://api.bank.example/rates?wsdl', { wsdl_options: { httpsAgent } });
client.setSecurity(new soap.ClientSSLSecurityPFX(pfx, passphrase, { ca }));
await client.GetRateAsync({ currency: 'EUR' });
`,
  'soap-pem.cjs': `const fs = require('fs');
const soap = require('soap');

soap.createClient('rates.wsdl', { endpoint: 'https://api.bank.example/rates' }, (error, client) => {
  if (error) throw error;
  client.setSecurity(
    new soap.ClientSSLSecurity('plain.key', 'bank.crt', fs.readFileSync('bank-root.pem'), { forever: true }),
  );
  client.GetRate({ currency: 'EUR' }, (failure) => {
    if (failure) throw failure;
  });
});
`,
  'soap-pem.mts': `import { readFileSync } from 'node:fs';
import { ClientSSLSecurity, createClientAsync } from 'soap';

const key = readFileSync('plain.key');
const cert = readFileSync('bank.crt');
const security = new ClientSSLSecurity(key, cert, readFileSync('bank-root.pem'));

const client = await createClientAsync('rates.wsdl');
client.setEndpoint('https://api.bank.example/rates');
client.setSecurity(security);
await client.GetRateAsync({ currency: 'EUR' });
`,
  'soap-pfx.cts': `import { readFileSync } from 'fs';
import * as soap from 'soap';

async function main(): Promise<void> {
  const client = await soap.createClientAsync('rates.wsdl', {}, process.env.BANK_URL + '/rates');
  client.setSecurity(
    new soap.ClientSSLSecurityPFX(readFileSync('bank.pfx'), process.env.BANK_PASSPHRASE!, {
      ca: readFileSync('bank-root.pem'),
    }),
  );
  await client.GetRateAsync({ currency: 'EUR' });
}

void main();
`,
  'https-agent.mjs': `import { readFileSync } from 'node:fs';
import https from 'node:https';
import { text } from 'node:stream/consumers';

const agent = new https.Agent({
  keepAlive: true,
  pfx: readFileSync('bank.pfx'),
  passphrase: process.env.BANK_PASSPHRASE,
  ca: readFileSync('bank-root.pem'),
});

https.get('https://api.bank.example/accounts', { agent }, (response) => text(response));
`,
  'https-agent.cjs': `const fs = require('fs');
const https = require('https');

const agent = new https.Agent({ pfx: fs.readFileSync('bank.pfx'), passphrase: process.env.BANK_PASSPHRASE, ca: fs.readFileSync('bank-root.pem') });

async function accounts() {
  const request = https.request({ hostname: 'api.bank.example', path: '/accounts', agent });
  await new Promise((resolve, reject) => {
    request.on('response', (response) => response.resume().on('end', resolve)).on('error', reject).end();
  });
  agent.destroy();
}

accounts();
`,
  'https-promise.cjs': `const fs = require('fs')
const https = require('https')

const agent = new https.Agent({ pfx: fs.readFileSync('bank.pfx'), passphrase: process.env.BANK_PASSPHRASE, ca: fs.readFileSync('bank-root.pem') })

class Bank {
  static accounts(path) {
    return new Promise((resolve, reject) => {
      const request = https.request({ hostname: 'api.bank.example', path, agent }, (response) => {
        response.resume().on('end', resolve)
        if (response.statusCode > 399) agent.destroy()
      })
      request.on('error', reject)
      request.end()
    })
  }
}

Bank.accounts('/accounts').then(async () => agent.destroy())
`,
  'https-promise.cts': `import fs from 'fs';
import * as https from 'https';

function accounts(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        hostname: 'api.bank.example',
        path,
        cert: fs.readFileSync('bank.crt'),
        key: fs.readFileSync('bank.key'),
        passphrase: process.env.BANK_PASSPHRASE,
        ca: fs.readFileSync('bank-root.pem'),
      },
      (response) => response.resume().on('end', resolve),
    );
    request.on('error', reject).end();
  });
}

async function main(): Promise<void> {
  for (const path of ['/accounts', '/payments']) await accounts(path);
}

void main();
`,
  'https-request.mts': `import fs from 'node:fs';
import https from 'node:https';

const request = https.request(
  {
    hostname: 'api.bank.example',
    port: 443,
    path: '/accounts',
    method: 'GET',
    pfx: fs.readFileSync('bank.pfx'),
    passphrase: process.env.BANK_PASSPHRASE,
    ca: fs.readFileSync('bank-root.pem'),
  },
  (response) => response.resume(),
);
request.end();
`,
  'undici-fetch.mjs': `import { readFileSync } from 'node:fs';
import { Agent, fetch } from 'undici';

const dispatcher = new Agent({
  connect: {
    pfx: readFileSync('bank.pfx'),
    passphrase: process.env.BANK_PASSPHRASE,
    ca: readFileSync('bank-root.pem'),
  },
});
await (await fetch('https://api.bank.example/accounts', { dispatcher })).text();
`,
  'undici-request.cjs': `const { readFileSync } = require('fs');
const { Agent, request } = require('undici');

const dispatcher = new Agent({
  connect: { pfx: readFileSync('bank.pfx'), passphrase: process.env.BANK_PASSPHRASE, ca: readFileSync('bank-root.pem'), timeout: 20_000 },
  pipelining: 1,
});

async function main() {
  const { body } = await request('https://api.bank.example/accounts', { dispatcher });
  await body.dump();
  await dispatcher.close();
}

main();
`,
  'undici-request.mts': `import { readFileSync } from 'node:fs';
import * as undici from 'undici';

const connect = { pfx: readFileSync('bank.pfx'), passphrase: process.env.BANK_PASSPHRASE!, ca: readFileSync('bank-root.pem') };
const { body } = await undici.request('https://api.bank.example/accounts', {
  dispatcher: new undici.Agent({ connect, pipelining: 1 }),
});
await body.dump();
`,
};
