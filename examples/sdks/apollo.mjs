import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { createFetch, loadCredentials } from '@clientcert/undici';

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
const api = new ApolloClient({
  cache: new InMemoryCache(),
  link: new HttpLink({
    uri: 'https://api.bank.example/graphql',
    fetch: createFetch(credentials),
  }),
});

const query = gql`
  query Accounts($country: String!) {
    accounts(country: $country) {
      iban
    }
  }
`;
const { data } = await api.query({ query, variables: { country: 'NL' } });
console.log(data);
// #endregion differs
