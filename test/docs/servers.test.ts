import { expect, it } from 'vitest';
import results from '../../docs/reference/servers.json' with { type: 'json' };
import { servers } from '../servers/index.ts';
import { type Result, tries } from '../servers/results.ts';

it('docs/reference/servers.json holds each server with all that it can do, and its version', () => {
  const wanted = servers.flatMap(({ name, asks, http2 }) => [
    `${name}: certificates`,
    `${name}: old TLS`,
    ...asks.filter((each) => each !== 'required').map((each) => `${name}: ${each}`),
    ...(http2 ? [`${name}: HTTP/2`] : []),
  ]);
  const found = results as readonly Result[];
  expect(found.map(({ server, tried }) => `${server}: ${tried}`).toSorted()).toEqual(
    [...wanted, 'Java with WSS4J: signed messages'].toSorted(),
  );
  for (const { tried, calls, version } of found) {
    expect(tries).toContain(tried);
    expect(calls).toBeGreaterThan(0);
    expect(version).toMatch(/^\d+\.\d+/);
  }
});
