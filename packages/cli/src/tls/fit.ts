import type { CertificateInfo } from '@clientcert/core';
import { folded } from './names.ts';

/** What a server asks for, in one version. */
export interface Demand {
  readonly version: string;
  /** As Node writes names; empty: any. */
  readonly issuers: readonly string[];
  readonly signatureAlgorithms: readonly number[] | undefined;
}

export interface Fit {
  readonly name: string;
  /** Whether the config presents it there. */
  readonly mapped: boolean;
  /** `not asked` where the server asks for none before it has the request. */
  readonly verdict: 'fits' | 'does not fit' | 'doubtful' | 'not asked';
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
}

/** Whether a certificate would do, as far as the server says what it wants. */
export function fitOf(info: CertificateInfo, demands: readonly Demand[], mapped: boolean): Fit {
  const wrong = [...ownFaults(info), ...demands.flatMap((demand) => keyFaults(info, demand))];
  const doubts = [...issuerFaults(info, demands), ...warnings(info)];
  const reasons = [...wrong, ...doubts];
  if (demands.length === 0) return { name: info.name, mapped, verdict: 'not asked', reasons };
  if (wrong.length > 0 || doubts.some(({ code }) => code === 'ISSUER_NOT_NAMED'))
    return { name: info.name, mapped, verdict: 'does not fit', reasons };
  if (doubts.length > 0) return { name: info.name, mapped, verdict: 'doubtful', reasons };
  const named = demands.some(({ issuers }) => issuers.length > 0);
  const why = named
    ? { code: 'ISSUER_NAMED', message: 'its issuer is among those that the server names' }
    : {
        code: 'ANY_ISSUER',
        message: 'the server names no issuers: it says which it takes only when it sees one',
      };
  return { name: info.name, mapped, verdict: 'fits', reasons: [why] };
}

type Reason = Fit['reasons'][number];

function ownFaults({ status, validFrom, validTo }: CertificateInfo): Reason[] {
  const day = (date: Date) => date.toISOString().slice(0, 10);
  if (status === 'expired') return [{ code: 'EXPIRED', message: `it expired on ${day(validTo)}` }];
  if (status === 'not yet valid')
    return [{ code: 'NOT_YET_VALID', message: `it is not valid before ${day(validFrom)}` }];
  return [];
}

function warnings({ warnings }: CertificateInfo): Reason[] {
  return warnings
    .filter(({ code }) => code === 'NO_CLIENT_AUTH' || code === 'WEAK_KEY' || code === 'WEAK_SIGNATURE')
    .map(({ code, message }) => ({ code, message }));
}

function issuerFaults({ issuers }: CertificateInfo, demands: readonly Demand[]): Reason[] {
  const naming = demands.filter((demand) => demand.issuers.length > 0);
  const missing = naming.filter(({ issuers: named }) => {
    const names = foldedOnce(named);
    return !issuers.some((own) => names.has(folded(own)));
  });
  if (missing.length === 0) return [];
  const where =
    missing.length < naming.length ? ` under ${missing.map(({ version }) => version).join(' and ')}` : '';
  return [
    {
      code: 'ISSUER_NOT_NAMED',
      message: `none of its issuers is among those that the server names${where}: ${issuers.map(oneLine).join('; ')}`,
    },
  ];
}

const known = new WeakMap<readonly string[], ReadonlySet<string>>();

/** A server may name thousands, and a config may have as many certificates. */
function foldedOnce(names: readonly string[]): ReadonlySet<string> {
  const set = known.get(names) ?? new Set(names.map(folded));
  known.set(names, set);
  return set;
}

function keyFaults({ keyType }: CertificateInfo, { version, signatureAlgorithms }: Demand): Reason[] {
  if (signatureAlgorithms === undefined || signatureAlgorithms.length === 0) return [];
  const usable = algorithmsOf(keyType, version);
  if (usable === undefined || signatureAlgorithms.some((each) => usable.includes(each))) return [];
  return [
    {
      code: 'KEY_TYPE_NOT_TAKEN',
      message: `its key (${keyType}) has none of the signature algorithms that the server takes under ${version}`,
    },
  ];
}

/** The signature schemes of a key (RFC 8446, section 4.2.3; RFC 5246, section 7.4.1.4.1); undefined for unknown ones. */
function algorithmsOf(keyType: string, version: string): readonly number[] | undefined {
  const [type = '', curve = ''] = keyType.split(' ');
  const modern = version === 'TLSv1.3';
  if (type === 'rsa') return [...PSS, ...(modern ? [] : [0x0201, 0x0301, 0x0401, 0x0501, 0x0601])];
  if (type === 'rsa-pss') return [0x0809, 0x080a, 0x080b];
  if (type === 'ed25519') return [0x0807];
  if (type === 'ed448') return [0x0808];
  if (type === 'dsa') return modern ? [] : [0x0202, 0x0302, 0x0402, 0x0502, 0x0602];
  if (type !== 'ec') return undefined;
  if (!modern) return [0x0203, 0x0303, 0x0403, 0x0503, 0x0603];
  const own = { prime256v1: 0x0403, secp384r1: 0x0503, secp521r1: 0x0603 }[curve];
  return own === undefined ? [] : [own];
}

const PSS = [0x0804, 0x0805, 0x0806];

function oneLine(name: string): string {
  return name.trim().split('\n').reverse().join(', ');
}
