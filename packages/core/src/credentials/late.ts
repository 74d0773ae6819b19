import { setImmediate } from 'node:timers/promises';
import { here, workingDirectory } from '../config/here.ts';
import { copyAtOnce } from '../config/shape.ts';
import { handedOver } from '../load/handed-over.ts';
import type * as Reader from '../load/index.ts';
import { snapshot } from '../own.ts';
import type { Config } from '../types.ts';
import type * as Held from './credentials.ts';

// Where a use of the package begins. Each answers with a promise, so what it needs is imported when it is called:
// whoever only imports the package does not wait for all of it. What it is given is copied before.

/** @function */
export const loadCredentials: typeof Held.loadCredentials = async (config?: string | URL | Config) =>
  loadFrom(config, here());

/** The same, as it was called there. */
export const loadFrom: typeof Held.loadFrom = async (config, from) => {
  const given = copyAtOnce(config);
  // In parts: in one go they hold the event loop.
  await import('../load/index.ts');
  await setImmediate();
  // Not when the first call fails: by then the files of the package may be others, or out of reach.
  await import('../diagnose/possible-causes.ts');
  await setImmediate();
  return (await import('./credentials.ts')).loadFrom(given, from);
};

/** @function */
export const inspectFile: typeof Reader.inspectFile = async (material, options) => {
  const given = handedOver(material);
  const where = placed(options);
  return (await import('../load/index.ts')).inspectFile(given, where);
};

/** @function */
export const readCertificate: typeof Reader.readCertificate = async (
  source: Parameters<typeof Reader.readCertificate>[0],
  options?: Parameters<typeof Reader.readCertificate>[1],
) => {
  const given = handedOver(source);
  const where = placed(options);
  return (await import('../load/index.ts')).readCertificate(given, where);
};

/** What is relative is so to the working directory of the call. */
function placed<Options extends Reader.InspectOptions>(options: Options = {} as Options): Options {
  const own = snapshot(options);
  return { ...own, baseDirectory: own.baseDirectory ?? workingDirectory() };
}
