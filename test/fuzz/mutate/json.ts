import { type Change, indexOf, pick } from './step.ts';
import { text } from './text.ts';

type Holder = Record<string, unknown> | unknown[];

/** Every place in a value where another may stand. */
function places(value: unknown, found: [Holder, string][] = []): [Holder, string][] {
  if (typeof value !== 'object' || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value as Holder, key]);
    places((value as Record<string, unknown>)[key], found);
  }
  return found;
}

const EDGES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  443,
  65536,
  1e21,
  '',
  ' ',
  [],
  {},
  [[]],
  [null],
  { '': '' },
  '\u0000',
  '__proto__',
  'x'.repeat(5000),
  '*',
  '*.example',
  { __proto__: null, constructor: 1 },
  JSON.parse('{"__proto__": {"polluted": true}}'),
];

/** Changes to a JSON text that keep it JSON, two of three. */
export function json(words: readonly string[]): readonly Change[] {
  const plain = text(words);
  const editValue: Change = (input, { at, to, value }, other) => {
    let root: { root: unknown };
    let donor: unknown = value;
    try {
      root = { root: JSON.parse(input.toString()) };
      const others = places([JSON.parse(other.toString())]);
      const [holder, key] = others[indexOf(others.length - 1, to)]!;
      donor = (holder as Record<string, unknown>)[key];
    } catch {
      return pick(plain, value)(input, { kind: 0, at, to, value }, other);
    }
    const found = places(root);
    const [holder, key] = found[indexOf(found.length - 1, at)]! as [Record<string, unknown>, string];
    const own = holder[key];
    const word = pick(words.length > 0 ? words : ['x'], value >>> 4);
    const put = (name: string, held: unknown) =>
      Object.defineProperty(holder, name, {
        value: held,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    switch (value % 8) {
      case 0:
        put(key, pick(EDGES, value >>> 3));
        break;
      case 1:
        put(key, donor);
        break;
      case 2:
        if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else delete holder[key];
        break;
      case 3:
        put(key, word);
        break;
      case 4:
        put(key, [own, donor]);
        break;
      case 5:
        if (!Array.isArray(holder)) put(word, own);
        break;
      case 6:
        put(key, { [word]: own });
        break;
      default:
        if (Array.isArray(own)) own.push(...Array.from({ length: value % 64 === 7 ? 300 : 2 }, () => donor));
        else if (typeof own === 'object' && own !== null) put(key, { ...own, [word]: donor });
        else put(key, `${own}${word}`);
    }
    return Buffer.from(JSON.stringify(root.root) ?? 'null');
  };
  return [...Array.from({ length: plain.length * 2 }, () => editValue), ...plain];
}
