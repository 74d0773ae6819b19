import { clientCertificates, loadCredentials } from '@clientcert/axios';
import { ClientCertificateError } from '@clientcert/core';
import * as testing from '@clientcert/testing';
import axios from 'axios';
import { run } from 'clientcert';
import { scenario } from './scenario.cjs';

await scenario({ axios, clientCertificates, loadCredentials, ClientCertificateError, testing });
if ((await run(['--help'])) !== 0) process.exitCode = 1;
