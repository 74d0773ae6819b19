export { type Inspection, type InspectOptions, inspectFile } from './inspect.ts';
export {
  type ReadContext,
  type ReadOptions,
  readCertificate,
  readRoots,
  readSource,
  type SourceReading,
} from './read.ts';
export type { ReadFile } from './source.ts';
