import { loadCredentials } from '@clientcert/core';
import pg from 'pg';

const credentials = await loadCredentials({
  certificates: {
    bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PFX_PASSPHRASE, ca: 'bank-root.pem' },
  },
  hosts: { 'db.bank.example:5432': 'bank' },
});

const target = { host: 'db.bank.example', port: 5432 };
const client = new pg.Client({
  ...target,
  database: 'ledger',
  user: 'bank', // method cert of pg_hba.conf: the common name of the certificate
  ssl: credentials.connectOptions(target),
});
await client.connect();
const { rows } = await client.query('SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
console.log(rows[0].client_dn);
await client.end();
