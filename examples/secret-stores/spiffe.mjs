// The X.509-SVID of this process, from the agent on its machine, which renews
// it. SPIFFE_ENDPOINT_SOCKET says where that listens.
import https from 'node:https';
import { fromWorkloadApi, loadCredentials } from '@clientcert/spiffe';

const credentials = await loadCredentials({
  certificates: { workload: fromWorkloadApi() },
  hosts: {
    // a server with a SPIFFE ID in place of a name, in another trust domain
    'payments.bank.example': {
      certificate: 'workload',
      server: 'spiffe://bank.example/payments',
    },
  },
});

const agent = credentials.agent();
https.get('https://payments.bank.example/', { agent }, (response) => {
  response.pipe(process.stdout);
});
