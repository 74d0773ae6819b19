// A node of your own for n8n, in dist/nodes/BankAccounts.node.js of a community
// package. One connection pool and one certificate for all executions.
const { clientCertificates, loadCredentials } = require('@clientcert/axios');
const axios = require('axios');

const loading = loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: { env: 'BANK_PASSPHRASE' },
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'api.bank.example': 'bank' },
});
loading.catch(() => {}); // each call says so

const api = axios.create({ baseURL: 'https://api.bank.example' });
clientCertificates(api, loading);

exports.BankAccounts = class BankAccounts {
  description = {
    displayName: 'Bank accounts',
    name: 'bankAccounts',
    group: ['input'],
    version: 1,
    description: 'Reads accounts over mutual TLS',
    defaults: { name: 'Bank accounts' },
    inputs: ['main'],
    outputs: ['main'],
    properties: [
      { displayName: 'IBAN', name: 'iban', type: 'string', default: '' },
    ],
  };

  async execute() {
    const items = this.getInputData();
    const found = items.map(async (_, item) => {
      const iban = this.getNodeParameter('iban', item);
      const { data } = await api.get('/accounts', { params: { iban } });
      return { json: data, pairedItem: { item } };
    });
    return [await Promise.all(found)];
  }
};
