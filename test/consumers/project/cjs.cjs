const { ClientCertificateError } = require('@clientcert/core');
const { clientCertificates, loadCredentials } = require('@clientcert/axios');
const testing = require('@clientcert/testing');
const axios = require('axios');
const { scenario } = require('./scenario.cjs');

scenario({ axios, clientCertificates, loadCredentials, ClientCertificateError, testing });
