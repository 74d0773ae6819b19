import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyString } from '../../../test/any-string.ts';
import { Code, Content, readProperty, Variable } from '../src/other/literal.ts';
import { splitCommands, splitConfig } from '../src/other/shell.ts';

describe('readProperty', () => {
  it.each([
    ['a: "x"', 'x'],
    ["a: 'it\\'s'", "it's"],
    ['{ a: `x`, b: 1 }', 'x'],
    ['const a = [1, -2, true, null,]', [1, -2, true, null]],
    ['export const a: { b: string }[] = [{ b: "c" }]', [{ b: 'c' }]],
    ['const a: Array<string> = ["b"]\nconst c = 1', ['b']],
    ['a: [1_000, 0.5, 5., 007, 1.2.3]', [1000, 0.5, 5, new Code('007'), new Code('1.2.3')]],
    ['a: process.env.NAME', new Variable('NAME')],
    ["a: process.env['NAME']!", new Variable('NAME')],
    ['a: process.env.NAME as string, b', new Variable('NAME')],
    ["a: process.env.NAME ?? 'secret'", new Variable('NAME')],
    ['a: __ENV.NAME || "secret",', new Variable('NAME')],
    ["a: fs.readFileSync('b.pem', 'utf8')", new Content('b.pem')],
    ["a: open('./b.pem')", new Content('./b.pem')],
    ["a: path.resolve(__dirname, 'certs', 'b.pem')", 'certs/b.pem'],
    ["const b = 'c'; const x = { a: b }", 'c'],
    ["const a = 'c'; const x = { a, }", 'c'],
    ['a: [ /* one */ "b", // two\n "c" ] satisfies string[]', ['b', 'c']],
    ['a: "b" + secret', new Code('"b" + secret')],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in a program
    ['a: `b${c}`', new Code('`b${c}`')],
    ['a: [...b, { c: d() }]', [new Code('...b'), { c: new Code('d()') }]],
    ["a: ['b'].map((each) => each)", new Code("['b'].map((each) => each)")],
    ['const a = a; x', new Code('a')],
    ['module.exports.a = [1]', [1]],
  ])('%s', (source, value) => {
    expect(readProperty(source, 'a')[0]).toEqual(value);
  });

  it('finds nothing in other names', () => {
    expect(readProperty('ba: 1; a.b = 1; a === 1; a => 1; "xa": 1; a::b', 'a')).toEqual([]);
  });

  it('reads whatever JavaScript writes down', () => {
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        anyString,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(fc.stringMatching(/^[a-z]\w*$/), tie('value')),
      ),
    })).value;
    fc.assert(
      fc.property(values, fc.boolean(), (value, asJson) => {
        const held = [value];
        const options = { depth: null, maxArrayLength: null, maxStringLength: null, compact: false } as const;
        const written = asJson ? JSON.stringify(held, null, 2) : inspect(held, options);
        // `inspect` writes control characters as \x1B, which nobody does by hand.
        fc.pre(!/\\(?:x|u)|Object: null|'\s*\+/.test(written));
        const [read] = readProperty(
          `export default { clientCertificates: ${written}, more: 1 }`,
          'clientCertificates',
        );
        expect(JSON.stringify(read)).toBe(JSON.stringify(held));
      }),
    );
  });

  it('ends whatever it is given', () => {
    const parts = fc.constantFrom(
      'a',
      ':',
      '[',
      ']',
      '{',
      '}',
      '(',
      ')',
      '"',
      "'",
      '`',
      '${',
      '\\',
      ',',
      ';',
      '//',
      '/*',
      '*/',
      '\n',
      '...',
      ' ',
      'open(',
      '=',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 40 }), (tokens) => {
        readProperty(`a: ${tokens.join('')}`, 'a');
      }),
    );
    readProperty(`a: ${'['.repeat(100_000)}`, 'a');
    expect(() => readProperty(`a: ${'a:['.repeat(2_000)}`, 'a')).toThrow('in more steps');
  });
});

describe('splitCommands', () => {
  it('takes apart what is quoted for a shell', () => {
    const quoted = (argument: string) => `'${argument.replaceAll("'", "'\\''")}'`;
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (words) => {
        expect(splitCommands(words.map(quoted).join(' '))).toEqual([words]);
      }),
    );
  });

  it('keeps variables apart from text', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in a script
    const [inner, words] = splitCommands('a "$B" ${C:-d} \'$E\' "x\\"y" f\\ g $\'h\\ni\' <(cat "$J") # k');
    expect(inner).toEqual(['cat', '\ue000J\ue001']);
    expect(words).toEqual([
      'a',
      '\ue000B\ue001',
      '\ue000C\ue001',
      '$E',
      'x"y',
      'f g',
      'h\ni',
      '\ue000(cat "$J")\ue001',
    ]);
  });

  it('ends a command where a shell does', () => {
    expect(splitCommands('a b | c; d && e\nf \\\n g')).toEqual([['a', 'b'], ['c'], ['d'], ['e'], ['f', 'g']]);
  });
});

it('splitConfig reads lines as curl does', () => {
  const lines = [
    '# no',
    'cert = "a b.pem"',
    '-k',
    '--key k.pem',
    'cacert:root.pem',
    'url="https://x/\\"y"',
    '/ no',
    '',
    'user-agent = us # so',
  ];
  expect(splitConfig(lines.join('\n'))).toEqual([
    ...[
      '--cert',
      'a b.pem',
      '-k',
      '--key',
      'k.pem',
      '--cacert',
      'root.pem',
      '--url',
      'https://x/"y',
      '--user-agent',
      'us',
    ],
  ]);
});
