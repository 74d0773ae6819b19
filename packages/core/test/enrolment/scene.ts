import { type Authority, createAuthority } from '@clientcert/testing';
import { expect, vi } from 'vitest';
import { type Issued, type RenewingOptions, renewing } from '../../src/enrolment.ts';
import { type Credentials, loadCredentials } from '../../src/index.ts';

export const authority: Authority = await createAuthority();

/** An issuer that answers as it is told, and is told when it was asked. */
export function createSource(options: RenewingOptions = {}) {
  const issue = vi.fn<(current: Issued | undefined) => Promise<Issued>>(async () => {
    const notAfter = new Date(Date.now() + 86_400_000);
    const { fullChain, key } = await authority.issue({ name: 'me', notAfter });
    return { cert: fullChain, key };
  });
  const looked = vi.fn<() => void>();
  const issuer = {
    issue,
    get tendAt() {
      looked();
      return Number.POSITIVE_INFINITY;
    },
  };
  /** Until one of its readers waits for its time: what the clock says is taken when that begins. */
  const waits = () => expect.poll(() => looked.mock.calls.length).toBeGreaterThan(0);
  return { issue, waits, source: renewing(() => issuer, options) };
}

export const load = async (source: ReturnType<typeof createSource>['source']) => {
  const credentials = await loadCredentials({
    certificates: { bank: source },
    default: { certificate: 'bank', ca: authority.certificate },
  });
  credentials
    .on('warning', () => {})
    .on('expiring', () => {})
    .on('error', () => {});
  return credentials;
};
export const fingerprintOf = (credentials: Credentials<'bank'>) =>
  credentials.certificates()[0]!.fingerprint256;

/** As if so many hours had gone by, until mocks are restored. */
export const goOn = (hours: number) => {
  const now = Date.now() + hours * 3_600_000;
  vi.spyOn(Date, 'now').mockImplementation(() => now);
};
