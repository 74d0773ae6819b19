import { once } from 'node:events';
import { createServer } from 'node:net';
import { type ConnectionOptions, connect, createSecureContext } from 'node:tls';
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
    'no-start-line': async () => thrown(() => createSecureContext({ cert: 'bank.crt' })),
  };

  it.each(Object.entries(cases))('%s', async (id, provoke) => {
    const error = await provoke();
    expect({ message: error.message, found: find(error) }).toMatchObject({ found: [id] });
    const { codes = [] } = symptoms.find((symptom) => symptom.id === id)!;
    if (codes.length > 0 && error.code) expect(codes).toContain(error.code);
  });
});

it('Unsupported PKCS12 PFX data, where this Node says so', async () => {
  const pfx = await (await createSelfSigned({ name: 'a' })).pfx('secret', { encryption: 'legacy-rc2' });
  const error = thrown(() => createSecureContext({ pfx, passphrase: 'secret' }));
  expect(find(error)).toEqual(['unsupported-pkcs12-pfx-data']);
  expect(error.code).toBe('ERR_CRYPTO_UNSUPPORTED_OPERATION');
});

it('a key that is too small, where this Node says so', async () => {
  const weak = await createSelfSigned({ name: 'weak', keyType: { rsa: 1024 } });
  try {
    createSecureContext({ cert: weak.cert, key: weak.key });
  } catch (error) {
    expect(find(error as NodeJS.ErrnoException)).toEqual(['key-too-small']);
  }
});
