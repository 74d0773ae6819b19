import type { Finding } from '../pin/issue.ts';
import type { CaMaterial, Config, Passphrase } from '../types.ts';
import { checkCertificateName } from './names.ts';

/** A proxy, with what it is to be shown. The URL and the authorization may be secret. */
export interface CheckedProxy {
  readonly url: URL;
  readonly certificate: string | undefined;
  readonly ca: readonly CaMaterial[] | undefined;
  readonly authorization: Passphrase | undefined;
}

export interface CheckedProxies {
  readonly proxy: CheckedProxy | 'env' | false | undefined;
  readonly findings: readonly Finding[];
}

/** Reads the `proxy` option. Which kinds of proxy can be used is decided where one is. */
export function checkProxy({ proxy }: Config, known: ReadonlySet<string> | undefined): CheckedProxies {
  if (proxy === undefined || proxy === false) return { proxy, findings: [] };
  if (proxy === 'env') return { proxy: 'env', findings: [] };
  const isUrl = typeof proxy === 'string' || proxy instanceof URL;
  const options = isUrl ? { url: proxy } : proxy;
  const { url, problem } = parseProxyUrl(options.url);
  const findings: Finding[] = [];
  if (problem !== undefined) {
    const path = isUrl ? ['proxy'] : ['proxy', 'url'];
    findings.push({ code: 'ERR_CLIENTCERT_CONFIG_INVALID', path, message: problem });
  }
  if (options.certificate !== undefined) {
    findings.push(...checkCertificateName(['proxy', 'certificate'], options.certificate, known));
  }
  if (findings.length > 0 || url === undefined) return { proxy: undefined, findings };
  const { certificate, ca, authorization } = options;
  return { proxy: { url, certificate, ca: toList(ca), authorization }, findings };
}

/** The URL of a proxy, or what is wrong with it. What was written is never repeated: a password may stand in it. */
export function parseProxyUrl(
  written: string | URL,
): { url: URL; problem: undefined } | { url: undefined; problem: string } {
  const url = URL.canParse(String(written)) ? new URL(written) : undefined;
  const problem = PROBLEMS.find(({ test }) => test(url))?.message;
  if (problem !== undefined) return { url: undefined, problem };
  return { url: url!, problem: undefined };
}

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

/** `ca` as a list, however it was written. */
export function toList(
  ca: CaMaterial | readonly CaMaterial[] | undefined,
): readonly CaMaterial[] | undefined {
  if (ca === undefined) return undefined;
  return Array.isArray(ca) ? ca : [ca as CaMaterial];
}
