import { adapters as fetches } from './fetch.ts';
import { describeAdapter } from './suite.ts';
import { adapters } from './undici.ts';

for (const adapter of [...adapters, ...fetches]) describeAdapter(adapter);
