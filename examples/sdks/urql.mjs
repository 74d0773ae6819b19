import { createFetch, loadCredentials } from '@clientcert/undici';
import { Client, fetchExchange, gql } from '@urql/core';

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
const api = new Client({
  url: 'https://api.bank.example/graphql',
  exchanges: [fetchExchange],
  preferGetMethod: false,
  fetch: createFetch(credentials),
});

const query = gql`
  query Accounts($country: String!) {
    accounts(country: $country) {
      iban
    }
  }
`;
const { data, error } = await api.query(query, { country: 'NL' }).toPromise();
if (error) throw error;
console.log(data);
// #endregion differs
