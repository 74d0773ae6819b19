export { type Inspection, type InspectOptions, inspectFile } from './inspect.ts';
export { readCertificate, readRoots, readSource } from './read.ts';
