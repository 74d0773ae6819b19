import { bytes } from './bytes.ts';
import { type Change, indexOf, pick, replace } from './step.ts';

/** One value; `children` where it holds others, also in an octet or bit string. Lengths are made when it is written. */
interface Node {
  tag: number;
  /** What stands before the children: the first octet of a bit string. */
  before: Buffer;
  contents: Buffer;
  children: Node[] | undefined;
}

const MOST = 4000;

/** The values in these bytes; `undefined` where they are none, to their end. */
function parse(input: Buffer, depth = 0, tally = { left: MOST }): Node[] | undefined {
  const nodes: Node[] = [];
  for (let at = 0; at < input.length; ) {
    if (at + 2 > input.length || --tally.left < 0) return undefined;
    const tag = input[at]!;
    let length = input[at + 1]!;
    let from = at + 2;
    if ((tag & 0x1f) === 0x1f || length === 0x80) return undefined;
    if (length > 0x80) {
      const size = length & 0x7f;
      if (size > 4 || from + size > input.length) return undefined;
      length = input.readUIntBE(from, size);
      from += size;
    }
    if (from + length > input.length) return undefined;
    nodes.push(readNode(tag, input.subarray(from, from + length), depth, tally));
    at = from + length;
  }
  return nodes;
}

function readNode(tag: number, contents: Buffer, depth: number, tally: { left: number }): Node {
  const before = contents.subarray(0, tag === 0x03 ? 1 : 0);
  const inner = contents.subarray(before.length);
  const mayHold = depth < 40 && inner.length > 1 && ((tag & 0x20) !== 0 || tag === 0x03 || tag === 0x04);
  const looksFilled = (tag & 0x20) !== 0 || (inner[0] ?? 0) === 0x30;
  const children = mayHold && looksFilled ? parse(inner, depth + 1, tally) : undefined;
  return { tag, before, contents, children };
}

function write({ tag, before, contents, children }: Node): Buffer {
  const body = children ? Buffer.concat([before, ...children.map(write)]) : contents;
  const { length } = body;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body]);
  const hex = length.toString(16);
  const size = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, body]);
}

/** Every list of values, with where in it one stands. */
function places(
  nodes: Node[],
  found: { list: Node[]; index: number }[] = [],
): { list: Node[]; index: number }[] {
  nodes.forEach((node, index) => {
    found.push({ list: nodes, index });
    if (node.children) places(node.children, found);
  });
  return found;
}

type Edit = (list: Node[], index: number, value: number, donor: Node) => void;

const leaf = (tag: number, contents: Buffer): Node => ({
  tag,
  before: Buffer.alloc(0),
  contents,
  children: undefined,
});
const hex = (text: string) => Buffer.from(text, 'hex');

const TAGS = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x1e, 0x24, 0x30, 0x31, 0x80, 0x81, 0x82,
  0xa0, 0xa1, 0xa3,
];
const CONTENTS = [
  hex(''),
  hex('00'),
  hex('01'),
  hex('80'),
  hex('ff'),
  hex('7fffffff'),
  hex('00ffffffff'),
  hex('ffffffffffffffff'),
  hex('7fffffffffffffffffff'),
  Buffer.alloc(64, 0xff),
  Buffer.alloc(600, 1),
  hex('2a864886f70d010c0a0102'),
  hex('2a864886f70d01050d'),
  hex('2a864886f70d01050c'),
  hex('2a864886f70d010706'),
  hex('2b0601040182373c'),
  hex('2a864886f70d010901'),
  hex('551d0f'),
  hex('551d25'),
  hex('551d23'),
  hex('2a8648ce3d0201'),
  hex('2b6570'),
  Buffer.from('990101000000Z'),
  Buffer.from('00000101000000Z'),
  Buffer.from('99991231235959Z'),
  Buffer.from('2501010000Z'),
  Buffer.from('250101000000+0100'),
  Buffer.from('x\0y'),
  Buffer.from('\u202e\r\n\x1b[31m'),
  hex('d800'),
  hex('30'),
];

const edits: readonly Edit[] = [
  (list, index) => list.splice(index, 1),
  (list, index) => list.splice(index, 0, list[index]!),
  (list, index, value) =>
    list.splice(index, 0, ...Array.from({ length: value % 10 === 0 ? 500 : 3 }, () => list[index]!)),
  (list, index, value) =>
    ([list[index], list[value % list.length]] = [list[value % list.length]!, list[index]!]),
  (list, index, value) => (list[index] = { ...list[index]!, tag: pick(TAGS, value) }),
  (list, index, value) => (list[index] = leaf(list[index]!.tag, pick(CONTENTS, value))),
  (list, index, value) => (list[index] = leaf(list[index]!.tag, pick(CONTENTS, value))),
  (list, index, _value, donor) => (list[index] = donor),
  (list, index, _value, donor) => list.splice(index, 0, donor),
  (list, index, value) => {
    for (let times = value % 10 === 0 ? 60 : 1 + (value % 3); times > 0; times--)
      list[index] = {
        ...leaf(pick([0x30, 0x31, 0xa0, 0x04, 0x24], value >>> 4), Buffer.alloc(0)),
        children: [list[index]!],
      };
  },
  (list, index) => list.splice(index, 1, ...(list[index]!.children ?? [])),
  (list, index) => void list[index]!.children?.reverse(),
  (list, index) => void list[index]!.children?.splice(0),
  (list, index, value) => {
    const { contents, tag } = list[index]!;
    list[index] = leaf(tag, contents.subarray(0, value % (contents.length + 1)));
  },
];

/** An edit of the tree of values, after which every length is right again. */
function editTree(input: Buffer, { at, to, value, kind }: Parameters<Change>[1], other: Buffer): Buffer {
  const tree = parse(input);
  const found = tree && places(tree);
  if (!found || found.length === 0) return bytes[kind % bytes.length]!(input, { at, to, value, kind }, other);
  const { list, index } = found[indexOf(found.length - 1, at)]!;
  const others = parse(other);
  const donors = others && others.length > 0 ? places(others) : found;
  const donor = donors[indexOf(donors.length - 1, to)]!;
  edits[(value >>> 8) % edits.length]!(list, index, value & 0xff, structuredClone(donor.list[donor.index]!));
  return Buffer.concat(tree!.map(write));
}

/** DER: three of four changes keep it well-formed. */
export const der: readonly Change[] = [...Array.from({ length: bytes.length * 3 }, () => editTree), ...bytes];

/** The same inside of one block of a PEM text. */
export const pemBody: Change = (input, step, other) => {
  const text = input.toString('latin1');
  const blocks = [...text.matchAll(/-----BEGIN ([^-]+)-----([A-Za-z0-9+/=\s]+)-----END/g)];
  const block = blocks[step.value % Math.max(1, blocks.length)];
  if (!block) return input;
  const body = Buffer.from(block[2]!, 'base64');
  const changed = editTree(body, step, other).toString('base64').replace(/.{64}/g, '$&\n');
  const from = block.index + block[0].indexOf(block[2]!);
  return replace(input, from, from + block[2]!.length, Buffer.from(`\n${changed}\n`));
};
