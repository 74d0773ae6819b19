import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  type TestServer,
} from '@clientcert/testing';
import * as soap from 'soap';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SignedXml } from 'xml-crypto';
import {
  ClientCertificateError,
  ClientCertificateSecurity,
  type ClientCertificateSecurityOptions,
  type Credentials,
  loadCredentials,
  soapOptions,
} from '../src/index.ts';
import { seen, startService, wsdl } from './service.ts';

let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
let directory: string;
let bank: TestServer;

beforeAll(async () => {
  authority = await createAuthority({ intermediates: 1 });
  alice = await authority.issue({ name: 'alice', keyType: 'rsa' });
  bob = await authority.issue({ name: 'bob', keyType: 'rsa' });
  directory = await mkdtemp(join(tmpdir(), 'clientcert-soap-'));
});
afterAll(() => rm(directory, { recursive: true }));
beforeEach(async () => {
  bank = await startService({ authority, host: 'localhost', listeners: [{}, {}] });
});
afterEach(() => bank.close());

function load(): Promise<Credentials> {
  return loadCredentials({
    certificates: {
      alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate },
      bob: { cert: bob.fullChain, key: bob.key, ca: authority.certificate },
    },
    hosts: { [`localhost:${bank.ports[0]}`]: 'alice', [`localhost:${bank.ports[1]}`]: 'bob' },
    services: { Invoices: { certificate: 'bob', hosts: [`localhost:${bank.ports[0]}`] } },
  });
}

/** alice alone. */
function loadOne(issued = alice): Promise<Credentials> {
  return loadCredentials({
    certificates: { alice: { cert: issued.fullChain, key: issued.key, ca: authority.certificate } },
    hosts: { [`localhost:${bank.ports[0]}`]: 'alice' },
  });
}

async function file(address: string): Promise<string> {
  const path = join(directory, `${Math.random()}.wsdl`);
  await writeFile(path, wsdl({ address }));
  return path;
}

async function connect(
  credentials: Credentials | Promise<Credentials>,
  options: ClientCertificateSecurityOptions,
  { plainClient = false, address = `${bank.url}/service` } = {},
): Promise<soap.Client> {
  const security = new ClientCertificateSecurity(credentials, options);
  const client = await soap.createClientAsync(
    await file(address),
    plainClient ? {} : soapOptions(credentials),
  );
  client.setSecurity(security);
  return client;
}

const call = (client: soap.Client, options?: object) => client.WhoAsync({ text: 'hello' }, options);

/** The common name of who signed a message, as its receiver finds out: body and timestamp have to be covered. */
function signerOf(message: string): string {
  const tokens = [...message.matchAll(/<wsse:BinarySecurityToken[^>]*>([^<]*)</g)].map(([, token]) => token!);
  expect(tokens).toHaveLength(1);
  const der = Buffer.from(tokens[0]!, 'base64');
  expect(der.toString('base64')).toBe(tokens[0]); // one certificate, and nothing but base64
  const certificate = new X509Certificate(der);
  expect(certificate.raw.equals(der)).toBe(true);
  const verifier = new SignedXml({ publicCert: certificate.toString() });
  verifier.loadSignature(message.match(/<Signature[\s\S]*<\/Signature>/)![0]);
  expect(verifier.checkSignature(message)).toBe(true);
  const covered = verifier.getSignedReferences().join('\n');
  expect(covered).toContain('<soap:Body');
  expect(covered).toMatch(/<(wsu:)?Timestamp[ >]/);
  return certificate.subject.match(/CN=(\w+)/)![1]!;
}

const bodies = (server = bank) => server.requests.map(({ body }) => body!);

describe('sign', () => {
  it.each([true, false])(
    'signs with the certificate of the connection (without soapOptions: %s)',
    async (plainClient) => {
      await using credentials = await loadOne();
      const client = await connect(credentials, { sign: true }, { plainClient });
      for (const _ of [1, 2]) {
        const [, , , sent] = await call(client);
        expect(sent).toBe(bodies().at(-1));
      }
      expect(bodies().map(signerOf)).toEqual(['alice', 'alice']);
      expect(seen(bank)).toEqual(['POST /service alice', 'POST /service alice']);
      expect(client.lastRequest).toBe(bodies().at(-1));
    },
  );

  it('takes node-soap’s options, and leaves them as they were', async () => {
    await using credentials = await loadOne();
    const sign = {
      signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
      digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha512',
      signerOptions: { prefix: 'ds', attrs: { Id: 'Signature-1' } },
    };
    const before = structuredClone(sign);
    await call(await connect(credentials, { sign }));
    expect(sign).toEqual(before);
    expect(bodies()[0]).toContain('<ds:Signature Id="Signature-1"');
    expect(bodies()[0]).toContain('xmldsig-more#rsa-sha512');
  });

  it('signs as a service, also where several certificates are pinned', async () => {
    await using credentials = await load();
    const client = await connect(credentials, { sign: true, service: 'Invoices' });
    const [, , , sent] = await call(client);
    expect(signerOf(bodies()[0]!)).toBe('bob');
    expect(sent).toBe(bodies()[0]);
    expect(seen(bank)).toEqual(['POST /service bob']);
  });

  it('signs by the address that is called, where the certificate depends on it', async () => {
    await using credentials = await load();
    const client = await connect(credentials, { sign: true });
    await call(client);
    expect(client.lastRequest).toBe(bodies()[0]);
    client.setEndpoint(`${bank.urls[1]}/service`);
    await call(client);
    expect(bodies().map(signerOf)).toEqual(['alice', 'bob']);
    expect(seen(bank)).toEqual(['POST /service alice', 'POST /service bob']);
  });

  it('has a call’s own postProcess see the message that is signed for its address, as node-soap asks it', async () => {
    await using credentials = await load();
    const client = await connect(credentials, { sign: true });
    const options = {
      last: '<!-- last -->',
      postProcess(xml: string) {
        return xml.replace('?>', `?>${this.last}`);
      },
    };
    await call(client, options);
    expect(bodies()[0]).toContain('<!-- last -->');
    expect(bodies().map(signerOf)).toEqual(['alice']);
  });

  it('without soapOptions needs to be told then, and sends nothing before', async () => {
    await using credentials = await load();
    const client = await connect(credentials, { sign: true }, { plainClient: true });
    await expect(call(client)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_ORIGIN_NEEDED' });
    expect(bank.connections).toBe(0);

    client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true, origin: bank.urls[1] }));
    await expect(call(client)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_SIGNATURE_REFUSED' });
    expect(bank.connections).toBe(0);
    client.setEndpoint(`${bank.urls[1]}/service`);
    await call(client);
    expect(bodies().map(signerOf)).toEqual(['bob']);
  });

  it('waits for a promise of credentials; without soapOptions it fails rather than sends unsigned', async () => {
    const address = await file(`${bank.url}/service`);
    let load = () => {};
    const later = () => new Promise<void>((resolve) => (load = resolve)).then(() => loadOne());
    const loading = later();
    const client = await soap.createClientAsync(address, soapOptions(loading));
    client.setSecurity(new ClientCertificateSecurity(loading, { sign: true }));
    const calling = call(client, { postProcess: (xml: string) => xml.replace('?>', '?><!-- mine -->') });
    load();
    await calling;
    expect(bodies()[0]).toContain('<!-- mine -->');
    expect(signerOf(bodies()[0]!)).toBe('alice');

    const again = later();
    const plain = await soap.createClientAsync(address);
    plain.setSecurity(new ClientCertificateSecurity(again, { sign: true }));
    const refused = expect(call(plain)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_SIGNATURE_REFUSED' });
    load();
    await refused;
    expect(bank.requests).toHaveLength(1);
    await call(plain); // by now it is loaded
    expect(signerOf(bodies()[1]!)).toBe('alice');
    await Promise.all([(await loading).close(), (await again).close()]);
  });

  it.each(['ec', 'ed25519', 'rsa-pss'] as const)(
    'refuses a key of type %s, with the reason',
    async (keyType) => {
      const issued = await authority.issue({ name: 'alice', keyType });
      await using credentials = await loadOne(issued);
      for (const plainClient of [true, false]) {
        const client = await connect(credentials, { sign: true }, { plainClient });
        await expect(call(client)).rejects.toMatchObject({
          code: 'ERR_CLIENTCERT_SIGNATURE_UNSUPPORTED',
          message: expect.stringContaining('rsa-sha256'),
        });
      }
      expect(bank.connections).toBe(0);
    },
  );

  it.each([true, false])(
    'never goes where that certificate is not shown (without soapOptions: %s)',
    async (plainClient) => {
      await using other = await startService({ authority, clientCertificate: 'optional' });
      await using plain = await startService({ authority, tls: false });
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
        hosts: {
          [`localhost:${bank.port}`]: { certificate: 'alice', allowDowngrade: true },
          [`127.0.0.1:${other.port}`]: { ca: authority.certificate },
        },
      });
      const client = await connect(credentials, { sign: true }, { plainClient });
      for (const server of [other, plain]) {
        const to = `${server.url}/service`;
        for (const address of [to, `${bank.url}/redirect?status=307&to=${encodeURIComponent(to)}`]) {
          client.setEndpoint(address);
          const error = await call(client).catch((error: unknown) => error);
          let found: unknown = error;
          while (found instanceof Error && !(found instanceof ClientCertificateError)) found = found.cause;
          expect(found).toMatchObject({
            code: 'ERR_CLIENTCERT_SIGNATURE_REFUSED',
            message: expect.stringContaining(server.url),
          });
        }
        expect(server.requests).toEqual([]);
      }
    },
  );

  it('beside service: false is refused', async () => {
    await using credentials = await loadOne();
    expect(() => new ClientCertificateSecurity(credentials, { sign: true, service: false })).toThrow(
      expect.objectContaining({ code: 'ERR_CLIENTCERT_SIGNATURE_REFUSED' }),
    );
  });

  it('signs what attachments go with', async () => {
    await using credentials = await loadOne();
    const client = await connect(credentials, { sign: true });
    const attachments = [{ mimetype: 'text/plain', contentId: 'a', name: 'a.txt', body: Buffer.from('a') }];
    await call(client, { attachments });
    expect(signerOf(bodies()[0]!.match(/<soap:Envelope[\s\S]*<\/soap:Envelope>/)![0])).toBe('alice');
  });
});

describe('and', () => {
  it('does what each further security does, and signs last', async () => {
    await using credentials = await loadOne();
    const client = await connect(credentials, {
      sign: { additionalReferences: ['wsse:UsernameToken'] },
      and: [new soap.WSSecurity('me', 'password-of-mine'), new soap.BearerSecurity('token-of-mine')],
    });
    client.addSoapHeader('<own xmlns="urn:own">header</own>');
    await call(client);
    const [{ headers, body }] = bank.requests as [(typeof bank.requests)[0]];
    expect(headers.authorization).toBe('Bearer token-of-mine');
    expect(body!.match(/<wsse:Security[ >]/g)).toHaveLength(1);
    expect(body).toContain('<wsse:Username>me</wsse:Username>');
    expect(body).toContain('<own xmlns="urn:own">header</own>');
    expect(signerOf(body!)).toBe('alice');
    // body, user, and the one timestamp
    expect(body!.match(/<Reference URI/g)).toHaveLength(3);
    expect(body!.match(/<(wsu:)?Timestamp[ >]/g)).toHaveLength(1);
  });

  it('without any that signs leaves postProcess out', async () => {
    await using credentials = await loadOne();
    const client = await connect(credentials, { and: [new soap.WSSecurity('me', 'mine')] });
    expect((client as unknown as { security: soap.ISecurity }).security).not.toHaveProperty('postProcess');
    await call(client);
    expect(bodies()[0]!.match(/<wsse:Security[ >]/g)).toHaveLength(1);
    expect(seen(bank)).toEqual(['POST /service alice']);
  });

  it('chains those that process the message', async () => {
    await using credentials = await loadOne();
    const client = await connect(credentials, {
      and: [
        new soap.WSSecurity('me', 'mine'),
        new soap.WSSecurityCert(alice.key, alice.cert, ''),
        { postProcess: (xml: string) => xml.replace('?>', '?><!-- last -->') },
      ],
    });
    await call(client);
    expect(bodies()[0]).toContain('<!-- last -->');
    expect(bodies()[0]!.match(/<wsse:Security[ >]/g)).toHaveLength(1);
    expect(signerOf(bodies()[0]!)).toBe('alice');
  });

  it.each([true, false])(
    'asks each as it is now, also one that is a plain object (without soapOptions: %s)',
    async (plainClient) => {
      await using credentials = await loadOne();
      const bearer = {
        token: 'of-the-first-user',
        addHeaders(headers: Record<string, unknown>) {
          headers.Authorization = `Bearer ${this.token}`;
        },
      };
      const client = await connect(credentials, { and: [bearer as soap.ISecurity] }, { plainClient });
      for (const token of ['of-the-second-user', 'of-the-third-user']) {
        bearer.token = token;
        await call(client);
        expect(bank.requests.at(-1)!.headers.authorization).toBe(`Bearer ${token}`);
      }
      expect(seen(bank)).toEqual(['POST /service alice', 'POST /service alice']);
    },
  );

  it.each([true, false])(
    'refuses node-soap’s own client certificates (without soapOptions: %s)',
    async (plainClient) => {
      await using credentials = await loadOne();
      const pfx = await alice.pfx('secret');
      for (const own of [
        new soap.ClientSSLSecurity(Buffer.from(alice.key), Buffer.from(alice.cert)),
        new soap.ClientSSLSecurityPFX(pfx, 'secret'),
      ]) {
        const client = await connect(credentials, { and: [own] }, { plainClient });
        const conflict = { code: 'ERR_CLIENTCERT_AGENT_CONFLICT' };
        await expect(call(client)).rejects.toMatchObject(conflict);
        if (plainClient) continue;
        client.setSecurity(own);
        await expect(call(client)).rejects.toMatchObject(conflict);
      }
      expect(bank.connections).toBe(0);
    },
  );
});

describe('secrets', () => {
  it('stand on no client, security, option, error or log', async () => {
    await using credentials = await loadOne();
    const client = await connect(credentials, { sign: true });
    const options = {};
    await call(client, options);
    client.setEndpoint(`${bank.url}/status/503`);
    const error = await call(client, options).catch((error: unknown) => error);
    client.setEndpoint('https://localhost:1/');
    const refused = await call(client, options).catch((error: unknown) => error);
    const secret = alice.key.split('\n').slice(1, -2);
    for (const thing of [client, options, error, refused, soapOptions(credentials), credentials]) {
      const text = inspect(thing, { depth: 12, showHidden: true, getters: true, maxArrayLength: null });
      expect(text).not.toMatch(/PRIVATE KEY|PrivateKeyObject/);
      for (const line of secret) expect(text).not.toContain(line);
    }
    expect(JSON.stringify([options, refused])).not.toMatch(/PRIVATE KEY/);
  });
});
