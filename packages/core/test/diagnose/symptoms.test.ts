import { createHash, getDiffieHellman, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request as requestHttp } from 'node:http';
import { createServer as createHttpsServer, request as requestHttps } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  createServer as createTlsServer,
} from 'node:tls';
import { inspect } from 'node:util';
import { createAuthority, createSelfSigned, type IssuedCertificate, startServer } from '@clientcert/testing';
import { describe, expect, it } from 'vitest';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import { type Symptom, symptoms } from '../../src/diagnose/symptoms.ts';
import { findSymptoms, seenElsewhere, seenWithClients } from './find.ts';

const alerts = symptoms.filter(({ alert }) => alert !== undefined);

describe('docs/troubleshooting.md', () => {
  it('is that of the table (if not: npm run troubleshooting -w packages/core)', async () => {
    await expect(pageOf(symptoms)).toMatchFileSnapshot('../../../../docs/troubleshooting.md');
  });

  it('has one place for each message', () => {
    const messages = symptoms.flatMap((symptom) => symptom.messages);
    expect(new Set(messages).size).toBe(messages.length);
    expect(new Set(symptoms.map(({ id }) => id)).size).toBe(symptoms.length);
  });

  it('has each message in no other’s', () => {
    for (const { id, messages } of symptoms) {
      const found = messages.flatMap(findSymptoms).map((symptom) => symptom.id);
      expect([...new Set(found)]).toEqual([id]);
    }
  });

  it('has nothing that no test provokes', () => {
    const provoked = [...alerts.map(({ id }) => id), ...Object.keys(cases), ...Object.keys(onSome)];
    const ids = [...new Set([...provoked, ...seenWithClients, ...seenElsewhere])];
    expect(ids.toSorted()).toEqual(symptoms.map(({ id }) => id).toSorted());
  });
});

function pageOf(list: readonly Symptom[]): string {
  const sections = list.map(
    ({ id, title, messages, codes, meaning, check, tells, fix, byHand }) => `## ${title} {#${id}}

${messages.map((message) => `- \`${message}\``).join('\n')}
${codes ? `\n\`code\`: ${codes.map((code) => `\`${code}\``).join(', ')}\n` : ''}
${meaning}

To make sure:

\`\`\`sh
${check}
\`\`\`
${tells ? `\n${tells}\n` : ''}
**With clientcert:** ${fix}

**Without:** ${byHand}
`,
  );
  return `---
outline: 2
---

# Troubleshooting

Look for the message in this page, or for the number in \`SSL alert number …\`. Node 20 and newer ones word some of them
differently: both are here. An [alert](/glossary#alert) is what the server said; everything else is your side’s.

Or [paste it](/what-does-this-error-mean).

- \`EPROTO\` is any failure of a handshake: what failed stands in the message.
- \`AggregateError\`, whose message is empty (and got shows none at all): each address of the host was tried. Look at the error’s \`errors\`;
  \`diagnose\` does.
- \`fetch failed\` and \`Request was cancelled.\` say nothing by themselves: look at the error’s \`cause\`, and at the cause of that.
- \`Request failed with status code …\`: the message is in the body of the answer, \`error.response.data\` of axios, \`error.response.body\`
  of got, \`await response.text()\` of fetch.
- \`ERR_CLIENTCERT_…\` is ours, and in the [reference](/reference/errors).

[\`diagnose(error)\`](/guides/diagnosis) says the same in code, with what is known of your certificate and of the connection.
What ten servers say to nine certificates, and what it makes of that: [what servers say](/reference/refusals).

\`clientcert explain\` reads \`clientcert.json\`, or \`--config FILE\`. Where the config is in your code, \`credentials.explain(url)\` says
[the same](/start#_5-when-the-server-says-no). \`openssl\` is that of version 3; it asks for the password of \`bank.pfx\`.

${sections.join('\n')}`;
}

/** The symptoms whose messages describe an error. */
const find = (error: Error): string[] => findSymptoms(error.message).map(({ id }) => id);

function failure(options: ConnectionOptions): Promise<NodeJS.ErrnoException> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', ...options });
    socket
      .on('error', resolve)
      .on('close', () => reject(new Error('no error')))
      .resume();
  });
}

/** What becomes of a request over Node's own client. */
function ask({
  protocol = 'https:',
  host = '127.0.0.1',
  port = 443,
  ca = '',
}): Promise<NodeJS.ErrnoException> {
  const request = protocol === 'http:' ? requestHttp : requestHttps;
  return new Promise((resolve, reject) => {
    const options = { protocol, host, port, ...(ca && { ca }) };
    request(options, () => reject(new Error('no error')))
      .on('error', resolve)
      .end();
  });
}

/** A server that ends its connections after the handshake, when the request is there. */
async function closing(end: (socket: Socket) => unknown, then: typeof ask): Promise<NodeJS.ErrnoException> {
  const authority = await createAuthority();
  const { cert, key } = await authority.issue({ name: 'a', ...asServer });
  const sockets: Socket[] = [];
  const server = createHttpsServer({ cert, key }, () => end(sockets[0]!)).listen(0, '127.0.0.1');
  server.on('connection', (socket: Socket) => sockets.push(socket));
  await once(server, 'listening');
  try {
    return await then({ port: (server.address() as AddressInfo).port, ca: authority.certificate });
  } finally {
    server.close();
  }
}

/** A server with that certificate, asked by who trusts these roots alone, or Node's own. */
async function serving(
  issued: Promise<IssuedCertificate>,
  sent = ({ fullChain }: IssuedCertificate) => fullChain,
  ca?: string,
): Promise<NodeJS.ErrnoException> {
  const certificate = await issued;
  const server = createTlsServer({ cert: sent(certificate), key: certificate.key }).listen(0, '127.0.0.1');
  server.on('tlsClientError', () => {});
  await once(server, 'listening');
  try {
    return await failure({ port: (server.address() as AddressInfo).port, ...(ca && { ca }) });
  } finally {
    server.close();
  }
}

const toPem = (der: Buffer) =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;

const asServer = { usage: 'server', hosts: ['127.0.0.1'] } as const;

/** A server that answers the first bytes with these, and closes. */
async function answering(bytes: Uint8Array | string, ask: (port: number) => Promise<NodeJS.ErrnoException>) {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(bytes));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await ask((server.address() as { port: number }).port);
  } finally {
    server.close();
  }
}

/** A ServerHello of that version, without the renegotiation_info of RFC 5746 (RFC 5246, section 7.4.1.3). */
function serverHello(version: number): Uint8Array {
  const suite = 0xc02f; // TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
  const body = [version >> 8, version & 0xff, ...Array<number>(32).fill(7), 0, suite >> 8, suite & 0xff, 0];
  return Uint8Array.of(0x16, 3, 3, 0, body.length + 4, 2, 0, 0, body.length, ...body);
}

it.each(alerts.map(({ alert, id }) => [alert!, id]))(
  'alert %i, as this Node prints it',
  async (alert, id) => {
    const record = Uint8Array.of(0x15, 3, 3, 0, 2, 2, alert); // RFC 8446, sections 5.1 and 6
    const error = await answering(record, (port) => failure({ port }));
    expect(find(error)).toEqual([id]);
    expect(symptoms.find((symptom) => symptom.id === id)!.codes).toContain(error.code);
    expect(error.message).toMatch(new RegExp(`error:0A000${(1000 + alert).toString(16).toUpperCase()}:`));
  },
);

const thrown = (make: () => unknown): NodeJS.ErrnoException => {
  try {
    make();
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
  throw new Error('nothing was thrown');
};

type Provoke = () => NodeJS.ErrnoException | Promise<NodeJS.ErrnoException>;

/** What every Node prints. */
const cases: Record<string, Provoke[]> = {
  'socket-hang-up': [
    () => closing((socket) => socket.end(), ask),
    () => closing((socket) => socket.resetAndDestroy(), ask),
    async () => {
      await using server = await startServer({ clientCertificate: 'none' });
      return await ask({ protocol: 'http:', port: server.port });
    },
  ],
  'client-network-socket-disconnected': [
    () => answering('', (port) => failure({ port })),
    async () => {
      const authority = await createAuthority();
      const { cert, key } = await createSelfSigned({ name: 'stranger' });
      await using server = await startServer({ authority });
      return await failure({
        port: server.port,
        ca: authority.certificate,
        cert,
        key,
        maxVersion: 'TLSv1.2',
      });
    },
  ],
  'connect-econnrefused': [
    () => failure({ port: 1 }),
    () => ask({ host: 'nowhere.invalid' }), // RFC 6761, section 6.4
  ],
  'wrong-version-number': [
    () => answering('HTTP/1.1 400 Bad Request\r\n\r\n', (port) => failure({ port })),
    // A length that is none, which Node 22 and newer word differently.
    () => answering(Uint8Array.of(0x16, 3, 3, 0xff, 0xff, 1), (port) => failure({ port })),
  ],
  'unable-to-get-local-issuer-certificate': [
    async () =>
      await serving((await createAuthority()).issue({ name: 'a', ...asServer }), ({ cert, ca }) => cert + ca),
    async () => await serving(createSelfSigned({ name: 'a', ...asServer })),
    async () =>
      await serving((await createAuthority()).issue({ name: 'a', ...asServer }), ({ cert }) => cert),
    async () => {
      const authority = await createAuthority({ intermediates: 1 });
      return await serving(authority.issue({ name: 'a', ...asServer }));
    },
  ],
  'unable-to-get-issuer-certificate': [
    async () => {
      const authority = await createAuthority({ intermediates: 1 });
      return await serving(authority.issue({ name: 'a', ...asServer }), undefined, authority.chain);
    },
  ],
  'certificate-signature-failure': [
    async () => {
      const authority = await createAuthority();
      const damage = ({ cert }: IssuedCertificate) => {
        const { raw } = new X509Certificate(cert);
        raw[raw.length - 1]! ^= 1;
        return toPem(raw);
      };
      return await serving(authority.issue({ name: 'a', ...asServer }), damage, authority.certificate);
    },
  ],
  'invalid-purpose': [
    async () => {
      const authority = await createAuthority();
      return await serving(
        authority.issue({ name: 'a', hosts: ['127.0.0.1'], usage: 'client' }),
        undefined,
        authority.certificate,
      );
    },
    async () => {
      const authority = await createAuthority();
      // Nobody checks the signature of a root: CA:TRUE in its basic constraints (RFC 5280, section 4.2.1.9) becomes FALSE.
      const { raw } = new X509Certificate(authority.certificate);
      const isAuthority = Buffer.from('0603551d130101ff040530030101ff', 'hex');
      raw[raw.indexOf(isAuthority) + isAuthority.length - 1] = 0;
      return await serving(authority.issue({ name: 'a', ...asServer }), undefined, toPem(raw));
    },
  ],
  'hostname-ip-does-not-match': [
    async () => {
      const authority = await createAuthority();
      await using server = await startServer({
        authority,
        certificate: await authority.issue({ name: 'a', hosts: ['other.example'] }),
        clientCertificate: 'none',
      });
      return await failure({ port: server.port, ca: authority.certificate, servername: 'api.bank.example' });
    },
  ],
  'certificate-has-expired': [{ expired: true }, { notYetValid: true }].map((when) => async () => {
    const authority = await createAuthority();
    const certificate = await authority.issue({ name: 'a', ...asServer, ...when });
    await using server = await startServer({ authority, certificate, clientCertificate: 'none' });
    return await failure({ port: server.port, ca: authority.certificate });
  }),
  'mac-verify-failure': [
    async () => {
      const pfx = await (await createSelfSigned({ name: 'a' })).pfx('right');
      return thrown(() => createSecureContext({ pfx, passphrase: 'wrong' }));
    },
  ],
  'not-enough-data': [
    () => thrown(() => createSecureContext({ pfx: Buffer.from('<html>') })),
    () => thrown(() => createSecureContext({ pfx: Buffer.from('-----BEGIN CERTIFICATE-----\n') })),
  ],
  'key-values-mismatch': [
    async () => {
      const [{ cert }, { key }] = await Promise.all([
        createSelfSigned({ name: 'a' }),
        createSelfSigned({ name: 'b' }),
      ]);
      return thrown(() => createSecureContext({ cert, key }));
    },
  ],
  'bad-decrypt': [{ passphrase: 'wrong' }, {}].map((given) => async () => {
    const one = await createSelfSigned({ name: 'a' });
    const refused = () =>
      thrown(() => createSecureContext({ cert: one.cert, key: one.encryptedKey('right'), ...given }));
    // What a wrong passphrase gives ends once in 256 times as a padding does, and OpenSSL reads on.
    const error = await refused();
    return /unsupported/.test(`${error?.message}`) ? refused() : error;
  }),
  'no-start-line': [
    (_: string) => 'bank.crt',
    (cert: string) => cert.replaceAll('\n', '\\n'),
    (cert: string) => cert.slice(0, 300),
    (cert: string) => cert.replace('\n', '\n!!!!'),
  ].map((damage) => async () => {
    const { cert } = await createSelfSigned({ name: 'a' });
    return thrown(() => createSecureContext({ cert: damage(cert) }));
  }),
  'decoder-routines-unsupported': [
    (_: string) => 'bank.key',
    (key: string) => key.replaceAll('\n', ' '),
    (key: string) => key.replaceAll('PRIVATE KEY', 'OPENSSH PRIVATE KEY'),
  ].map((damage) => async () => {
    const { key } = await createSelfSigned({ name: 'a' });
    return thrown(() => createSecureContext({ key: damage(key) }));
  }),
  // As an old key does where it is decrypted.
  'digital-envelope-routines-unsupported': [() => thrown(() => createHash('md4'))],
  'unsupported-protocol': [() => answering(serverHello(0x0301), (port) => failure({ port }))],
  'unsafe-legacy-renegotiation-disabled': [() => answering(serverHello(0x0303), (port) => failure({ port }))],
};

const major = Number(process.versions.node.split('.')[0]);
// Node 24 and newer refuse by default what older ones take.
const strict = major >= 24;

/** What some Nodes print, and others take; `undefined` where this one takes it. */
const onSome: Record<string, () => Promise<NodeJS.ErrnoException | undefined>> = {
  'unsupported-pkcs12-pfx-data': async () => {
    const pfx = await (await createSelfSigned({ name: 'a' })).pfx('secret', { encryption: 'legacy-rc2' });
    return thrown(() => createSecureContext({ pfx, passphrase: 'secret' }));
  },
  // Node 20 offers TLS 1.0 here, and then lacks a signature for it; newer ones do not offer it, and hear alert 70.
  'unsupported-protocol': async () => {
    const authority = await createAuthority();
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    await using server = await startServer({ authority, tls: old, clientCertificate: 'none' });
    const error = await failure({ port: server.port, ca: authority.certificate, minVersion: 'TLSv1' });
    return major === 20 ? error : undefined;
  },
  'key-too-small': async () => {
    const { cert, key } = await createSelfSigned({ name: 'weak', keyType: { rsa: 1024 } });
    return strict ? thrown(() => createSecureContext({ cert, key })) : undefined;
  },
  'dh-key-too-small': async () => {
    const { cert, key } = await createSelfSigned({ name: 'a', ...asServer, keyType: { rsa: 2048 } });
    const prime = getDiffieHellman('modp2').getPrime('base64'); // 1,024 bits
    // DHParameter of PKCS #3: SEQUENCE { INTEGER prime, INTEGER 2 }
    const der = Buffer.from([0x30, 0x81, 0x87, 2, 0x81, 0x81, 0, ...Buffer.from(prime, 'base64'), 2, 1, 2]);
    const dhparam = `-----BEGIN DH PARAMETERS-----\n${der.toString('base64')}\n-----END DH PARAMETERS-----\n`;
    const ciphers = 'DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0';
    const server = createTlsServer({ cert, key, dhparam, ciphers, maxVersion: 'TLSv1.2' });
    server.on('secureConnection', (socket) => socket.end());
    server.on('tlsClientError', () => {}).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const asked = failure({ port: (server.address() as AddressInfo).port, ca: cert });
      if (strict) return await asked;
      await expect(asked).rejects.toThrow('no error');
      return undefined;
    } finally {
      server.close();
    }
  },
};

const provocations = [
  ...Object.entries(cases).flatMap(([id, each]) =>
    each.map((provoke, index) => [id, index + 1, provoke] as const),
  ),
  ...Object.entries(onSome).map(([id, provoke]) => [id, 1, provoke] as const),
];

it.each(provocations)('%s (%i), as this Node prints it', async (id, _, provoke) => {
  const error = await provoke();
  if (error === undefined) return expect(Object.keys(onSome)).toContain(id); // this Node takes it
  expect({ message: error.message, found: find(error) }).toMatchObject({ found: [id] });
  const { codes = [] } = symptoms.find((symptom) => symptom.id === id)!;
  if (error.code !== undefined) expect(codes).toContain(error.code);
  expect(diagnose(inspect(error)).code).toBe(diagnose(error).code);
});
