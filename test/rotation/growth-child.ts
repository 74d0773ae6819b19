import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { loadCredentials } from '@clientcert/core';
import { clients } from './clients.ts';

/** What {@link file://./growth.slow.test.ts} hands over. */
export interface Task {
  client: string;
  url: string;
  ca: string;
  /** One for each rotation. */
  identities: { cert: string; key: string }[];
  /** After how many rotations the heap is measured. */
  every: number;
  /** How many milliseconds a client may take to let go of what was closed. */
  settle: number;
}

const { client, url, ca, identities, every, settle }: Task = JSON.parse(
  readFileSync(process.argv[2]!, 'utf8'),
);
const collect = (globalThis as unknown as { gc(): void }).gc;

let current = 0;
const credentials = await loadCredentials({
  certificates: { alice: () => ({ ...identities[current]!, ca }) },
  hosts: { [new URL(url).host]: 'alice' },
});
const send = clients[client]!(credentials);

const heap: number[] = [];
let sent = 0;
while (current + every < identities.length) {
  let rotating = true;
  const call = async () => {
    // On a busy machine a client's own timeout may end a call: that is no growth.
    while (rotating)
      await send(url).then(
        () => void sent++,
        () => {},
      );
  };
  const calls = [call(), call()];
  for (let rotation = 0; rotation < every; rotation++) {
    current += 1;
    const { failed } = await credentials.reload();
    if (failed.length > 0) throw failed[0]!.error;
    await pause(10);
  }
  rotating = false;
  await Promise.all(calls);
  heap.push(await measure());
}
console.log(JSON.stringify({ heap, sent }));
await credentials.close();

/** What is left when connections have ended and the garbage is collected. */
async function measure(): Promise<number> {
  await pause(settle);
  for (let round = 0; round < 6; round++) {
    await pause(50);
    collect();
  }
  return process.memoryUsage().heapUsed;
}
