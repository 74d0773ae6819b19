import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, startServer } from '@clientcert/testing';
import { describe, expect, it } from 'vitest';
import { screenOver } from './screen.ts';

describe('a console’s functions', () => {
  it.each(['axios', 'got', 'fetch'])(
    'try a server with %s, as themselves and as a service',
    async (client) => {
      const directory = await mkdtemp(join(tmpdir(), 'clientcert-try-'));
      const authority = await createAuthority();
      for (const name of ['alice', 'bob']) {
        const { fullChain, key } = await authority.issue({ name });
        await writeFile(join(directory, `${name}.pem`), fullChain + key, { mode: 0o600 });
      }
      await writeFile(join(directory, 'root.pem'), authority.certificate);
      await using server = await startServer({ authority, host: 'localhost' });
      const { host } = new URL(server.url);
      await using console = await screenOver(join(directory, 'clientcert.json'), {
        certificates: {
          alice: { cert: 'alice.pem', ca: 'root.pem' },
          bob: { cert: 'bob.pem', ca: 'root.pem' },
        },
        hosts: { [host]: 'alice' },
        services: { Billing: 'bob' },
      });
      const ask = (input: object) =>
        console.call('try', { url: `${server.url}/accounts`, client, probe: false, ...input });
      expect(await ask({})).toMatchObject({
        answer: { status: 200 },
        handshakes: [{ protocol: 'TLSv1.3', presented: { name: 'alice' }, resumed: false }],
      });
      expect(await ask({})).toMatchObject({ handshakes: [{ presented: { name: 'alice' }, resumed: true }] });
      expect(await ask({ service: 'Billing' })).toMatchObject({
        handshakes: [{ presented: { name: 'bob' }, resumed: false }],
      });
      expect(
        server.requests.map(({ path, clientCertificate }) => [path, clientCertificate?.commonName]),
      ).toEqual([
        ['/accounts', 'alice'],
        ['/accounts', 'alice'],
        ['/accounts', 'bob'],
      ]);
      expect((await console.call('clients')).clients).toContain(client);
      expect(await ask({ service: 'Nobody' })).toMatchObject({
        errors: [{ code: 'ERR_CLIENTCERT_SERVICE_UNKNOWN' }],
      });
      await rm(directory, { recursive: true });
    },
  );
});
