import type { Finding } from '../pin/issue.ts';
import { parseProxyUrl } from '../pin/proxy-url.ts';
import type { CaMaterial, Config, Passphrase } from '../types.ts';
import { isUrl } from '../url.ts';
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
  const bare = typeof proxy === 'string' || isUrl(proxy);
  const options = bare ? { url: proxy } : proxy;
  const { url, problem } = parseProxyUrl(options.url);
  const findings: Finding[] = [];
  if (problem !== undefined) {
    const path = bare ? ['proxy'] : ['proxy', 'url'];
    findings.push({ code: 'ERR_CLIENTCERT_CONFIG_INVALID', path, message: problem });
  }
  if (options.certificate !== undefined) {
    findings.push(...checkCertificateName(['proxy', 'certificate'], options.certificate, known));
  }
  if (findings.length > 0 || url === undefined) return { proxy: undefined, findings };
  const { certificate, ca, authorization } = options;
  return { proxy: { url, certificate, ca: toList(ca), authorization }, findings };
}

/** `ca` as a list, however it was written. */
export function toList(
  ca: CaMaterial | readonly CaMaterial[] | undefined,
): readonly CaMaterial[] | undefined {
  if (ca === undefined) return undefined;
  return Array.isArray(ca) ? ca : [ca as CaMaterial];
}
