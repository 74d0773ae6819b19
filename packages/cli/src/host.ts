/** Whether a text is a host as rules name them: `*.` and `:*` too. */
export function isHost(text: string): boolean {
  const url = `https://${text.replace(/^\*\./, '').replace(/:\*$/, '')}`;
  return !/[/?#@\\\s]/.test(text) && URL.canParse(url) && new URL(url).hostname !== '';
}
