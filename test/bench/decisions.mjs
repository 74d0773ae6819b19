// Decisions a second as rules grow in number, and what checking them takes: a decision among 100,000 is to cost what
// it costs among 10.
import { loadCredentials } from '@clientcert/core';
import { createAuthority } from '@clientcert/testing';
import { interleave, summaries, time } from './compare.mjs';

export const settings = {
  full: { rounds: 7, batch: 200_000, sizes: [10, 100, 1000, 10_000, 100_000] },
  quick: { rounds: 2, batch: 20_000, sizes: [10, 1000, 10_000] },
};

/** Whom is asked for, one call after the other. */
const cases = {
  'one pinned host': (size) => {
    const target = { host: hostOf(size >> 1), port: 443 };
    return () => target;
  },
  'a thousand pinned hosts': (size) => inTurn(Math.min(size, 1000)),
  'every pinned host': (size) => inTurn(size),
  'ever new hosts below wildcards': (size) => {
    let next = 0;
    return () => ({ host: `t${next++}.w${(next * 10) % size}.bank.example`, port: 443 });
  },
  'ever new hosts without a rule': () => {
    let next = 0;
    return () => ({ host: `t${next++}.elsewhere.example`, port: 443 });
  },
};

export async function measure({ rounds, batch, sizes }) {
  const authority = await createAuthority();
  const { fullChain: cert, key } = await authority.issue({ name: 'bank' });
  const certificate = { cert, key, ca: authority.certificate };
  // What is imported when it is first needed is no cost of a rule: the list of public suffixes, for instance.
  await (await loadCredentials(configOf(10, certificate))).close();
  const loaded = [];
  const loading = {};
  for (const size of sizes) {
    const took = await time(async () =>
      loaded.push([size, await loadCredentials(configOf(size, certificate))]),
    );
    loading[size] = took.cpu;
  }
  const deciding = {};
  for (const [name, create] of Object.entries(cases)) {
    const tasks = loaded.map(([size, credentials]) => {
      const next = create(size);
      return [`${size}`, () => decisions(credentials, next, batch)];
    });
    deciding[name] = summaries(await interleave(Object.fromEntries(tasks), rounds, 2));
  }
  for (const [, credentials] of loaded) await credentials.close();
  return { loading, deciding };
}

/** Decisions a second. */
async function decisions(credentials, next, batch) {
  let presented = 0;
  const { clock, cpu } = await time(() => {
    for (let count = 0; count < batch; count++)
      if (credentials.resolve(next()).certificate !== null) presented++;
  });
  if (presented !== 0 && presented !== batch)
    throw new Error(`${presented} of ${batch} decided for a certificate`);
  return { clock: (batch * 1000) / clock, cpu: (batch * 1000) / cpu };
}

/** Of ten rules one is a wildcard, and half have every port. */
function configOf(size, certificate) {
  const hosts = {};
  for (let index = 0; index < size; index++) {
    if (index % 10 === 0) hosts[`*.w${index}.bank.example`] = { certificate: 'bank', tls: 'TLSv1.3' };
    else hosts[index % 2 ? hostOf(index) : `${hostOf(index)}:*`] = 'bank';
  }
  return { certificates: { bank: certificate }, hosts };
}

function inTurn(amount) {
  const indexes = Array.from({ length: amount }, (_, index) => index).filter((index) => index % 10 > 0);
  const targets = indexes.map((index) => ({ host: hostOf(index), port: 443 }));
  let next = 0;
  return () => targets[next++ % targets.length];
}

function hostOf(index) {
  return `host-${index}.bank.example`;
}
