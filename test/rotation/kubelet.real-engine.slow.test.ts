import { it } from 'vitest';
import { isThere, memory, secretOf, startKubelet } from '../../packages/core/test/rotate/kubelet.ts';
import { scratch } from '../../packages/core/test/rotate/scene.ts';
import { renewFleet } from './fleet.ts';

/** How many processes there are; more with `FLEET_SIZE=100`. */
const size = Number(process.env.FLEET_SIZE ?? 20);

it.skipIf(!isThere)(
  `${size} processes pick up one secret that the kubelet's own writer renews, and none of their requests fails`,
  async () => {
    await using mount = await scratch(memory);
    await using kubelet = startKubelet(mount.path);
    const last = await renewFleet(size, mount.path, (_, issued) => kubelet.write(secretOf(issued)));
    if (process.env.FLEET_SIZE) console.log('last after', Math.round(last), 'ms');
  },
  180_000,
);
