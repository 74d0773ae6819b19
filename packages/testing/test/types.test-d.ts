import type { Server as HttpServer } from 'node:http';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  type SeenRequest,
  startProxy,
  startServer,
  writePfx,
} from '../src/index.ts';

const authority: Authority = await createAuthority({ keyType: { ec: 'P-384' }, intermediates: undefined });
const client: IssuedCertificate = await authority.issue({
  name: 'alice',
  hosts: undefined,
  expired: undefined,
});
const pfx: Buffer = await client.pfx('secret', {
  encryption: 'legacy-rc2',
  mac: false,
  friendlyName: undefined,
});
const both: Buffer = await writePfx([client, client], 'secret');

const server = await startServer({
  authority: undefined,
  tls: { minVersion: 'TLSv1.2', ciphers: 'DEFAULT' },
  listeners: [{ clientCertificate: 'none' }, { tls: false, keepAliveTimeout: undefined }],
  handler: (request, response, seen) => {
    const subject: string | undefined = seen.clientCertificate?.subject;
    response.end(`${request.method} ${subject}`);
  },
});
const [first]: SeenRequest[] = server.requests;
const disposable: AsyncDisposable = server;
const plain = server.servers[1] as HttpServer;
const proxy = await startProxy({
  tls: true,
  authentication: undefined,
  route: ({ host }) => ({ host, port: 1 }),
});
const status: number | null | undefined = proxy.connects[0]?.status;

export { both, disposable, first, pfx, plain, status };

// @ts-expect-error: a certificate has a name
await authority.issue({});
// @ts-expect-error: there is no such usage
await authority.issue({ name: 'a', usage: 'code' });
// @ts-expect-error: there is no such attribute
await authority.issue({ name: 'a', subject: { Country: 'NL' } });
// @ts-expect-error: there is no such encryption
await client.pfx('secret', { encryption: 'rc4' });
// @ts-expect-error: the server's own key is no TLS setting
await startServer({ tls: { key: '' } });
// @ts-expect-error: what a certificate is made of is not for the outside
client.parts;
