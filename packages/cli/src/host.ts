import { show } from '@clientcert/core/adapter';

/** Whether a text is a host as rules name them: `*.` and `:*` too. */
export function isHost(text: string): boolean {
  const url = `https://${text.replace(/^\*\./, '').replace(/:\*$/, '')}`;
  return (
    show(text, 'host') === text &&
    !/[/?#@\\\s]/.test(text) &&
    URL.canParse(url) &&
    new URL(url).hostname !== ''
  );
}
