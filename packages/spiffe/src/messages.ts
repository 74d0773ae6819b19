import { failure } from '@clientcert/core/enrolment';

/** An X.509-SVID as an agent hands it out. Of certificates, each field holds one DER value after another. */
export interface Svid {
  /** Its SPIFFE ID. */
  readonly id: string;
  readonly hint: string;
  /** The SVID itself, then its intermediates. */
  readonly chain: Buffer;
  /** PKCS #8, in DER. */
  readonly key: Buffer;
  /** The roots of its trust domain. */
  readonly bundle: Buffer;
}

/** What an agent says at one time: it holds in place of all that was said before. */
export interface Identities {
  /** The default one comes first. */
  readonly svids: readonly Svid[];
  /** By the SPIFFE ID of a foreign trust domain, its roots. */
  readonly federated: ReadonlyMap<string, Buffer>;
  /** Whether it says which certificates were revoked. */
  readonly revokes: boolean;
}

/**
 * Reads an `X509SVIDResponse`.
 *
 * @throws ERR_CLIENTCERT_FILE_UNREADABLE for what is none, or lacks what must be there
 * @see https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Workload_API.md#51-profile-definition
 */
export function readIdentities(message: Buffer): Identities {
  const svids: Svid[] = [];
  const federated = new Map<string, Buffer>();
  let revokes = false;
  for (const [field, value] of fieldsOf(message)) {
    if (field === 1) svids.push(readSvid(value));
    else if (field === 2) revokes ||= value.length > 0;
    // An entry of a map is a message of a key and a value.
    else if (field === 3) federated.set(...readEntry(value));
    if (svids.length > most || federated.size > most)
      throw failure(
        `the answer holds more than ${most} SVIDs or bundles`,
        'Is the address that of the Workload API?',
      );
  }
  if (svids.length === 0) throw incomplete('no SVID');
  return { svids, federated, revokes };
}

function readSvid(message: Buffer): Svid {
  const [, id = none, chain = none, key = none, bundle = none, hint = none] = lastOf(message);
  for (const [name, value] of Object.entries({ spiffe_id: id, x509_svid: chain, x509_svid_key: key, bundle }))
    if (value.length === 0) throw incomplete(`an SVID without ${name}`);
  return { id: id.toString(), hint: hint.toString(), chain, key, bundle };
}

function readEntry(message: Buffer): [key: string, value: Buffer] {
  const [, key = none, value = none] = lastOf(message);
  return [key.toString(), value];
}

/** By their numbers, up to 5: of a field that comes again, what came last. */
function lastOf(message: Buffer): (Buffer | undefined)[] {
  const found: (Buffer | undefined)[] = [];
  for (const [field, value] of fieldsOf(message)) if (field <= 5) found[field] = value;
  return found;
}

/** The fields of a message that have a length, by number. Others are none that is known here, and are passed over. */
function* fieldsOf(message: Buffer): Generator<[field: number, value: Buffer]> {
  let at = 0;
  const varint = (): number => {
    // Of what is used no number has more than 32 bits; a longer one counts as too long.
    for (let value = 0, scale = 1; scale <= 128 ** 9; scale *= 128) {
      const byte = message[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw unreadable();
  };
  while (at < message.length) {
    const tag = varint();
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    if (type === 0) {
      varint();
      continue;
    }
    const length = type === 2 ? varint() : widths[type];
    if (field === 0 || length === undefined || at + length > message.length) throw unreadable();
    if (type === 2) yield [field, message.subarray(at, at + length)];
    at += length;
  }
}

/** Bytes of what has always as many, by its type. */
const widths: readonly (number | undefined)[] = [undefined, 8, undefined, undefined, undefined, 4];
const none = Buffer.alloc(0);
/** Of SVIDs as of bundles: nobody has so many. */
const most = 1000;

function unreadable() {
  return failure('the answer is no X509SVIDResponse', 'Is the address that of the Workload API?');
}

function incomplete(what: string) {
  return failure(`the answer holds ${what}`, 'What is in use stays. The log of the agent may say more.');
}
