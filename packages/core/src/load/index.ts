export { type Inspection, type InspectOptions, inspectFile } from './inspect.ts';
export { describeSource, readCertificate, readRoots, readSource } from './read.ts';
