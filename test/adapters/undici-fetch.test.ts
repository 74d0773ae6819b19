import { adapters } from './fetch.ts';
import { describeAdapter } from './suite.ts';

describeAdapter(adapters[0]!);
