import type { Target } from '../target.ts';
import { files } from './files.ts';
import { peers } from './peers.ts';
import { texts } from './texts.ts';
import { tools } from './tools.ts';

/** Everything that reads what others wrote. */
export const targets: readonly Target[] = [...files, ...texts, ...peers, ...tools];
