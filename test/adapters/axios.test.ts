import { adapter } from './axios.ts';
import { describeAdapter } from './suite.ts';

describeAdapter(adapter);
