import { describeAdapter } from './suite.ts';
import { adapters } from './undici.ts';

describeAdapter(adapters[2]!);
