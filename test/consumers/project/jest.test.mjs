// With --experimental-vm-modules Jest loads ES modules, got among them.
import * as core from '@clientcert/core';
import * as est from '@clientcert/est';
import * as gotAdapter from '@clientcert/got';
import * as spiffe from '@clientcert/spiffe';
import * as step from '@clientcert/step';
import * as testing from '@clientcert/testing';
import * as vault from '@clientcert/vault';
import got from 'got';
import { scenario } from './scenario.cjs';

test(
  'the packages as ES modules in Jest',
  () =>
    scenario({
      core,
      testing,
      issuers: { est, spiffe, step, vault },
      adapters: { got: gotAdapter },
      packages: { got },
    }),
  60_000,
);
