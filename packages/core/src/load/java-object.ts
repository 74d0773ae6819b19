import type { Budget } from './budget.ts';
import { corrupt } from './problem.ts';

/**
 * Where the serialised Java object at `start` ends. JCEKS keeps secret keys as such objects, with no length
 * before them; they are stepped over, never built (Java Object Serialization Specification, chapter 6). Each field
 * of each class is paid for: one description may stand for any number of objects.
 */
export function skipJavaObject(bytes: Buffer, start: number, budget: Budget): number {
  const stream: Stream = { bytes, at: start, handles: [], depth: 0, budget };
  if (bytes.readUInt32BE(skip(stream, 4)) !== 0xaced0005)
    throw corrupt('has a secret key entry that cannot be read');
  skipContent(stream);
  return stream.at;
}

interface Stream {
  readonly bytes: Buffer;
  at: number;
  /** What later references point to; only class descriptions matter. */
  readonly handles: (ClassDescription | undefined)[];
  depth: number;
  readonly budget: Budget;
}

interface ClassDescription {
  readonly name: string;
  readonly flags: number;
  /** Type codes of the fields: `B`, `I`, …, `L` and `[` for references. */
  readonly fields: string;
  readonly parent: ClassDescription | undefined;
  /** How many classes it is derived from, itself included. */
  readonly generation: number;
}

const sizes: Record<string, number> = { B: 1, Z: 1, C: 2, S: 2, I: 4, F: 4, J: 8, D: 8 };
const writeMethod = 0x01;
const endBlockData = 0x78;

function skipContent(stream: Stream): void {
  if (++stream.depth > 32) throw corrupt('has a secret key entry that nests too deeply');
  stream.budget.work(1);
  const code = byte(stream);
  if (code === 0x70) {
    // TC_NULL
  } else if (code === 0x71) skip(stream, 4);
  else if (code === 0x74) {
    stream.handles.push(undefined);
    skip(stream, stream.bytes.readUInt16BE(skip(stream, 2)));
  } else if (code === 0x75) skipArray(stream);
  else if (code === 0x73) skipObject(stream);
  else if (code === 0x72) readClass(stream);
  else if (code === 0x77) skip(stream, byte(stream));
  else if (code === 0x7e) {
    readClassReference(stream);
    stream.handles.push(undefined);
    skipContent(stream);
  } else throw corrupt('has a secret key entry that cannot be read');
  stream.depth--;
}

function skipObject(stream: Stream): void {
  const type = readClassReference(stream);
  stream.handles.push(undefined);
  const line: ClassDescription[] = [];
  for (let each = type; each !== undefined; each = each.parent) line.push(each);
  for (const { fields, flags } of line.reverse()) {
    stream.budget.work(1 + fields.length);
    for (const field of fields) {
      const size = sizes[field];
      if (size === undefined) skipContent(stream);
      else skip(stream, size);
    }
    if ((flags & writeMethod) !== 0) skipAnnotations(stream);
  }
}

function skipArray(stream: Stream): void {
  const type = readClassReference(stream);
  stream.handles.push(undefined);
  const count = stream.bytes.readUInt32BE(skip(stream, 4));
  const size = sizes[type?.name[1] ?? ''];
  if (size !== undefined) skip(stream, count * size);
  else for (let index = 0; index < count; index++) skipContent(stream);
}

function readClassReference(stream: Stream): ClassDescription | undefined {
  const code = byte(stream);
  if (code === 0x70) return undefined;
  if (code === 0x71) return stream.handles[stream.bytes.readUInt32BE(skip(stream, 4)) - 0x7e0000];
  if (code !== 0x72) throw corrupt('has a secret key entry that cannot be read');
  return readClass(stream);
}

function readClass(stream: Stream): ClassDescription {
  if (++stream.depth > 32) throw corrupt('has a secret key entry that nests too deeply');
  const name = text(stream);
  skip(stream, 8);
  const handle = stream.handles.push(undefined) - 1;
  const flags = byte(stream);
  let fields = '';
  for (let left = stream.bytes.readUInt16BE(skip(stream, 2)); left > 0; left--) {
    const type = String.fromCharCode(byte(stream));
    fields += type;
    text(stream);
    if (type === 'L' || type === '[') skipContent(stream);
  }
  skipAnnotations(stream);
  const parent = readClassReference(stream);
  const generation = 1 + (parent?.generation ?? 0);
  if (generation > 32) throw corrupt('has a secret key entry of a class that is derived too often');
  const description = { name, flags, fields, parent, generation };
  stream.handles[handle] = description;
  stream.depth--;
  return description;
}

function skipAnnotations(stream: Stream): void {
  while (stream.bytes[stream.at] !== endBlockData) skipContent(stream);
  stream.at++;
}

function text(stream: Stream): string {
  const length = stream.bytes.readUInt16BE(skip(stream, 2));
  const start = skip(stream, length);
  return stream.bytes.toString('utf8', start, start + length);
}

function byte(stream: Stream): number {
  return stream.bytes[skip(stream, 1)]!;
}

/** Moves on by `length` and returns where it was. */
function skip(stream: Stream, length: number): number {
  if (stream.at + length > stream.bytes.length) throw corrupt('is truncated: an entry reaches past the end');
  stream.at += length;
  return stream.at - length;
}
