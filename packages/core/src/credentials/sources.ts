import type { X509Certificate } from 'node:crypto';
import { isFieldValue } from '../agent/connect-request.ts';
import type { CheckedConfig } from '../config/check.ts';
import type { CheckedProxy } from '../config/proxy.ts';
import { hasNames } from '../load/handed-over.ts';
import { readRoots, readSource } from '../load/index.ts';
import { resolvePassphrase } from '../load/passphrase.ts';
import { explainAs, Problem } from '../load/problem.ts';
import { toTruststore } from '../load/roots.ts';
import { pathOf } from '../load/source.ts';
import { StoredCertificate } from '../load/stored-certificate.ts';
import { createSurroundings } from '../load/surroundings.ts';
import { snapshot } from '../own.ts';
import { Feed } from '../rotate/feed.ts';
import type { Reading } from '../rotate/renewal.ts';
import { currentState, type Watched } from '../rotate/watch.ts';
import type { CaMaterial, CertificateSource, ClientCertificate, FileSource, SourceCall } from '../types.ts';

/** A certificate as it was read, with what its source says of trust: a function may say so as well. */
export interface CertificateReading extends Reading<ClientCertificate> {
  readonly trust: 'only' | undefined;
}

/** What is to be watched of something that was read. */
export interface Origin extends Omit<Reading<unknown>, 'value'> {
  /** Of a certificate: where its versions come from. */
  readonly from?: Provenance | undefined;
}

/** What a certificate is read from, again and again: what was written, or what a function says. */
export type Provenance = FileSource | Feed;

export function provenanceOf(source: CertificateSource): Provenance {
  return typeof source === 'function' ? new Feed(source) : source;
}

/** Ends what an inventory opened that is not taken, apart from what it took over from another. */
export function closeFeeds(origins: ReadonlyMap<string, Origin>, kept?: ReadonlyMap<string, Origin>): void {
  for (const [name, origin] of origins) {
    if (origin !== kept?.get(name) && origin.from instanceof Feed) origin.from.close();
  }
}

/** What sources are read with. */
interface Place {
  readonly baseDirectory: string;
  readonly expiryWarningDays: CheckedConfig['expiryWarningDays'];
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined;
}

export function placeOf({ baseDirectory, expiryWarningDays }: CheckedConfig): Place {
  return { baseDirectory, expiryWarningDays };
}

/** Reads one certificate, and says what to watch. */
export async function readCertificateSource(
  name: string,
  from: Provenance,
  place: Place,
): Promise<CertificateReading> {
  let found: FileSource | undefined;
  const watched: Watched[] = [];
  const ask = async (call: SourceCall) => {
    const given = from instanceof Feed ? await from.ask(call) : from;
    // What is no object is told as that by whoever reads it.
    found = hasNames(given) ? snapshot(given) : given;
    const path = directoryOf(found, place);
    // Before the files in it are read, so that what appears meanwhile counts as a change.
    if (path !== undefined) watched.push({ path, state: await currentState(path), directory: true });
    return found;
  };
  const { certificate, files } = await readSource(ask, { ...place, name });
  const read = files.map(({ path, state }): Watched => ({ path, state }));
  return {
    value: new StoredCertificate(certificate),
    files: watched.concat(read),
    refresh: found?.refresh,
    trust: found?.trust,
  };
}

/** Where it is none, reading it says why. */
function directoryOf(source: FileSource | undefined, { baseDirectory }: Place): string | undefined {
  try {
    return source?.dir === undefined ? undefined : pathOf(source.dir, baseDirectory);
  } catch {
    return undefined;
  }
}

/** Reads the roots of a rule or of the proxy, and says what to watch. */
export async function readRuleRoots(
  label: string,
  ca: readonly CaMaterial[],
  baseDirectory: string,
  signal?: AbortSignal,
): Promise<Reading<readonly X509Certificate[]>> {
  const name = `${label}: ca`;
  try {
    const paths = ca.flatMap((material) => pathsOf(material, baseDirectory));
    const files = await Promise.all(paths.map(async (path) => ({ path, state: await currentState(path) })));
    return { value: await readRoots(ca, { baseDirectory, name, signal }), files };
  } catch (error) {
    throw explainAs(name, error);
  }
}

/** The file, and that of its passphrase where it has one. */
function pathsOf(ca: CaMaterial, baseDirectory: string): string[] {
  const { file, passphrase } = toTruststore(ca);
  const secret = typeof passphrase === 'object' && 'file' in passphrase ? passphrase.file : undefined;
  return [file, secret]
    .map((material) => (material === undefined ? undefined : pathOf(material, baseDirectory)))
    .filter((path) => path !== undefined);
}

/** Reads what is said to the proxy, and says what to watch. */
export async function readAuthorization(
  { authorization }: CheckedProxy,
  baseDirectory: string,
  signal?: AbortSignal,
): Promise<Reading<string | undefined>> {
  const surroundings = createSurroundings({ baseDirectory, signal });
  try {
    const { text, reason } = await resolvePassphrase(authorization, surroundings, 'authorization');
    // A file that is being written is empty for a moment: what was read before it stays.
    if (reason !== undefined) throw new Problem('CONFIG_INVALID', reason, 'Put the value there.');
    if (text !== undefined && !isFieldValue(text)) {
      const hint = 'It is one line, such as: Bearer …';
      throw new Problem('CONFIG_INVALID', 'the authorization holds characters that no header can hold', hint);
    }
    return { value: text, files: surroundings.files.map(({ path, state }) => ({ path, state })) };
  } catch (error) {
    throw explainAs(proxyLabel, error);
  }
}

/** No rule is called so: their labels are places in the config. */
export const proxyLabel: string = 'proxy';
