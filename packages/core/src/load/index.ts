export { type Inspection, type InspectOptions, inspectFile } from './inspect.ts';
export { type ReadOptions, readCertificate, readSource, type SourceReading } from './read.ts';
export { readRoots } from './roots.ts';
export type { ReadContext, ReadFile } from './source.ts';
