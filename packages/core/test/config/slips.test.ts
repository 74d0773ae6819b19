import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Config,
  fromEnvironment,
  fromMendixSettings,
  loadCredentials,
  readCertificate,
} from '../../src/index.ts';
import { printed, SECRETS } from './secrets.ts';

let directory: string;
let authority: Authority;
let bank: { cert: string; key: string; passphrase?: string | undefined };
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-slips-'));
  authority = await createAuthority();
  const issued = await authority.issue({ name: 'bank' });
  bank = { cert: issued.fullChain, key: issued.key };
  await writeFile(join(directory, 'bank.pfx'), await issued.pfx('right'));
});
afterAll(() => rm(directory, { recursive: true }));

const token = {
  get cert() {
    return bank.cert;
  },
  key: 'pkcs11:token=nowhere;object=key',
};
const certificates = () => ({ bank });
const one = (source: unknown): Config => ({ certificates: { bank: source } }) as Config;
const at = (rule: unknown): unknown => ({
  certificates: certificates(),
  hosts: { 'api.bank.example': rule },
});
const as = (rule: unknown): unknown => ({ certificates: certificates(), services: { Billing: rule } });
const load = (config: unknown) => loadCredentials(config as Config);
const good = () => load({ certificates: certificates(), hosts: { 'api.bank.example': 'bank' } });

async function withVariable<Result>(
  name: string,
  value: string,
  work: () => Result,
): Promise<Awaited<Result>> {
  const before = process.env[name];
  process.env[name] = value;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
}

/** Every place of a config and of a call in which a text can be put. `free`: names that users choose as they like. */
const SLOTS: Readonly<Record<string, (secret: string) => unknown>> = {
  'loadCredentials()': (secret) => loadCredentials(secret),
  'loadCredentials(URL)': (secret) =>
    loadCredentials(new URL(`https://${encodeURIComponent(secret)}@c.example/`)),
  CLIENTCERT_CONFIG: (secret) => withVariable('CLIENTCERT_CONFIG', secret, () => loadCredentials()),
  'certificates.NAME': (secret) => load({ certificates: { [secret]: { pfx: 'nowhere.pfx', bad: 1 } } }),
  'an option of the config': (secret) => load({ certificates: certificates(), [secret]: 1 }),
  'an option of a source': (secret) => load(one({ pfx: 'bank.pfx', [secret]: 1 })),
  'an option of a rule': (secret) => load(at({ certificate: 'bank', [secret]: 1 })),
  'an option of tls': (secret) => load(at({ certificate: 'bank', tls: { [secret]: 1 } })),
  'an option of watch': (secret) => load({ certificates: certificates(), watch: { [secret]: 1 } }),
  'a source': (secret) => load(one(secret)),
  pfx: (secret) => load(one({ pfx: secret })),
  'a file: URL with a slash in a name': (secret) =>
    load(one({ pfx: new URL(`file:///a%2F${encodeURIComponent(secret)}`) })),
  'pfx.env': (secret) => load(one({ pfx: { env: secret } })),
  'pfx.KEY': (secret) => load(one({ pfx: { [secret]: 'x' } })),
  cert: (secret) => load(one({ cert: secret, key: bank.key })),
  'cert[]': (secret) => load(one({ cert: [bank.cert, secret], key: bank.key })),
  key: (secret) => load(one({ cert: bank.cert, key: secret })),
  'key.env': (secret) => load(one({ cert: bank.cert, key: { env: secret } })),
  dir: (secret) => load(one({ dir: secret })),
  ca: (secret) => load(one({ ...bank, ca: secret })),
  'ca[].env': (secret) => load(one({ ...bank, ca: [{ env: secret }] })),
  passphrase: (secret) => load(one({ pfx: join(directory, 'bank.pfx'), passphrase: secret })),
  'passphrase.env': (secret) => load(one({ pfx: join(directory, 'bank.pfx'), passphrase: { env: secret } })),
  'passphrase.file': (secret) =>
    load(one({ pfx: join(directory, 'bank.pfx'), passphrase: { file: secret } })),
  'passphrase()': (secret) => load(one({ pfx: join(directory, 'bank.pfx'), passphrase: () => secret })),
  'passphrase.KEY': (secret) => load(one({ pfx: 'bank.pfx', passphrase: { [secret]: 'x' } })),
  'keyPassphrase.env': (secret) =>
    load(one({ pfx: join(directory, 'bank.pfx'), keyPassphrase: { env: secret } })),
  'keyPassphrase.file': (secret) =>
    load(one({ pfx: join(directory, 'bank.pfx'), keyPassphrase: { file: secret } })),
  pin: (secret) => load(one({ ...token, pin: secret })),
  'pin.env': (secret) => load(one({ ...token, pin: { env: secret } })),
  'pin.file': (secret) => load(one({ ...token, pin: { file: secret } })),
  'pin()': (secret) => load(one({ ...token, pin: () => secret })),
  'pin.KEY': (secret) => load(one({ ...token, pin: { [secret]: 'x' } })),
  'pin-value of a URI': (secret) =>
    load(one({ cert: bank.cert, key: `${token.key}?pin-value=${encodeURIComponent(secret)}` })),
  'pin-source of a URI': (secret) =>
    load(one({ cert: bank.cert, key: `${token.key}?pin-source=${encodeURIComponent(secret)}` })),
  'a URL as the pin-source of a URI': (secret) =>
    load(
      one({ cert: bank.cert, key: `${token.key}?pin-source=${encodeURIComponent(`file://${secret}@h`)}` }),
    ),
  'an attribute of a URI': (secret) =>
    load(one({ cert: bank.cert, key: `${token.key}?pin=${encodeURIComponent(secret)}` })),
  alias: (secret) => load(one({ ...bank, alias: secret })),
  'trust of a source': (secret) => load(one({ ...bank, trust: secret })),
  refresh: (secret) => load(one({ ...bank, refresh: secret })),
  maxIterations: (secret) => load(one({ ...bank, maxIterations: secret })),
  'a source function': (secret) => load(one(() => ({ pfx: secret }))),
  'an option from a source function': (secret) => load(one(() => ({ ...bank, [secret]: 1 }))),
  'hosts.HOST': (secret) => load({ certificates: certificates(), hosts: { [`${secret} `]: 'bank' } }),
  'hosts.HOST with a port': (secret) =>
    load({ certificates: certificates(), hosts: { [`${secret}:x`]: 'bank' } }),
  'a wildcard': (secret) => load({ certificates: certificates(), hosts: { [`*${secret}*`]: 'bank' } }),
  'a rule': (secret) => load(at(secret)),
  'a rule in a list': (secret) => load(at([secret])),
  'certificate of a rule': (secret) => load(at({ certificate: secret })),
  'certificate of a rule that accepts any server': (secret) =>
    load(at({ certificate: secret, dangerouslyAcceptAnyServer: true })),
  'tls of a rule': (secret) => load(at({ certificate: 'bank', tls: secret })),
  'tls.min of a rule': (secret) => load(at({ certificate: 'bank', tls: { min: secret } })),
  'trust of a rule': (secret) => load(at({ certificate: 'bank', trust: secret })),
  'server of a rule': (secret) => load(at({ certificate: 'bank', server: secret })),
  'trust domain of bundles': (secret) => load(one({ ...bank, bundles: { [secret]: 'nowhere/root.pem' } })),
  'roots of bundles': (secret) => load(one({ ...bank, bundles: { 'bank.example': secret } })),
  'spki of a rule': (secret) => load(at({ certificate: 'bank', spki: [secret] })),
  'required of a rule': (secret) => load(at({ certificate: 'bank', required: secret })),
  'ca of a rule': (secret) => load(at({ ca: secret })),
  'ca.env of a rule': (secret) => load(at({ ca: { env: secret } })),
  dangerouslyAcceptAnyServer: (secret) => load(at({ dangerouslyAcceptAnyServer: secret })),
  'services.NAME': (secret) => load({ certificates: certificates(), services: { [secret]: { bad: 1 } } }),
  'a rule of a service': (secret) => load(as(secret)),
  'hosts of a service': (secret) => load(as({ certificate: 'bank', hosts: secret })),
  'hosts[] of a service': (secret) => load(as({ certificate: 'bank', hosts: [`${secret}!`] })),
  default: (secret) => load({ certificates: certificates(), default: secret }),
  tls: (secret) => load({ certificates: certificates(), tls: secret }),
  proxy: (secret) => load({ certificates: certificates(), proxy: secret }),
  'proxy, a host with it': (secret) =>
    load({ certificates: certificates(), proxy: `http://${secret}:3128/x` }),
  'proxy.url': (secret) => load({ certificates: certificates(), proxy: { url: secret } }),
  'proxy.certificate': (secret) =>
    load({ certificates: certificates(), proxy: { url: 'https://p.example', certificate: secret } }),
  'proxy.ca': (secret) =>
    load({ certificates: certificates(), proxy: { url: 'https://p.example', ca: secret } }),
  'proxy.authorization.env': (secret) =>
    load({
      certificates: certificates(),
      proxy: { url: 'http://p.example', authorization: { env: secret } },
    }),
  'proxy.authorization.file': (secret) =>
    load({
      certificates: certificates(),
      proxy: { url: 'http://p.example', authorization: { file: secret } },
    }),
  watch: (secret) => load({ certificates: certificates(), watch: secret }),
  expiryWarningDays: (secret) => load({ certificates: certificates(), expiryWarningDays: [secret] }),
  rollback: (secret) => load({ certificates: certificates(), rollback: secret }),
  onProgress: (secret) => load({ certificates: certificates(), onProgress: secret }),
  'readCertificate(source)': (secret) => readCertificate({ pfx: secret }),
  'readCertificate(KEY)': (secret) => readCertificate({ pfx: 'bank.pfx', [secret]: 1 } as { pfx: string }),
  'resolve(target)': async (secret) => (await good()).resolve(secret),
  'resolve(target with credentials)': async (secret) =>
    (await good()).resolve(`ftp://user:${encodeURIComponent(secret)}@api.bank.example`),
  'resolve({ host })': async (secret) => (await good()).resolve({ host: `${secret} ` }),
  'resolve({ service })': async (secret) =>
    (await good()).resolve({ host: 'api.bank.example', service: secret }),
  'resolve({ origin })': async (secret) =>
    (await good()).resolve({ host: 'api.bank.example', service: 'x', origin: secret }),
  'resolve({ port })': async (secret) => (await good()).resolve({ host: 'api.bank.example', port: secret }),
  'explain(target)': async (secret) => (await good()).explain({ host: 'api.bank.example', service: secret }),
  'agent({ service })': async (secret) => (await good()).agent({ service: secret }),
  'agent({ origin })': async (secret) => (await good()).agent({ origin: secret }),
  'agent({ proxy })': async (secret) => (await good()).agent({ proxy: secret }),
  'agent({ proxy: { url } })': async (secret) => (await good()).agent({ proxy: { url: secret } }),
  'reload(config)': async (secret) => (await good()).reload(secret),
  CLIENTCERT_PFX: (secret) =>
    load(fromEnvironment({ CLIENTCERT_PFX: secret, CLIENTCERT_HOST: 'api.bank.example' })),
  CLIENTCERT_HOST: (secret) =>
    load(fromEnvironment({ CLIENTCERT_PFX: 'nowhere.pfx', CLIENTCERT_HOST: `${secret}!` })),
  'Mendix: ClientCertificates': (secret) => load(fromMendixSettings({ ClientCertificates: [secret] })),
  'Mendix: ClientCertificates without usages': (secret) =>
    load(fromMendixSettings({ ClientCertificates: [secret, 'b.pfx'] })),
  'Mendix: ClientCertificatePasswords': (secret) =>
    load(
      fromMendixSettings({
        ClientCertificates: 'a.pfx',
        ClientCertificatePasswords: [secret, secret, secret],
      }),
    ),
  'Mendix: ClientCertificateUsages': (secret) =>
    load(fromMendixSettings({ ClientCertificates: 'a.pfx', ClientCertificateUsages: secret })),
  'Mendix: a path of ClientCertificateUsages': (secret) =>
    load(fromMendixSettings({ ClientCertificates: 'a.pfx', ClientCertificateUsages: { S: secret } })),
  'Mendix: a name of ClientCertificateUsages': (secret) =>
    load(fromMendixSettings({ ClientCertificates: 'a.pfx', ClientCertificateUsages: { [secret]: 'b.pfx' } })),
  'Mendix: NoClientCertificateUsages': (secret) =>
    load(fromMendixSettings({ ClientCertificates: 'a.pfx', NoClientCertificateUsages: [secret] })),
  'Mendix: CACertificates': (secret) => load(fromMendixSettings({ CACertificates: [secret] })),
};

/**
 * Where a text of this kind is what belongs there, so that it may be shown: a name that the user chooses, and a file
 * or a host that is called so.
 */
const FITS = new Set(
  [
    'a passphrase',
    'a passphrase of a word and a digit',
    'a passphrase of words',
    'a passphrase with a dot',
    'a passphrase with punctuation',
    'user and password at a host',
    'a PIN',
    'a PIN of letters',
  ].flatMap((kind) => [`certificates.NAME, ${kind}`, `services.NAME, ${kind}`]),
);

for (const kind of ['a passphrase of a word and a digit', 'a PIN', 'a PIN of letters'])
  FITS.add(`Mendix: a name of ClientCertificateUsages, ${kind}`);

describe('attack: secrets that show', () => {
  const cases = Object.keys(SLOTS).flatMap((slot) =>
    Object.keys(SECRETS).map((kind) => [slot, kind] as const),
  );

  it.each(Object.keys(SLOTS))(
    'what was put in the place of something else is never printed: %s',
    async (slot) => {
      const warnings: Error[] = [];
      const listen = (warning: Error) => warnings.push(warning);
      process.on('warning', listen);
      const shown: string[] = [];
      let refused = 0;
      for (const [, kind] of cases.filter(([each]) => each === slot)) {
        if (FITS.has(`${slot}, ${kind}`)) continue;
        const [secret, ...pieces] = SECRETS[kind]!;
        let outcome: unknown;
        try {
          outcome = await SLOTS[slot]!(secret);
        } catch (error) {
          refused += 1;
          outcome = error;
          expect(error, `${slot}, ${kind}`).toMatchObject({
            code: expect.stringMatching(/^ERR_CLIENTCERT_/),
          });
        }
        await new Promise((resolve) => setImmediate(resolve));
        const text = [printed(outcome), ...warnings.splice(0).map(printed)].join('\n');
        for (const piece of pieces) if (text.includes(piece)) shown.push(`${kind}: ${piece}`);
        if (outcome && typeof outcome === 'object' && Symbol.asyncDispose in outcome) {
          await (outcome as AsyncDisposable)[Symbol.asyncDispose]();
        }
      }
      process.off('warning', listen);
      expect(shown).toEqual([]);
      expect(refused).toBeGreaterThan(0);
    },
  );
});
