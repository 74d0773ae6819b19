// node --env-file=before.env web-service.mjs
import { clientCertificates } from '@clientcert/axios';
import {
  ClientCertificateSecurity,
  fromMendixSettings,
  loadCredentials,
  soapOptions,
} from '@clientcert/soap';
import axios from 'axios';
import soap from 'soap';

const credentials = await loadCredentials(fromMendixSettings());

// A consumed web service, by its name in the app: tax
const service = { service: 'Billing.Invoices' };
const invoices = await soap.createClientAsync(
  'https://api.bank.example/rates?wsdl',
  soapOptions(credentials, service),
);
invoices.setSecurity(new ClientCertificateSecurity(credentials, service));
await invoices.GetRateAsync({ currency: 'EUR' });

// A REST call to the same host, which a usage names: bank
const api = axios.create({ baseURL: 'https://api.bank.example' });
clientCertificates(api, credentials);
await api.get('/accounts');

// A host that no usage names: none
await api.get('https://other.example/');
