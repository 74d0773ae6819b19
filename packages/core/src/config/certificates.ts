import { isPkcs11Uri, parsePkcs11Uri } from '../load/pkcs11-uri.ts';
import type { Problem } from '../load/problem.ts';
import { faultOfTrustDomain } from '../load/spiffe-id.ts';
import { entriesInTurns } from '../load/turn.ts';
import type { Issue } from '../pin/issue.ts';
import type { CertificateSource, Config, FileSource } from '../types.ts';
import { checkName } from './names.ts';

export interface CheckedCertificates {
  readonly certificates: ReadonlyMap<string, CertificateSource>;
  readonly trustOnly: ReadonlySet<string>;
  readonly issues: readonly Issue[];
}

/** Whether each source says where its certificate is, once. */
export async function checkCertificates(config: Config): Promise<CheckedCertificates> {
  const certificates = new Map<string, CertificateSource>();
  const issues: Issue[] = [];
  const trustOnly = new Set<string>();
  await entriesInTurns(config.certificates ?? {}, (name, source) => {
    certificates.set(name, source);
    const path = ['certificates', name];
    issues.push(...checkName(path, name));
    if (typeof source === 'function') return;
    const problem = PROBLEMS.find(({ test }) => test(source))?.message;
    if (problem !== undefined) issues.push({ code: 'ERR_CLIENTCERT_CONFIG_INVALID', path, message: problem });
    issues.push(...checkTokenUri([...path, 'key'], source.key));
    // One by one: a call takes no hundred thousand arguments.
    for (const issue of checkBundles(path, source.bundles)) issues.push(issue);
    if (source.trust === 'only') trustOnly.add(name);
  });
  return { certificates, trustOnly, issues };
}

/** A PKCS#11 URI that is none is told of before any token is asked. */
function checkTokenUri(path: Issue['path'], key: FileSource['key']): Issue[] {
  if (!isPkcs11Uri(key)) return [];
  try {
    parsePkcs11Uri(key);
    return [];
  } catch (error) {
    const { message, hint } = error as Problem;
    return [{ code: 'ERR_CLIENTCERT_CONFIG_INVALID', path, message: `${message}. ${hint}` }];
  }
}

function checkBundles(path: Issue['path'], bundles: FileSource['bundles']): Issue[] {
  return Object.keys(bundles ?? {}).flatMap((name): Issue[] => {
    const message = faultOfTrustDomain(name);
    if (message === undefined) return [];
    return [{ code: 'ERR_CLIENTCERT_CONFIG_INVALID', path: [...path, 'bundles', name], message }];
  });
}

const KINDS = ['pfx', 'cert', 'dir'] as const;

/** The first that fits is told. */
const PROBLEMS: readonly { test(source: FileSource): boolean; message: string }[] = [
  {
    test: (source) => countKinds(source) > 1,
    message: 'says more than one of pfx, cert and dir: keep the one that holds the certificate',
  },
  {
    test: (source) => countKinds(source) === 0 && source.key !== undefined,
    message: 'has a key and no certificate: add `cert`',
  },
  {
    test: (source) => countKinds(source) === 0,
    message: 'says nowhere where the certificate is: add `pfx`, `cert` and `key`, or `dir`',
  },
  {
    test: (source) => source.key !== undefined && source.cert === undefined,
    message: '`key` stands beside `cert` only: a pfx or a directory brings its own key',
  },
  {
    test: (source) => source.pin !== undefined && source.cert === undefined,
    message: '`pin` stands beside `cert` only: it opens the token that `key` names',
  },
  {
    test: (source) => source.engine !== undefined && source.cert === undefined,
    message: '`engine` stands beside `cert` only: it reaches the token that `key` names',
  },
];

function countKinds(source: FileSource): number {
  return KINDS.filter((kind) => source[kind] !== undefined).length;
}
