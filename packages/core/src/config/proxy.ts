import type { Finding } from '../pin/finding.ts';
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
  const url = URL.canParse(String(options.url)) ? new URL(options.url) : undefined;
  const findings: Finding[] = [];
  if (url === undefined || url.hostname === '' || !SCHEMES.has(url.protocol)) {
    findings.push({
      code: 'ERR_CLIENTCERT_CONFIG_INVALID',
      path: isUrl ? ['proxy'] : ['proxy', 'url'],
      message: 'is not the URL of a proxy: write it as "http://proxy.example:3128", or "env"',
    });
  }
  if (options.certificate !== undefined) {
    findings.push(...checkCertificateName(['proxy', 'certificate'], options.certificate, known));
  }
  if (findings.length > 0 || url === undefined) return { proxy: undefined, findings };
  const { certificate, ca, authorization } = options;
  return { proxy: { url, certificate, ca: toList(ca), authorization }, findings };
}

/** SOCKS is let through here so that it is refused, or used, where it is connected to. */
const SCHEMES: ReadonlySet<string> = new Set([
  'http:',
  'https:',
  'socks:',
  'socks4:',
  'socks4a:',
  'socks5:',
  'socks5h:',
]);

/** `ca` as a list, however it was written. */
export function toList(
  ca: CaMaterial | readonly CaMaterial[] | undefined,
): readonly CaMaterial[] | undefined {
  if (ca === undefined) return undefined;
  return Array.isArray(ca) ? ca : [ca as CaMaterial];
}
