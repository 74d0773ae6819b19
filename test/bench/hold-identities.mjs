// A program that loads so many identities from the files in a directory, then uses each, and prints what that took.
// Started by memory.mjs.
import { join } from 'node:path';
import { argv, memoryUsage } from 'node:process';
import { loadCredentials } from '@clientcert/core';
import { time } from './compare.mjs';

const [directory, ...numbers] = argv.slice(2);
/** Of each config; and so many of them that what they take is more than a process's memory varies by. */
const [amount, configs] = numbers.map(Number);
const total = amount * configs;

// What the first need is no cost of the others: modules, code that has been compiled, the heap's first growth.
const first = await load(range(total, total + 100));
for (let index = total; index < total + 100; index++) use(first, index);
await settle();

const before = memoryUsage.rss();
const held = [];
const loading = await time(async () => {
  for (let count = 0; count < configs; count++) {
    held.push(await load(range(count * amount, (count + 1) * amount)));
  }
});
await settle();
const loaded = memoryUsage.rss();
const using = await time(() => {
  for (let index = 0; index < total; index++) use(held[Math.floor(index / amount)], index);
});
await settle();
const used = memoryUsage.rss();
const more = await time(() => held[0].reload(configOf([...range(0, amount), total])));
await Promise.all([first, ...held].map((each) => each.close()));

console.log(
  JSON.stringify({
    loaded: (loaded - before) / 1024 / total, // kB, of each
    used: (used - before) / 1024 / total,
    loading: loading.cpu / total, // ms, of each
    using: using.cpu / total,
    more: more.cpu, // ms, for one more in one of the configs
  }),
);

async function load(chosen) {
  const loading = await loadCredentials(configOf(chosen));
  return loading.on('warning', () => {}); // so many times that the issuer is not in the file
}

function configOf(chosen) {
  return {
    certificates: Object.fromEntries(
      chosen.map((index) => [
        `client-${index}`,
        { cert: join(directory, `${index}.crt`), key: join(directory, `${index}.key`) },
      ]),
    ),
    hosts: Object.fromEntries(chosen.map((index) => [hostOf(index), `client-${index}`])),
    watch: false,
  };
}

function range(start, end) {
  return Array.from({ length: end - start }, (_, index) => start + index);
}

function use(credentials, index) {
  credentials.connectOptions(`https://${hostOf(index)}`);
}

function hostOf(index) {
  return `host-${index}.example`;
}

async function settle() {
  for (let turn = 0; turn < 5; turn++) {
    globalThis.gc();
    // "last-resort" gives the pages back that loading has left empty, as V8 does by itself in idle time.
    globalThis.gc({ type: 'major', flavor: 'last-resort' });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
