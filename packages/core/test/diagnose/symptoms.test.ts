import { getDiffieHellman } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  createServer as createTlsServer,
} from 'node:tls';
import { createAuthority, createSelfSigned, startServer } from '@clientcert/testing';
import { describe, expect, it } from 'vitest';
import { type Symptom, symptoms } from '../../src/diagnose/symptoms.ts';

describe('docs/troubleshooting.md', () => {
  it('is that of the table (if not: npm run troubleshooting -w packages/core)', async () => {
    await expect(pageOf(symptoms)).toMatchFileSnapshot('../../../../docs/troubleshooting.md');
  });

  it('has one place for each message', () => {
    const messages = symptoms.flatMap((symptom) => symptom.messages);
    expect(new Set(messages).size).toBe(messages.length);
    expect(new Set(symptoms.map(({ id }) => id)).size).toBe(symptoms.length);
  });
});

function pageOf(list: readonly Symptom[]): string {
  const sections = list.map(
    ({ id, title, messages, meaning, check, fix, byHand }) => `## ${title} {#${id}}

${messages.map((message) => `- \`${message}\``).join('\n')}

${meaning}

To make sure:

\`\`\`sh
${check}
\`\`\`

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

\`fetch failed\` says nothing by itself: look at the error’s \`cause\`. So do \`AxiosError\` and got’s \`RequestError\`.

${sections.join('\n')}`;
}

/** The symptom whose messages and codes describe an error. */
function find(error: NodeJS.ErrnoException): string[] {
  return symptoms
    .filter(({ messages }) =>
      messages.some((message) => {
        const parts = message.split('…').map((part) => part.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
        return new RegExp(parts.join('[^]*')).test(error.message);
      }),
    )
    .map(({ id }) => id);
}

function failure(options: ConnectionOptions): Promise<NodeJS.ErrnoException> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', ...options }, () =>
      setTimeout(() => reject(new Error('no error')), 500),
    );
    socket.on('error', resolve).resume();
  });
}

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

const alerts = symptoms.filter(({ alert }) => alert !== undefined);

it.each(alerts.map(({ alert, id }) => [alert!, id]))(
  'alert %i, as this Node prints it',
  async (alert, id) => {
    const record = Uint8Array.of(0x15, 3, 3, 0, 2, 2, alert); // RFC 8446, sections 5.1 and 6
    const error = await answering(record, (port) => failure({ port }));
    expect(find(error)).toEqual([id]);
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

describe('as this Node prints it', () => {
  const cases: Record<string, () => Promise<NodeJS.ErrnoException>> = {
    'socket-hang-up': () => answering('', (port) => failure({ port })),
    'wrong-version-number': () => answering('HTTP/1.1 400 Bad Request\r\n\r\n', (port) => failure({ port })),
    'unable-to-get-local-issuer-certificate': async () => {
      await using server = await startServer({ clientCertificate: 'none' });
      return await failure({ port: server.port });
    },
    'hostname-ip-does-not-match': async () => {
      const authority = await createAuthority();
      await using server = await startServer({
        authority,
        hosts: ['other.example'],
        clientCertificate: 'none',
      });
      return await failure({ port: server.port, ca: authority.certificate, servername: 'api.bank.example' });
    },
    'certificate-has-expired': async () => {
      const authority = await createAuthority();
      const certificate = await authority.issue({
        name: 'late',
        usage: 'server',
        hosts: ['127.0.0.1'],
        expired: true,
      });
      await using server = await startServer({ authority, certificate, clientCertificate: 'none' });
      return await failure({ port: server.port, ca: authority.certificate });
    },
    'mac-verify-failure': async () => {
      const pfx = await (await createSelfSigned({ name: 'a' })).pfx('right');
      return thrown(() => createSecureContext({ pfx, passphrase: 'wrong' }));
    },
    'not-enough-data': async () => thrown(() => createSecureContext({ pfx: Buffer.from('<html>') })),
    'key-values-mismatch': async () => {
      const [one, other] = await Promise.all([
        createSelfSigned({ name: 'a' }),
        createSelfSigned({ name: 'b' }),
      ]);
      return thrown(() => createSecureContext({ cert: one.cert, key: other.key }));
    },
    'bad-decrypt': async () => {
      const one = await createSelfSigned({ name: 'a' });
      return thrown(() =>
        createSecureContext({ cert: one.cert, key: one.encryptedKey('right'), passphrase: 'wrong' }),
      );
    },
    'unsupported-protocol': () => answering(serverHello(0x0301), (port) => failure({ port })),
    'unsafe-legacy-renegotiation-disabled': () => answering(serverHello(0x0303), (port) => failure({ port })),
    'no-start-line': async () => thrown(() => createSecureContext({ cert: 'bank.crt' })),
  };

  it.each(Object.entries(cases))('%s', async (id, provoke) => {
    const error = await provoke();
    expect({ message: error.message, found: find(error) }).toMatchObject({ found: [id] });
    const { codes = [] } = symptoms.find((symptom) => symptom.id === id)!;
    if (codes.length > 0) expect(codes).toContain(error.code);
  });
});

it('Unsupported PKCS12 PFX data, where this Node says so', async () => {
  const pfx = await (await createSelfSigned({ name: 'a' })).pfx('secret', { encryption: 'legacy-rc2' });
  const error = thrown(() => createSecureContext({ pfx, passphrase: 'secret' }));
  expect(find(error)).toEqual(['unsupported-pkcs12-pfx-data']);
  expect(error.code).toBe('ERR_CRYPTO_UNSUPPORTED_OPERATION');
});

it('a length that is none, which Node 22 and newer word differently', async () => {
  const error = await answering(Uint8Array.of(0x16, 3, 3, 0xff, 0xff, 1), (port) => failure({ port }));
  expect(find(error)).toEqual(['wrong-version-number']);
  expect(symptoms.find(({ id }) => id === 'wrong-version-number')!.codes).toContain(error.code);
});

// Node 24 and newer refuse by default what older ones take.
const strict = Number(process.versions.node.split('.')[0]) >= 24;

it('a key that is too small, where this Node says so', async () => {
  const weak = await createSelfSigned({ name: 'weak', keyType: { rsa: 1024 } });
  const make = () => createSecureContext({ cert: weak.cert, key: weak.key });
  if (!strict) return expect(make).not.toThrow();
  const error = thrown(make);
  expect(find(error)).toEqual(['key-too-small']);
  expect(error.code).toBe('ERR_SSL_EE_KEY_TOO_SMALL');
});

it('dh key too small, where this Node says so', async () => {
  const { cert, key } = await createSelfSigned({
    name: 'server',
    usage: 'server',
    hosts: ['127.0.0.1'],
    keyType: { rsa: 2048 },
  });
  const prime = getDiffieHellman('modp2').getPrime('base64'); // 1,024 bits
  // DHParameter of PKCS #3: SEQUENCE { INTEGER prime, INTEGER 2 }
  const der = Buffer.from([0x30, 0x81, 0x87, 2, 0x81, 0x81, 0, ...Buffer.from(prime, 'base64'), 2, 1, 2]);
  const dhparam = `-----BEGIN DH PARAMETERS-----\n${der.toString('base64')}\n-----END DH PARAMETERS-----\n`;
  const ciphers = 'DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0';
  const server = createTlsServer({ cert, key, dhparam, ciphers, maxVersion: 'TLSv1.2' });
  server.on('tlsClientError', () => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const options = { port: (server.address() as { port: number }).port, ca: cert };
    if (!strict) return await expect(failure(options)).rejects.toThrow('no error');
    const error = await failure(options);
    expect(find(error)).toEqual(['dh-key-too-small']);
    expect(error.code).toBe('ERR_SSL_DH_KEY_TOO_SMALL');
  } finally {
    server.close();
  }
});
