import type { AdapterUnderTest } from '../adapters/adapter.ts';
import { adapters as axios } from '../adapters/axios.ts';
import { adapters as fetch } from '../adapters/fetch.ts';
import { adapters as got } from '../adapters/got.ts';
import { adapters as https } from '../adapters/https.ts';
import { adapters as soap } from '../adapters/soap.ts';
import { adapters as undici } from '../adapters/undici.ts';

/** Every client that there is an adapter for. */
export const clients: readonly AdapterUnderTest[] = [
  ...https,
  ...axios,
  ...got,
  ...soap,
  ...fetch,
  ...undici,
];
