const { ClientCertificateError } = require('@clientcert/core');
const { clientCertificates, loadCredentials } = require('@clientcert/axios');
const testing = require('@clientcert/testing');
const axios = require('axios');
const { scenario } = require('./scenario.cjs');

// Every adapter can be required; got itself is an ES module.
for (const name of ['axios', 'core', 'soap', 'undici']) {
  if (require(`@clientcert/${name}`).loadCredentials !== loadCredentials) {
    throw new Error(`@clientcert/${name} has a core of its own`);
  }
}

scenario({ axios, clientCertificates, loadCredentials, ClientCertificateError, testing });
