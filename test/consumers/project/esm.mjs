import { clientCertificates, loadCredentials } from '@clientcert/axios';
import { ClientCertificateError } from '@clientcert/core';
import * as testing from '@clientcert/testing';
import axios from 'axios';
import { run } from 'clientcert';
import { scenario } from './scenario.cjs';

// Every adapter can be imported, and brings core's names along.
for (const name of ['axios', 'core', 'got', 'soap', 'undici']) {
  const { loadCredentials: load } = await import(`@clientcert/${name}`);
  if (load !== loadCredentials) throw new Error(`@clientcert/${name} has a core of its own`);
}

await scenario({ axios, clientCertificates, loadCredentials, ClientCertificateError, testing });
if ((await run(['--help'])) !== 0) process.exitCode = 1;
