import { it } from 'vitest';
import { kubernetes, scratch } from '../../packages/core/test/rotate/scene.ts';
import { renewFleet } from './fleet.ts';

/** How many processes there are; more with `FLEET_SIZE=100`. */
const size = Number(process.env.FLEET_SIZE ?? 20);

it(`${size} processes pick up one renewed secret, and none of their requests fails`, async () => {
  await using mount = await scratch();
  const last = await renewFleet(size, mount.path, kubernetes);
  if (process.env.FLEET_SIZE) console.log('last after', Math.round(last), 'ms');
}, 60_000);
