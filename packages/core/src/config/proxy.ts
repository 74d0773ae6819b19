import type { Issue } from '../pin/issue.ts';
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
  readonly issues: readonly Issue[];
}

/** Reads the `proxy` option. Which kinds of proxy can be used is decided where one is. */
export function checkProxy({ proxy }: Config, known: ReadonlySet<string> | undefined): CheckedProxies {
  if (proxy === undefined || proxy === false) return { proxy, issues: [] };
  if (proxy === 'env') return { proxy: 'env', issues: [] };
  const bare = typeof proxy === 'string' || isUrl(proxy);
  const options = bare ? { url: proxy } : proxy;
  const { url, problem } = parseProxyUrl(options.url);
  const issues: Issue[] = [];
  if (problem !== undefined) {
    const path = bare ? ['proxy'] : ['proxy', 'url'];
    issues.push({ code: 'ERR_CLIENTCERT_CONFIG_INVALID', path, message: problem });
  }
  if (options.certificate !== undefined) {
    issues.push(...checkCertificateName(['proxy', 'certificate'], options.certificate, known));
  }
  if (url?.protocol === 'http:') issues.push(...unused(options));
  if (issues.length > 0 || url === undefined) return { proxy: undefined, issues };
  const { certificate, ca, authorization } = options;
  return { proxy: { url, certificate, ca: toList(ca), authorization }, issues };
}

/** What is presented and trusted only over TLS. */
function unused(options: { certificate?: unknown; ca?: unknown }): Issue[] {
  return (['certificate', 'ca'] as const)
    .filter((option) => options[option] !== undefined)
    .map((option) => ({
      code: 'ERR_CLIENTCERT_CONFIG_INVALID',
      path: ['proxy', option],
      message: 'a proxy at http: is spoken to without TLS: write https:, or leave this out',
    }));
}

/** `ca` as a list, however it was written. */
export function toList(
  ca: CaMaterial | readonly CaMaterial[] | undefined,
): readonly CaMaterial[] | undefined {
  if (ca === undefined) return undefined;
  return Array.isArray(ca) ? ca : [ca as CaMaterial];
}
