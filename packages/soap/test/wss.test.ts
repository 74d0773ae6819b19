import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  type TestServer,
} from '@clientcert/testing';
import * as soap from 'soap';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SignedXml } from 'xml-crypto';
import { ClientCertificateSecurity, loadCredentials, type SignOptions, soapOptions } from '../src/index.ts';
import { startService, wsdl } from './service.ts';

let authority: Authority;
let alice: IssuedCertificate;
let directory: string;
let bank: TestServer;
beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice', keyType: 'rsa' });
  directory = await mkdtemp(join(tmpdir(), 'clientcert-wss-'));
});
afterAll(() => rm(directory, { recursive: true }));
beforeEach(async () => {
  bank = await startService({ authority, host: 'localhost' });
});
afterEach(() => bank.close());

async function send(sign: boolean | SignOptions, and: soap.ISecurity[] = [], options: soap.IOptions = {}) {
  await using credentials = await loadCredentials({
    certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
    hosts: { [`localhost:${bank.port}`]: 'alice' },
  });
  const path = join(directory, `${Math.random()}.wsdl`);
  await writeFile(path, wsdl({ address: `${bank.url}/service` }));
  const client = await soap.createClientAsync(path, soapOptions(credentials, options));
  client.setSecurity(new ClientCertificateSecurity(credentials, { sign, and }));
  await client.WhoAsync({ text: 'Timestamp </soap:Header> <soap:Body>' });
  return bank.requests.at(-1)!.body!;
}

/**
 * What a receiver refuses a message for, as WSS4J does, where a mere verification of the signature would not.
 *
 * @see Web Services Security: SOAP Message Security 1.1, sections 5 to 10, and its X.509 token profile
 */
function checkByRules(message: string, { timestamp = true } = {}): string[] {
  const count = (pattern: RegExp) => (message.match(pattern) ?? []).length;
  expect(count(/<\w+:Header[ >]/g)).toBe(1);
  expect(count(/<wsse:Security[ >]/g)).toBe(1); // section 5: one header for each actor
  expect(count(/<(wsu:)?Timestamp[ >]/g)).toBe(timestamp ? 1 : 0); // section 10: one Timestamp at most
  const header = /<wsse:Security[ >][\s\S]*<\/wsse:Security>/.exec(message)![0];
  expect(message.indexOf(header)).toBeLessThan(message.indexOf(':Body'));
  expect(header).toContain('mustUnderstand="1"');
  if (timestamp) {
    const [created, expires] = ['Created', 'Expires'].map((name) =>
      Date.parse(new RegExp(`Timestamp[ >][\\s\\S]*?<(?:wsu:)?${name}>([^<]+)<`).exec(header)![1]!),
    );
    expect(created! - 5_000).toBeLessThan(Date.now());
    expect(expires! - created!).toBe(600_000);
  }
  const ids = [...message.matchAll(/\s(?:\w+:)?Id="([^"]+)"/g)].map(([, id]) => id!);
  expect(new Set(ids).size).toBe(ids.length); // section 4: an Id is unique
  const [token] = [...header.matchAll(/<wsse:BinarySecurityToken ([^>]*)>([^<]*)</g)];
  const [, id] = /wsu:Id="([^"]+)"/.exec(token![1]!)!;
  expect(header).toContain(`<wsse:Reference URI="#${id}"`);
  const references = [...header.matchAll(/<(?:ds:)?Reference URI="#([^"]+)"/g)].map(([, uri]) => uri!);
  expect(new Set(references).size).toBe(references.length);
  for (const reference of references) expect(ids.filter((each) => each === reference)).toHaveLength(1);

  const certificate = new X509Certificate(Buffer.from(token![2]!, 'base64'));
  const verifier = new SignedXml({ publicCert: certificate.toString(), idMode: undefined as never });
  verifier.loadSignature(/<Signature[\s\S]*<\/Signature>/.exec(message)![0]);
  expect(verifier.checkSignature(message)).toBe(true);
  expect(certificate.subject).toContain('alice');
  return verifier.getSignedReferences().map((signed) => /^<(?:\w+:)?(\w+)/.exec(signed)![1]!);
}

describe('a signed message is one that a strict receiver takes', () => {
  const user = (options: object = {}) => new soap.WSSecurity('me', 'mine', options as never);

  it.each<[string, boolean | SignOptions, () => soap.ISecurity[], string[]]>([
    ['sign: true', true, () => [], ['Body', 'Timestamp']],
    ['hasTimeStamp', { hasTimeStamp: true }, () => [], ['Body', 'Timestamp']],
    [
      'beside a user name, which brings its own',
      { hasTimeStamp: true },
      () => [user()],
      ['Body', 'Timestamp'],
    ],
    ['beside one without', true, () => [user({ hasTimeStamp: false })], ['Body', 'Timestamp']],
    [
      'with the user name signed',
      { additionalReferences: ['wsse:UsernameToken'] },
      () => [user({ passwordType: 'PasswordDigest' })],
      ['Body', 'UsernameToken', 'Timestamp'],
    ],
    [
      'with its timestamp named as well',
      { additionalReferences: ['wsu:Timestamp'] },
      () => [user()],
      ['Body', 'Timestamp'],
    ],
    ['not signing the timestamp', { excludeReferencesFromSigning: ['Timestamp'] }, () => [], ['Body']],
  ])('%s', async (_, sign, and, signed) => {
    expect(checkByRules(await send(sign, and())).sort()).toEqual([...signed].sort());
  });

  it('without a timestamp', async () => {
    expect(checkByRules(await send({ hasTimeStamp: false }), { timestamp: false })).toEqual(['Body']);
  });

  it('in a SOAP 1.2 envelope with a prefix of its own', async () => {
    const message = await send(true, [], { forceSoap12Headers: true, envelopeKey: 'env' });
    expect(checkByRules(message)).toEqual(['Body', 'Timestamp']);
  });
});
