import { isUrl } from '../url.ts';

/** The URL of a proxy, or what is wrong with it. What was written is never repeated: a password may stand in it. */
export function parseProxyUrl(
  written: string | URL,
): { url: URL; problem: undefined } | { url: undefined; problem: string } {
  const text = typeof written === 'string' || isUrl(written) ? String(written) : '';
  const url = text.length <= LONGEST && URL.canParse(text) ? new URL(text) : undefined;
  const problem = PROBLEMS.find(({ test }) => test(url))?.message;
  if (problem !== undefined) return { url: undefined, problem };
  return { url: url!, problem: undefined };
}

/** With a token as its password. A host of more takes Node 20 a time that grows with the square. */
const LONGEST = 4096;

/** The first that fits is told. */
const PROBLEMS: readonly { test(url: URL | undefined): boolean; message: string }[] = [
  {
    test: (url) => /^socks/.test(url?.protocol ?? ''),
    message:
      'is a SOCKS proxy, and connections are tunnelled through http: and https: proxies only: write the HTTP port of that proxy, such as "http://proxy.example:3128"',
  },
  {
    test: (url) => url === undefined || url.hostname === '' || !/^https?:$/.test(url.protocol),
    message: 'is not the URL of a proxy: write it as "http://proxy.example:3128", or "env"',
  },
  {
    // What was to be a password would be taken for a port, or for the name of the proxy.
    test: (url) => url!.pathname !== '/' || url!.search !== '' || url!.hash !== '',
    message:
      'has more than a host and a port: in a user or a password "/" is written %2F, "?" %3F, "#" %23 and "@" %40',
  },
];
