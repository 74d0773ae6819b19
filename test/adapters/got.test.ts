import { adapters } from './got.ts';
import { describeAdapter } from './suite.ts';

describeAdapter(adapters[0]!);
