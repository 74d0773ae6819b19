import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { Timer } from '../../src/rotate/timer.ts';

it('what is stopped leaves nothing behind, whatever its delay was', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const timer = new Timer();
  const used = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = used();
  // Node keeps timers in a list for each delay. A renewal's is never the same twice.
  for (let each = 0; each < 50_000; each += 1) timer.start(3_000_000 + each * 2, () => {});
  timer.stop();
  expect((used() - before) / 50_000).toBeLessThan(40);
});
