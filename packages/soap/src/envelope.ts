import type { WSSecurityCert } from 'soap';

/** How the message is signed: the options of node-soap's `WSSecurityCert`. */
export type SignOptions = NonNullable<ConstructorParameters<typeof WSSecurityCert>[3]>;

/** Puts elements at the end of a message's header; node-soap 1.6 to 1.9 leave it out where it would be empty. */
export function insertIntoHeader(xml: string, envelopeKey: string, elements: string): string {
  const body = xml.indexOf(`<${envelopeKey}:Body`);
  const end = xml.lastIndexOf(`</${envelopeKey}:Header>`, body);
  if (end >= 0) return xml.slice(0, end) + elements + xml.slice(end);
  const header = `<${envelopeKey}:Header>${elements}</${envelopeKey}:Header>`;
  return xml.slice(0, body) + header + xml.slice(body);
}

/**
 * The message with the one `Timestamp` that a security header may have, and options by which it is signed: that of a
 * `WSSecurity` before, else one of its own. node-soap's own is not used, because it would be the second, and in
 * 1.1.12 has an Id that another signed element gets as well.
 *
 * @see WS-Security 1.1, section 10: "The <wsu:Timestamp> element … MUST NOT be present more than once"
 */
export function timestamped(
  xml: string,
  envelopeKey: string,
  { hasTimeStamp = true, ...options }: SignOptions,
): { xml: string; options: SignOptions } {
  const without = { ...options, hasTimeStamp: false };
  if (!hasTimeStamp) return { xml, options: without };
  const body = xml.indexOf(`<${envelopeKey}:Body`);
  const [, present] = /<((?:[\w.-]+:)?Timestamp)[\s>]/.exec(securityHeaderOf(xml.slice(0, body))) ?? [];
  const name = present ?? 'wsu:Timestamp';
  const { additionalReferences = [], excludeReferencesFromSigning = [] } = options;
  const isSigned =
    !excludeReferencesFromSigning.includes('Timestamp') && !additionalReferences.includes(name);
  return {
    xml: present ? xml : insertTimestamp(xml, envelopeKey),
    options: isSigned ? { ...without, additionalReferences: [...additionalReferences, name] } : without,
  };
}

function securityHeaderOf(head: string): string {
  const start = head.search(/<wsse:Security[\s>]/);
  const end = head.indexOf('</wsse:Security>', start);
  return start >= 0 && end >= 0 ? head.slice(start, end) : '';
}

function insertTimestamp(xml: string, envelopeKey: string): string {
  const [created, expires] = [0, 10 * 60_000].map((after) => secondsOf(new Date(Date.now() + after)));
  const timestamp = `<wsu:Timestamp xmlns:wsu="${wsu}" wsu:Id="Timestamp-${crypto.randomUUID()}"><wsu:Created>${created}</wsu:Created><wsu:Expires>${expires}</wsu:Expires></wsu:Timestamp>`;
  const body = xml.indexOf(`<${envelopeKey}:Body`);
  const end = xml.lastIndexOf('</wsse:Security>', body);
  if (end >= 0) return xml.slice(0, end) + timestamp + xml.slice(end);
  const open = `<wsse:Security xmlns:wsse="${wsse}" xmlns:wsu="${wsu}" ${envelopeKey}:mustUnderstand="1">`;
  return insertIntoHeader(xml, envelopeKey, `${open}${timestamp}</wsse:Security>`);
}

function secondsOf(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

const base = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity';
const wsse = `${base}-secext-1.0.xsd`;
const wsu = `${base}-utility-1.0.xsd`;
