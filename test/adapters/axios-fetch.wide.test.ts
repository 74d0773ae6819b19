import { adapters } from './axios.ts';
import { describeAdapter } from './suite.ts';

describeAdapter(adapters[1]!);
