import { adapters } from './soap.ts';
import { describeAdapter } from './suite.ts';

adapters.forEach(describeAdapter);
