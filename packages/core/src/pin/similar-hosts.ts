import { editDistance } from './did-you-mean.ts';
import { parentOf } from './host.ts';
import type { Entry, Table } from './table.ts';

/**
 * Rules for hosts that this one may have been mistaken for: a slip of a key or two away, one label more or less, or
 * another name in the same domain; the nearest first, at most three.
 */
export function findSimilarHosts(table: Table, host: string): Entry[] {
  const found: { entry: Entry; distance: number }[] = [];
  const parent = parentOf(host);
  for (const [name, ports] of table.lookup.exact) {
    const entry = ports.any ?? ports.value;
    const distance = name === host ? FAR : distanceOf(name, host, parent);
    if (entry !== undefined && distance < FAR) found.push({ entry, distance });
  }
  for (const [name, ports] of table.lookup.wildcards) {
    const entry = ports.any ?? ports.value;
    const distance = name === parent || parent === '' ? FAR : editDistance(name, parent, SLIPS);
    if (entry !== undefined && distance <= SLIPS) found.push({ entry, distance });
  }
  return found
    .sort((a, b) => a.distance - b.distance || (a.entry.rule.label < b.entry.rule.label ? -1 : 1))
    .slice(0, 3)
    .map(({ entry }) => entry);
}

/** How many keystrokes count as a slip. */
const SLIPS = 2;
const ONE_LABEL = 3;
const SAME_DOMAIN = 4;
const FAR = 5;

function distanceOf(name: string, host: string, parent: string): number {
  const slips = host.length > 2 * SLIPS ? editDistance(name, host, SLIPS) : FAR;
  if (slips <= SLIPS) return slips;
  const above = parentOf(name);
  if (above === host || name === parent) return ONE_LABEL;
  // Two names right below a top-level domain have nothing in common.
  return above !== '' && above === parent && parent.includes('.') ? SAME_DOMAIN : FAR;
}
