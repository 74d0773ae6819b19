import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
} from '@clientcert/testing';
import * as soap from 'soap';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ClientCertificateSecurity, type Credentials, loadCredentials, soapOptions } from '../src/index.ts';
import { seen, startService, wsdl } from './service.ts';

let authority: Authority;
let alice: IssuedCertificate;
let renewed: IssuedCertificate;
let directory: string;
beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice', keyType: 'rsa' });
  renewed = await authority.issue({ name: 'renewed', keyType: 'rsa' });
  directory = await mkdtemp(join(tmpdir(), 'clientcert-soap-'));
});
afterAll(() => rm(directory, { recursive: true }));

function load(port: number, source = { cert: alice.fullChain, key: alice.key }): Promise<Credentials> {
  return loadCredentials({
    certificates: { alice: { ...source, ca: authority.certificate } },
    hosts: { [`localhost:${port}`]: 'alice' },
  });
}

it('works against node-soap’s own server', async () => {
  await using server = await startServer({ authority, host: 'localhost' });
  const [node] = server.servers as unknown as [Parameters<typeof soap.listen>[0]];
  const service: soap.ISoapServiceMethod = (
    _args: unknown,
    _callback: unknown,
    _headers: unknown,
    request: { socket: TLSSocket },
  ) => ({
    name: request.socket.getPeerX509Certificate()!.subject,
  });
  const xml = wsdl({ address: `${server.url}/soap` });
  await new Promise((listening) =>
    soap.listen(node, '/soap', { TestService: { TestPort: { Who: service } } }, xml, listening),
  );
  await using credentials = await load(server.port);
  const client = await soap.createClientAsync(`${server.url}/soap?wsdl`, soapOptions(credentials));
  client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true }));
  const [{ name }] = await client.WhoAsync({ text: 'hello' });
  expect(name).toBe('CN=alice');
});

describe('NTLM', () => {
  it.each([true, false])('keeps to the connection it authenticates (in `and`: %s)', async (member) => {
    const users = new Map<number, string>();
    await using server = await startServer({
      authority,
      host: 'localhost',
      handler: async (request, response, { connection }) => {
        for await (const _ of request);
        const token = request.headers.authorization?.replace('NTLM ', '');
        const message = Buffer.from(token ?? '', 'base64');
        const known = users.get(connection);
        if (known === undefined && (token === undefined || message.readUInt32LE(8) === 1)) {
          const challenge = token === undefined ? 'NTLM' : `NTLM ${type2()}`;
          response.writeHead(401, { 'www-authenticate': challenge });
          return response.end();
        }
        if (known === undefined) {
          const [length, offset] = [message.readUInt16LE(36), message.readUInt32LE(40)];
          users.set(connection, message.subarray(offset, offset + length).toString('utf16le'));
        }
        response.setHeader('content-type', 'text/xml');
        return response.end(
          `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><WhoResponse xmlns="urn:clientcert:test"><name>${users.get(connection)}</name></WhoResponse></soap:Body></soap:Envelope>`,
        );
      },
    });
    await using credentials = await load(server.port);
    const path = join(directory, 'ntlm.wsdl');
    await writeFile(path, wsdl({ address: `${server.url}/service` }));
    for (const user of ['carol', 'dave']) {
      const client = await soap.createClientAsync(path, soapOptions(credentials));
      const ntlm = new soap.NTLMSecurity({
        username: user,
        password: 'secret',
        domain: 'DOMAIN',
        workstation: 'host',
      });
      client.setSecurity(member ? new ClientCertificateSecurity(credentials, { and: [ntlm] }) : ntlm);
      const [{ name }] = await client.WhoAsync({ text: 'hello' });
      expect(name.toLowerCase()).toBe(user);
    }
    expect(seen(server)).toEqual(Array<string>(6).fill('POST /service alice'));
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 1, 1, 2, 2, 2]);
  });

  it('goes through the proxy that the client, or its security, names', async () => {
    await using server = await startService({ authority, host: 'localhost' });
    await using proxy = await startProxy();
    await using credentials = await load(server.port);
    const path = join(directory, 'ntlm-proxy.wsdl');
    await writeFile(path, wsdl({ address: `${server.url}/service` }));
    const ntlm = new soap.NTLMSecurity({
      username: 'carol',
      password: 'secret',
      domain: 'DOMAIN',
      workstation: 'host',
    });
    const named = { proxy: proxy.url };
    for (const given of [credentials, Promise.resolve(credentials)]) {
      const client = await soap.createClientAsync(path, soapOptions(given, named));
      client.setSecurity(ntlm);
      const secured = await soap.createClientAsync(path);
      secured.setSecurity(new ClientCertificateSecurity(given, { ...named, and: [ntlm] }));
      for (const each of [client, secured]) await each.WhoAsync({ text: 'hello' });
    }
    expect(seen(server)).toEqual(Array<string>(4).fill('POST /service alice'));
    expect(proxy.connects).toHaveLength(4);
  });

  /** A challenge, MS-NLMP section 2.2.1.2. */
  function type2(): string {
    const message = Buffer.alloc(60); // with empty target information, so that NTLMv2 is answered
    message.write('NTLMSSP\0', 'latin1');
    message.writeUInt32LE(2, 8);
    message.writeUInt32LE(56, 16);
    message.writeUInt32LE(0x00888201, 20);
    message.write('challeng', 24, 'latin1');
    message.writeUInt16LE(4, 40);
    message.writeUInt16LE(4, 42);
    message.writeUInt32LE(56, 44);
    return message.toString('base64');
  }
});

it('DEBUG=node-soap shows nothing secret', async () => {
  await using server = await startService({ authority, host: 'localhost' });
  await using credentials = await load(server.port);
  const clients = process.env.CLIENTCERT_TEST_CLIENTS; // of the version matrix
  const place = clients === undefined ? import.meta.url : join(clients, 'package.json');
  const debug = createRequire(createRequire(place).resolve('soap'))('debug');
  const written: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text: unknown) => {
    written.push(String(text));
    return true;
  });
  try {
    debug.enable('node-soap');
    const client = await soap.createClientAsync(`${server.url}/service?wsdl`, soapOptions(credentials));
    client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true }));
    await client.WhoAsync({ text: 'hello' });
  } finally {
    debug.disable();
    write.mockRestore();
  }
  const log = written.join('').replaceAll('\\n', '\n');
  expect(log).toContain('Http request');
  expect(log).not.toContain('PRIVATE KEY');
  for (const line of alice.key.split('\n').slice(1, -2)) expect(log).not.toContain(line);
});

it('a renewal changes connection and signature of a client that is in use', async () => {
  await using server = await startService({ authority, host: 'localhost' });
  const [cert, key] = [join(directory, 'tls.crt'), join(directory, 'tls.key')];
  const write = async (issued: IssuedCertificate) => {
    await writeFile(cert, issued.fullChain);
    await writeFile(key, issued.key);
  };
  await write(alice);
  await using credentials = await load(server.port, { cert, key });
  const client = await soap.createClientAsync(`${server.url}/service?wsdl`, soapOptions(credentials));
  client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true }));
  await client.WhoAsync({ text: 'before' });
  await write(renewed);
  await credentials.reload();
  await client.WhoAsync({ text: 'after' });
  expect(seen(server)).toEqual(['GET /service alice', 'POST /service alice', 'POST /service renewed']);
  const der = (pem: string) => pem.replace(/-----[^-]+-----|\s/g, '');
  expect(server.requests[1]?.body).toContain(der(alice.cert));
  expect(server.requests[2]?.body).toContain(der(renewed.cert));
});
