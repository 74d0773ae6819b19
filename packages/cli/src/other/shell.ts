/** Stands around the name of a variable in an argument: letters of no language. */
const OPEN = '\ue000';
const CLOSE = '\ue001';

/** An argument that is a variable and nothing else: its name. */
export function variableIn(argument: string): string | undefined {
  const name = argument.startsWith(OPEN) && argument.endsWith(CLOSE) ? argument.slice(1, -1) : '';
  return /^\w+$/.test(name) ? name : undefined;
}

/** Whether a shell would put something in its place first. */
export function isComposed(argument: string): boolean {
  return argument.includes(OPEN);
}

/**
 * The commands of a shell script, each as its arguments, as `sh` takes them apart. Nothing is run and no variable
 * read: each stands as a mark that {@link variableIn} knows. `<(…)` is the text in it; the commands in `$(…)` are some
 * as well. Where output goes is no argument.
 */
export function splitCommands(text: string, depth: number = 0): string[][] {
  const commands: string[][] = [];
  let redirects = false;
  /** `$(…)` at an offset: its text, behind a mark. */
  const substituted = (from: number, end: number) => {
    const inner = text.slice(from, end);
    if (depth < 10) commands.push(...splitCommands(inner, depth + 1));
    return `${OPEN}(${inner})${CLOSE}`;
  };
  let words: string[] = [];
  let word: string | undefined;
  const endWord = () => {
    if (word !== undefined && !redirects) words.push(word);
    if (word !== undefined) redirects = false;
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    redirects = false;
    if (words.length > 0) commands.push(words);
    words = [];
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    const variable = character === '$' ? VARIABLE.exec(text.slice(at, at + 200)) : null;
    if (character === '\\') {
      at++;
      if (text[at] === '\r' && text[at + 1] === '\n') at++;
      else if (text[at] !== '\n') word = (word ?? '') + (text[at] ?? '');
    } else if (character === "'" || (character === '$' && text[at + 1] === "'")) {
      const escapes = character === '$';
      const start = at + (escapes ? 2 : 1);
      let end = start;
      while (end < text.length && text[end] !== "'") end += escapes && text[end] === '\\' ? 2 : 1;
      const inner = text.slice(start, end);
      word = (word ?? '') + (escapes ? unescaped(inner) : inner);
      at = end;
    } else if (character === '"') {
      word ??= '';
      for (at++; at < text.length && text[at] !== '"'; at++) {
        const inner = text[at] === '$' ? VARIABLE.exec(text.slice(at, at + 200)) : null;
        if (inner !== null) {
          word += `${OPEN}${inner[1] ?? inner[2]}${CLOSE}`;
          at += inner[0].length - 1;
        } else if (text[at] === '$' && text[at + 1] === '(') {
          const end = closing(text, at + 1);
          word += substituted(at + 2, end);
          at = end;
        } else if (text[at] === '\\' && '"\\$`\n'.includes(text[at + 1] ?? '')) {
          at++;
          word += text[at] === '\n' ? '' : text[at];
        } else word += text[at];
      }
    } else if (variable !== null) {
      word = `${word ?? ''}${OPEN}${variable[1] ?? variable[2]}${CLOSE}`;
      at += variable[0].length - 1;
    } else if ((character === '<' || character === '$') && text[at + 1] === '(') {
      const end = closing(text, at + 1);
      word = `${word ?? ''}${substituted(at + 2, end)}`;
      at = end;
    } else if (character === '`') {
      const end = text.indexOf('`', at + 1);
      word = `${word ?? ''}${substituted(at + 1, end < 0 ? text.length : end)}`;
      at = end < 0 ? text.length : end;
    } else if ((character === '>' || character === '<') && (words.length > 0 || word !== undefined)) {
      if (/^\d+$/.test(word ?? '')) word = undefined;
      endWord();
      while ('<>&|'.includes(text[at + 1] ?? ' ')) at++;
      redirects = true;
    } else if (character === '#' && word === undefined) {
      while (at + 1 < text.length && text[at + 1] !== '\n') at++;
    } else if ('\n;|&()'.includes(character!)) endCommand();
    else if (/\s/.test(character)) endWord();
    else word = (word ?? '') + character;
  }
  endCommand();
  return commands;
}

/** What stands in `$'…'`. */
function unescaped(text: string): string {
  return text
    .replace(/(?:\\x[\da-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('\\x', ''), 'hex').toString())
    .replace(/\\(.)/gs, (_, letter) => ESCAPES[letter] ?? letter);
}

const VARIABLE = /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::?[-=?+][^}]*)?\})/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** Where the bracket at an offset is closed. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) return at;
  }
  return text.length;
}

/**
 * The arguments that a config file of curl's amounts to: an option a line, with or without dashes, its value after
 * blanks, `=` or `:`, in double quotes where it has blanks.
 *
 * @see https://curl.se/docs/manpage.html#-K
 */
export function splitConfig(text: string): string[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [, dash = '', option, rest = ''] = /^\s*(?![#/*])(-*)([^\s=:]+|:)(.*)$/s.exec(line) ?? [];
    if (option === undefined) return [];
    const value = dash === '' ? rest.replace(/^[\s=:]+/, '') : rest.trimStart();
    const name = dash === '' ? `--${option}` : `${dash}${option}`;
    const [, quoted, bare] = /^(?:"((?:\\.|[^"\\])*)"?|(\S*))/.exec(value) ?? [];
    const argument =
      quoted === undefined
        ? bare
        : quoted.replace(
            /\\(.)/g,
            (_, letter: string) => ({ n: '\n', r: '\r', t: '\t', v: '\v' })[letter as 'n'] ?? letter,
          );
    return argument === undefined || argument === '' ? [name] : [name, argument];
  });
}
