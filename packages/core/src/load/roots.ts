import type { X509Certificate } from 'node:crypto';
import { snapshot } from '../own.ts';
import { show } from '../quote.ts';
import type { CaMaterial, ClientCertificate, FileSource, Material, Truststore } from '../types.ts';
import { fieldsOf } from './certificate-fields.ts';
import { withoutDuplicates } from './chain.ts';
import type { FoundCertificate } from './file-contents.ts';
import { subjectOf } from './identity.ts';
import type { MaterialOptions } from './material.ts';
import { explainAs, Problem } from './problem.ts';
import { labelOf } from './source.ts';
import { asArray, readPart, resolveKeyring } from './source-part.ts';
import { kindOfTrustDomain } from './spiffe-id.ts';
import { createSurroundings, type ReadContext, type Surroundings } from './surroundings.ts';

/**
 * Every certificate in `material`, for use as trusted roots. Takes every format that {@link readCertificate}
 * takes; private keys in it are left alone.
 *
 * @throws {ClientCertificateError} The codes of {@link readCertificate} that concern files and passphrases, and
 *   `ERR_CLIENTCERT_CERTIFICATE_MISSING` for a file without any certificate.
 */
export async function readRoots(
  material: CaMaterial | readonly CaMaterial[],
  given: ReadContext & Pick<FileSource, 'passphrase' | 'maxIterations'> = {},
): Promise<X509Certificate[]> {
  const options = snapshot(given);
  const surroundings = createSurroundings(options);
  try {
    const keyring = await resolveKeyring(options, surroundings);
    const found: FoundCertificate[] = [];
    for (const each of asArray(material))
      found.push(
        ...(await readCa(each, surroundings, { keyring, maxIterations: options.maxIterations }, {})),
      );
    return limitRoots(await withoutDuplicates(found.map(({ certificate }) => certificate)));
  } catch (error) {
    throw explainAs(options.name ?? 'trusted roots', error);
  }
}

/** The roots of each trust domain that a source names. A domain of which none are known has none. */
export async function readBundles(
  bundles: NonNullable<FileSource['bundles']>,
  surroundings: Surroundings,
  options: MaterialOptions,
): Promise<NonNullable<ClientCertificate['bundles']>> {
  const found: Record<string, readonly X509Certificate[]> = Object.create(null);
  for (const [trustDomain, material] of Object.entries(bundles)) {
    const roots: X509Certificate[] = [];
    try {
      for (const each of asArray(material)) {
        for (const { certificate } of await readCa(each, surroundings, options, {})) roots.push(certificate);
      }
      found[trustDomain] = limitRoots(await withoutDuplicates(roots));
    } catch (error) {
      throw error instanceof Problem
        ? error.about(`bundle of ${show(trustDomain, kindOfTrustDomain(trustDomain))}`)
        : error;
    }
  }
  return found;
}

/** OpenSSL sorts all roots of a connection anew, by their names, for each that is added. */
export function limitRoots(roots: X509Certificate[]): X509Certificate[] {
  const named = roots.reduce((sum, root) => sum + fieldsOf(root).subject.length, 0);
  if (roots.length <= mostRoots && named <= mostNamed) return roots;
  throw new Problem(
    'FILE_TOO_LARGE',
    `holds ${roots.length.toLocaleString('en')} roots${
      roots.length > mostRoots
        ? `; ${mostRoots.toLocaleString('en')} are allowed`
        : ' with longer names than any'
    }`,
    'Give the roots of the servers that are called, and no others: Node trusts those of public authorities anyway.',
  );
}

/** All public authorities together are some 150. */
const mostRoots = 1000;
/** Characters of the names of all: some hundred of one are usual. */
const mostNamed = 250_000;

export async function readCa(
  ca: CaMaterial,
  surroundings: Surroundings,
  options: MaterialOptions,
  { dir }: Pick<FileSource, 'dir'>,
): Promise<FoundCertificate[]> {
  const { file, passphrase } = toTruststore(ca);
  const label = labelOf(file);
  try {
    const keyring =
      passphrase === undefined
        ? { ...options.keyring, lent: howToGive(label) }
        : await resolveKeyring({ passphrase }, surroundings);
    const { contents } = await readPart(file, surroundings, { ...options, keyring, certificatesOnly: true });
    if (passphrase === undefined) options.keyring.used ||= keyring.used;
    const distrusted = contents.certificates.find((each) => each.distrusted);
    // OpenSSL refuses what is issued below such a one, too, which a certificate alone does not have it do.
    if (distrusted)
      throw new Problem(
        'FORMAT_UNSUPPORTED',
        `says of ${subjectOf(distrusted.certificate)} that no server is to be trusted by it`,
        'Name a file of those by which servers are trusted, such as /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem.',
      );
    if (contents.certificates.length > 0) return contents.certificates;
    throw new Problem(
      'CERTIFICATE_MISSING',
      'holds no certificate',
      "Name the certificate of the authority that issued the server's certificate.",
    );
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // cert-manager writes an empty ca.crt where the issuer does not tell its root.
    if (dir !== undefined && error.code === 'ERR_CLIENTCERT_FILE_EMPTY') return [];
    const missing = error.code === 'ERR_CLIENTCERT_FILE_NOT_FOUND';
    throw (missing ? error.advising(leaveOut) : error).ofTruststore().about(`ca ${label}`);
  }
}

const leaveOut = 'Leave `ca` out where the server has its certificate from an authority that browsers trust.';

/** A store, with its passphrase where it has one of its own. */
export function toTruststore(ca: CaMaterial): Truststore {
  return typeof ca === 'object' && Object.hasOwn(ca, 'file') ? (ca as Truststore) : { file: ca as Material };
}

function howToGive(label: string): string {
  return `Give the store's own passphrase: ca: { file: '${label}', passphrase: { env: 'NAME' } }.`;
}
