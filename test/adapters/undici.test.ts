import { describeAdapter } from './suite.ts';
import { adapters } from './undici.ts';

adapters.forEach(describeAdapter);
