import { adapters } from './got.ts';
import { describeAdapter } from './suite.ts';

adapters.forEach(describeAdapter);
