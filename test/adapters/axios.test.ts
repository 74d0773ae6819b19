import { adapters } from './axios.ts';
import { describeAdapter } from './suite.ts';

adapters.forEach(describeAdapter);
