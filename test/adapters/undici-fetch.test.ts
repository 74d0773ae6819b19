import { adapters } from './fetch.ts';
import { describeAdapter } from './suite.ts';

adapters.forEach(describeAdapter);
