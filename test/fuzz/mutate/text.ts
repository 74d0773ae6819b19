import { bytes } from './bytes.ts';
import { type Change, indexOf, pick, replace } from './step.ts';

/** What trips readers of any text. */
const ODD = [
  '\0',
  '\ufeff',
  '\u200b',
  '\u202e',
  '\r',
  '\r\n',
  '\n',
  '\n\n',
  '\t',
  ' ',
  '\u00a0',
  '\u2028',
  '\ud800',
  '😀',
  'é',
  '"',
  "'",
  '`',
  '\\',
  '\\\\',
  '\\n',
  '\\u0000',
  '/',
  '//',
  '/*',
  '*/',
  '#',
  ';',
  ',',
  ':',
  '=',
  '%',
  '%00',
  '%zz',
  '&',
  '$',
  '${',
  '{{',
  '}}',
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  '<',
  '>',
  '|',
  '@',
  '*',
  '?',
  '!',
  '~',
  '^',
  '..',
  '-',
  '--',
  'null',
  'true',
  'false',
  'undefined',
  'NaN',
  'Infinity',
  '-1',
  '0',
  '1e999',
  '65536',
  '4294967296',
  '9007199254740993',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'xn--',
  'xn--a',
  '[::1]',
  '0x7f.1',
];

/** Changes to a text, with words that mean something where it is read. */
export function text(words: readonly string[] = []): readonly Change[] {
  const inserted = (value: number) => pick(words.length > 0 && value % 2 === 0 ? words : ODD, value >>> 1);
  return [
    ...bytes,
    function insertWord(input, { at, value }) {
      const from = indexOf(input.length, at);
      return replace(input, from, from, Buffer.from(inserted(value)));
    },
    function replaceWord(input, { at, value }) {
      const found = [...input.toString('latin1').matchAll(/[\w.-]+|[^\w\s]/g)];
      const word = found[indexOf(found.length - 1, at)];
      if (!word) return input;
      return replace(input, word.index, word.index + word[0].length, Buffer.from(inserted(value)));
    },
    function number(input, { at, value }) {
      const found = [...input.toString('latin1').matchAll(/\d+/g)];
      const digits = found[indexOf(found.length - 1, at)];
      if (!digits) return input;
      const edge = pick(
        ['0', '-1', '1e9', '65535', '65536', '4294967295', '99999999999999999999', '1.5', ''],
        value,
      );
      return replace(input, digits.index, digits.index + digits[0].length, Buffer.from(edge));
    },
    function line(input, { at, to, value }) {
      const lines = input.toString('latin1').split('\n');
      const [from] = lines.splice(indexOf(lines.length - 1, at), value % 3 === 0 ? 0 : 1);
      const moved = from ?? pick(lines, value);
      if (value % 3 !== 1) lines.splice(indexOf(lines.length, to), 0, moved ?? '');
      if (value % 97 === 0) for (let times = 0; times < 300; times++) lines.push(moved ?? '');
      return Buffer.from(lines.join('\n'), 'latin1');
    },
    function nest(input, { at, to, value }) {
      const [open, close] = pick(
        [
          ['[', ']'],
          ['{', '}'],
          ['(', ')'],
          ['"', '"'],
          ['{"a":', '}'],
          ['$(', ')'],
          ['`', '`'],
        ] as const,
        value,
      );
      const times = (value >>> 4) % 20 === 0 ? 3000 : 1 + ((value >>> 4) % 3);
      const [from, end] = [indexOf(input.length, at), indexOf(input.length, to)].sort((a, b) => a - b);
      const inner = [open.repeat(times), input.toString('latin1', from, end), close.repeat(times)].join('');
      return replace(input, from!, end!, Buffer.from(inner, 'latin1'));
    },
    function recode(input, { value }) {
      const written = input.toString('utf8');
      if (value % 4 === 0) return Buffer.from(written, 'utf16le');
      if (value % 4 === 1) return Buffer.from(input.toString('latin1'), 'utf8');
      if (value % 4 === 2) return Buffer.from(written.replaceAll(/\r?\n/g, value % 8 < 4 ? '\r\n' : '\\n'));
      return Buffer.from(value % 8 < 4 ? written.toUpperCase() : written.toLowerCase());
    },
  ];
}
