import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Whether to colour: on a terminal, unless NO_COLOR says no or FORCE_COLOR yes (no-color.org, force-color.org). */
export function colours(
  stream: { isTTY?: boolean } = process.stdout,
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  return !env.NO_COLOR && env.TERM !== 'dumb' && stream.isTTY === true;
}

function painter(style: Style): (text: string) => string {
  return (text) => {
    if (text === '' || !colours()) return text;
    // Its own question whether the stream takes colours, where this Node asks it, was answered above.
    return styleText(style, text, { validateStream: false });
  };
}

// The sixteen colours alone: they are the reader's own, dark or light.
export const bold: (text: string) => string = painter('bold');
export const dim: (text: string) => string = painter('dim');
export const good: (text: string) => string = painter('green');
export const bad: (text: string) => string = painter(['red', 'bold']);
export const warning: (text: string) => string = painter('yellow');
