import { type Change, indexOf, pick, replace } from './step.ts';

const EDGES = [0, 1, 2, 0x0a, 0x20, 0x7f, 0x80, 0x81, 0x84, 0xfe, 0xff];
const WIDE = [0, 1, 0x7f, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

/** The place of the second of two cuts: most are near the first. */
function end({ length }: Buffer, from: number, part: number): number {
  return Math.min(length, from + (part < 0.8 ? Math.floor(part * 40) : indexOf(length - from, part)));
}

/** Changes that know nothing of what the bytes are. */
export const bytes: readonly Change[] = [
  function flip(input, { at, value }) {
    const changed = Buffer.from(input);
    if (changed.length > 0) changed[indexOf(changed.length - 1, at)]! ^= 1 << (value & 7);
    return changed;
  },
  function edge(input, { at, value }) {
    const changed = Buffer.from(input);
    if (changed.length > 0) changed[indexOf(changed.length - 1, at)] = pick(EDGES, value);
    return changed;
  },
  function number(input, { at, value }) {
    const size = pick([2, 3, 4], value);
    if (input.length < size) return input;
    const changed = Buffer.from(input);
    const written = pick(WIDE, value >>> 2) % 2 ** (8 * size);
    changed.writeUIntBE(written, indexOf(changed.length - size, at), size);
    return changed;
  },
  function remove(input, { at, to }) {
    const from = indexOf(input.length, at);
    return replace(input, from, end(input, from, to), Buffer.alloc(0));
  },
  function repeat(input, { at, to, value }) {
    const from = indexOf(input.length, at);
    const piece = input.subarray(from, end(input, from, to));
    const times = value % 50 === 0 ? 2000 : 1 + (value % 4);
    return replace(input, from, from, Buffer.concat(Array.from({ length: times }, () => piece)));
  },
  function insert(input, { at, value }) {
    const from = indexOf(input.length, at);
    const noise = Buffer.alloc(1 + (value % 5));
    noise.writeUIntBE(value % 2 ** (8 * Math.min(noise.length, 4)), 0, Math.min(noise.length, 4));
    return replace(input, from, from, noise);
  },
  function truncate(input, { at }) {
    return input.subarray(0, indexOf(input.length, at));
  },
  function splice(input, { at, to }, other) {
    return Buffer.concat([
      input.subarray(0, indexOf(input.length, at)),
      other.subarray(indexOf(other.length, to)),
    ]);
  },
  function transplant(input, { at, to, value }, other) {
    const from = indexOf(input.length, at);
    const start = indexOf(other.length, to);
    return replace(
      input,
      from,
      from + (value % 64),
      other.subarray(start, start + 1 + ((value >>> 6) % 200)),
    );
  },
];
