import { createFetch, loadCredentials } from '@clientcert/undici';
import {
  Client,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'tools.bank.example': 'bank' },
});

// #region differs
const transport = new StreamableHTTPClientTransport(
  new URL('https://tools.bank.example/mcp'),
  { fetch: createFetch(credentials) },
);
const client = new Client({ name: 'my-agent', version: '1.0.0' });
await client.connect(transport);

const { content } = await client.callTool(
  { name: 'balance', arguments: { account: 'NL91' } },
  { onprogress: ({ message }) => console.log(message) },
);
console.log(content);
await client.close();
// #endregion differs
