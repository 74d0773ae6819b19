export { type Inspection, type InspectOptions, inspectFile } from './inspect.ts';
export { describeSource, readCertificate, readSource } from './read.ts';
export { readRoots } from './roots.ts';
