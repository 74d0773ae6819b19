#!/usr/bin/env node
import { run } from '../dist/index.js';

// Who stops reading, as `head` does, has seen enough: the exit code still says what was found.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error;
});
process.exitCode = await run(process.argv.slice(2));
