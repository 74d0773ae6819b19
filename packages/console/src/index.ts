export { type ConsoleOptions, type RunningConsole, startConsole } from './console.ts';
export { Download } from './downloads.ts';
export type { ConsoleFunction, ConsoleFunctions, Failure } from './functions.ts';
