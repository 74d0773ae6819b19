import { loadCredentials } from '@clientcert/core';
import pg from 'pg';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'db.bank.example:5432': 'bank' },
});

const target = { host: 'db.bank.example', port: 5432 };
const ssl = credentials.connectOptions(target);
const pool = new pg.Pool({
  ...target,
  database: 'ledger',
  // method cert in pg_hba.conf: the common name of the certificate
  user: 'bank',
  ssl,
});
// New connections of the pool present the version of the certificate that is
// then the newest.
credentials.on('rotate', () =>
  Object.assign(ssl, credentials.connectOptions(target)),
);

const { rows } = await pool.query(
  'SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
);
console.log(rows[0].client_dn);
await pool.end();
