import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAuthority } from '@clientcert/testing';
import * as soap from 'soap';
import { afterAll, expect, it } from 'vitest';
import { ClientCertificateSecurity, loadCredentials, type SignOptions, soapOptions } from '../src/index.ts';
import { startService, wsdl } from './service.ts';
import { findWss4j } from './wss4j/classpath.ts';

const directory = mkdtempSync(join(tmpdir(), 'clientcert-wss4j-'));
afterAll(() => rmSync(directory, { recursive: true }));
const at = (name: string) => fileURLToPath(new URL(`wss4j/${name}`, import.meta.url));

const classpath = findWss4j();

/** What the actions are in WSS4J (WSConstants): a user name, a signature, a timestamp, a token. */
const [user, signature, timestamp, token] = ['1', '2', '32', '4096'];

const name = (options: object = {}) => new soap.WSSecurity('me', 'mine', options as never);

const cases: [how: string, sign: boolean | SignOptions, and: soap.ISecurity[], actions: string[]][] = [
  ['sign: true', true, [], [signature, timestamp]],
  ['hasTimeStamp', { hasTimeStamp: true }, [], [signature, timestamp]],
  ['beside a user name', { hasTimeStamp: true }, [name()], [user, signature, timestamp]],
  ['with a digest', true, [name({ passwordType: 'PasswordDigest' })], [user, signature, timestamp]],
  [
    'with the user name signed',
    { additionalReferences: ['wsse:UsernameToken'] },
    [name({ passwordType: 'PasswordDigest' })],
    [user, signature, timestamp],
  ],
  ['without a timestamp', { hasTimeStamp: false }, [], [signature]],
];

it.skipIf(classpath === undefined)(
  `WSS4J accepts what is signed${classpath === undefined ? ' (Maven, Java or WSS4J is not to be had)' : ''}`,
  { timeout: 300_000 },
  async () => {
    const authority = await createAuthority();
    const alice = await authority.issue({ name: 'alice', keyType: 'rsa' });
    await using bank = await startService({ authority, host: 'localhost' });
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
      hosts: { [`localhost:${bank.port}`]: 'alice' },
    });
    const service = join(directory, 'service.wsdl');
    writeFileSync(service, wsdl({ address: `${bank.url}/service` }));
    const messages: string[] = [];
    for (const [, sign, and] of cases) {
      const client = await soap.createClientAsync(service, soapOptions(credentials));
      client.setSecurity(new ClientCertificateSecurity(credentials, { sign, and }));
      await client.WhoAsync({ text: 'Timestamp' });
      messages.push(bank.requests.at(-1)!.body!);
    }
    // That it refuses what was changed shows that it verifies at all, and two timestamps that it is strict.
    const [whole] = messages as [string];
    const [stamp] = /<(wsu:)?Timestamp[ >][\s\S]*<\/(wsu:)?Timestamp>/.exec(whole)!;
    messages.push(whole.replace('>Timestamp<', '>Another<'), whole.replace(stamp, `${stamp}${stamp}`));

    const root = join(directory, 'root.pem');
    writeFileSync(root, authority.certificate);
    const verdicts = await verify(root, messages);
    const expected = cases.map(([how, , , actions]) => `${how}: accepted ${actions.join(' ')}`);
    const accepted = cases.map(([how], index) => `${how}: ${sorted(verdicts[index]!)}`);
    expect(accepted).toEqual(expected);
    expect(verdicts.slice(cases.length)).toEqual([
      expect.stringMatching(/^refused .*signature/i),
      expect.stringMatching(/^refused /),
    ]);
  },
);

/** Its verdict on each message, in their order. */
function verify(root: string, messages: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const command = ['-cp', classpath!, at('Verify.java'), root];
    const child = execFile('java', command, { timeout: 200_000 }, (error, stdout, stderr) =>
      error ? reject(new Error(stderr || error.message)) : resolve(stdout.trim().split('\n')),
    );
    child.stdin!.end(messages.map((message) => Buffer.from(message).toString('base64')).join('\n'));
  });
}

/** The actions by number; tokens come with the signature that names them. */
function sorted(verdict: string): string {
  const [said, ...actions] = verdict.split(' ');
  if (said !== 'accepted') return verdict;
  const others = actions.filter((action) => action !== token).toSorted((a, b) => Number(a) - Number(b));
  return [said, ...others].join(' ');
}
