import * as axiosAdapter from '@clientcert/axios';
import * as core from '@clientcert/core';
import * as gotAdapter from '@clientcert/got';
import * as soapAdapter from '@clientcert/soap';
import * as testing from '@clientcert/testing';
import * as undiciAdapter from '@clientcert/undici';
import * as vault from '@clientcert/vault';
import axios from 'axios';
import { run } from 'clientcert';
import got from 'got';
import soap from 'soap';
import * as undici from 'undici';
import { scenario } from './scenario.cjs';

const adapters = { axios: axiosAdapter, got: gotAdapter, soap: soapAdapter, undici: undiciAdapter };
await scenario({ core, testing, vault, adapters, packages: { axios, got, soap, undici } });
if ((await run(['--help'])) !== 0) process.exitCode = 1;
