import { createFetch, loadCredentials } from '@clientcert/undici';
import { GraphQLClient, gql } from 'graphql-request';

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
const api = new GraphQLClient('https://api.bank.example/graphql', {
  fetch: createFetch(credentials),
});

const query = gql`
  query Accounts($country: String!) {
    accounts(country: $country) {
      iban
    }
  }
`;
console.log(await api.request(query, { country: 'NL' }));
// #endregion differs
