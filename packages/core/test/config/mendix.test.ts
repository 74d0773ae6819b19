import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../src/config/check.ts';
import { fromMendixSettings, type MendixSettings } from '../../src/config/mendix.ts';
import { resolve } from '../../src/pin/resolve.ts';
import { buildTable } from '../../src/pin/table.ts';
import type { Target } from '../../src/types.ts';

const two = {
  ClientCertificates: String.raw`D:\App\Mx1.pfx, D:\App\Mx2.pfx`,
  ClientCertificatePasswords: 'pwd1, pwd2',
};
const usages = String.raw`{"Module.WebService1": "D:\\App\\Mx1.pfx", "www.server-to-contact.com": "D:\\App\\Mx2.pfx"}`;

const tableOf = async (settings: MendixSettings) =>
  buildTable((await checkConfig(fromMendixSettings(settings))).pins, () => []);

async function decide(settings: MendixSettings, target: Target) {
  return resolve(await tableOf(settings), target).certificate;
}

async function passphraseOf(settings: MendixSettings, name: string) {
  const source = fromMendixSettings(settings).certificates?.[name];
  if (typeof source !== 'object' || typeof source.passphrase !== 'function') return undefined;
  return source.passphrase();
}

describe('fromMendixSettings', () => {
  it('reads the settings as they are written', async () => {
    const settings = { ...two, ClientCertificateUsages: usages };
    expect(fromMendixSettings(settings).certificates).toMatchObject({
      Mx1: { pfx: String.raw`D:\App\Mx1.pfx` },
      Mx2: { pfx: String.raw`D:\App\Mx2.pfx` },
    });
    expect(await passphraseOf(settings, 'Mx1')).toBe('pwd1');
    expect(await passphraseOf(settings, 'Mx2')).toBe('pwd2');
    expect(await decide(settings, { host: 'any.example', service: 'Module.WebService1' })).toBe('Mx1');
    expect(await decide(settings, 'https://www.server-to-contact.com')).toBe('Mx2');
    expect(await decide(settings, 'https://www.server-to-contact.com:8443')).toBe('Mx2');
    expect(await decide(settings, 'https://other.example')).toBeNull();
    expect(fromMendixSettings(settings).services).not.toHaveProperty(['www.server-to-contact.com']);
  });

  it('reads lists and objects, as a runtime holds them', async () => {
    const settings = {
      ClientCertificates: ['/certs/a.pfx', '/certs/b.pfx'],
      ClientCertificatePasswords: ['with, comma', ' blank '],
      ClientCertificateUsages: { 'Module.Service': '/certs/a.pfx', '10.0.0.1': '/certs/b.pfx' },
      NoClientCertificateUsages: ['status.example'],
    };
    expect(await passphraseOf(settings, 'a')).toBe('with, comma');
    expect(await passphraseOf(settings, 'b')).toBe(' blank ');
    expect(await decide(settings, 'https://10.0.0.1:9000')).toBe('b');
    expect(await decide(settings, { host: 'status.example', service: 'Module.Service' })).toBeNull();
  });

  it('reads them from the environment, with and without the prefix of a container', () => {
    expect(
      Object.keys(fromMendixSettings({ ClientCertificates: 'a.pfx' } as NodeJS.ProcessEnv).certificates!),
    ).toEqual(['a']);
    expect(Object.keys(fromMendixSettings({ MXRUNTIME_ClientCertificates: 'a.pfx' }).certificates!)).toEqual([
      'a',
    ]);
  });

  it('takes a single certificate without usages for the default, and its password whole', async () => {
    const settings = { ClientCertificates: 'one.pfx', ClientCertificatePasswords: 'a,b' };
    expect(await decide(settings, 'https://any.example:8443')).toBe('one');
    expect(await passphraseOf(settings, 'one')).toBe('a,b');
    expect(
      await decide({ ...settings, NoClientCertificateUsages: 'not.example' }, 'https://not.example:9'),
    ).toBeNull();
  });

  it('enters what could be a service or a host as both', async () => {
    const settings = {
      ClientCertificates: 'a.pfx',
      ClientCertificateUsages: { 'example.com': 'a.pfx', intranet: 'a.pfx' },
      NoClientCertificateUsages: 'Module.Other',
    };
    const config = fromMendixSettings(settings);
    expect(config.services).toEqual({ 'example.com': 'a', intranet: 'a', 'Module.Other': false });
    expect(config.hosts).toEqual({ 'example.com:*': 'a', 'intranet:*': 'a', 'module.other:*': false });
    expect(await decide(settings, { host: 'x.example', service: 'intranet' })).toBe('a');
  });

  it.each([
    ['www.example.com', ['hosts']],
    ['my-host.example', ['hosts']],
    ['host.example:8443', ['hosts']],
    ['10.0.0.1', ['hosts']],
    ['[::1]', ['hosts']],
    ['Module.Service', ['hosts', 'services']],
    ['My Service', ['services']],
  ])('enters %s under %j', (identifier, places) => {
    const { hosts, services } = fromMendixSettings({
      ClientCertificates: 'a.pfx',
      ClientCertificateUsages: { [identifier]: 'a.pfx' },
    });
    expect(
      Object.entries({ hosts, services }).flatMap(([name, rules]) =>
        Object.keys(rules!).length ? [name] : [],
      ),
    ).toEqual(places);
  });

  it('takes an empty path for none', async () => {
    const settings = {
      ClientCertificates: 'a.pfx',
      ClientCertificateUsages: '{"status.example": "", "a.example": "a.pfx"}',
    };
    expect(await decide(settings, 'https://a.example')).toBe('a');
    expect(fromMendixSettings(settings).hosts).toEqual({ 'status.example:*': false, 'a.example:*': 'a' });
  });

  it('finds a path in either slash and, on a drive, either case', async () => {
    const settings = {
      ClientCertificates: String.raw`D:\App\Mx1.pfx`,
      ClientCertificateUsages: '{"a.example": "d:/app/MX1.pfx"}',
    };
    expect(await decide(settings, 'https://a.example')).toBe('Mx1');
  });

  it('gives two files of one name two names', () => {
    const settings = {
      ClientCertificates: 'a/x.pfx, b/x.pfx',
      ClientCertificateUsages: '{"a.example":"a/x.pfx","b.example":"b/x.pfx"}',
    };
    expect(fromMendixSettings(settings).hosts).toEqual({ 'a.example:*': 'x', 'b.example:*': 'x-2' });
  });

  it('trusts CACertificates on every connection', async () => {
    const settings = {
      ...two,
      ClientCertificateUsages: usages,
      CACertificates: 'ca1.pem, ca2.pem',
      NoClientCertificateUsages: 'status.no.example',
    };
    const config = await checkConfig(fromMendixSettings(settings));
    for (const source of config.certificates.values())
      expect(source).toMatchObject({ ca: ['ca1.pem', 'ca2.pem'] });
    expect(config.authorities.map(({ label, ca }) => [label, ca])).toEqual([
      ['hosts["status.no.example:*"]', ['ca1.pem', 'ca2.pem']],
      ['default', ['ca1.pem', 'ca2.pem']],
    ]);
    expect((await checkConfig(fromMendixSettings({ CACertificates: 'ca.pem' }))).authorities).toHaveLength(1);
  });

  it('keeps the passwords out of sight', () => {
    const config = fromMendixSettings({ ...two, ClientCertificateUsages: usages });
    expect(inspect(config, { depth: 12, showHidden: true }) + JSON.stringify(config)).not.toContain('pwd1');
  });

  it('says the same of hosts that it does not name, however one is denied', () => {
    const settings = { ClientCertificates: 'a.pfx' };
    const denied = [
      fromMendixSettings({ ...settings, ClientCertificateUsages: { 'www.example': '' } }),
      fromMendixSettings({ ...settings, NoClientCertificateUsages: 'www.example' }),
    ];
    for (const config of denied)
      expect(config).toMatchObject({ default: 'a', hosts: { 'www.example:*': false } });
    expect(JSON.stringify(denied[0])).toBe(JSON.stringify(denied[1]));
  });

  it.each<[MendixSettings, string]>([
    [two, String.raw`{"Module.WebService": "D:\\App\\Mx1.pfx", "www.example.com": "D:\\App\\Mx2.pfx"}`],
    [{}, 'ClientCertificates: is not set'],
    [{ ...two, ClientCertificatePasswords: 'one' }, '1 entries for 2'],
    [
      { ...two, ClientCertificateUsages: String.raw`{"a.example": "D:\App\Mx1.pfx"}` },
      'backslashes are doubled',
    ],
    [
      { ...two, ClientCertificateUsages: String.raw`{"a.example": "D:\new\Mx1.pfx"}` },
      'backslashes are doubled',
    ],
    [{ ...two, ClientCertificateUsages: '"a.example": "b"' }, 'line 1, column 12'],
    [{ ...two, ClientCertificateUsages: '[]' }, 'is not written as'],
    [
      { ...two, ClientCertificateUsages: '{"a.example": "D:\\\\App\\\\Mx3.pfx"}' },
      'which is not in ClientCertificates',
    ],
    [{ ...two, ClientCertificateUsages: { 'a.example': 1 } as never }, 'has no path'],
    [{ ClientCertificates: 'a.pfx, a.pfx' }, 'names a file twice'],
    [
      { ClientCertificates: 'a.pfx', ClientCertificateUsages: { 'https://api.bank.example/v1': 'a.pfx' } },
      'write "api.bank.example"',
    ],
    [
      { ClientCertificates: 'a.pfx', ClientCertificateUsages: { 'api.bank.example/v1': 'a.pfx' } },
      'without path',
    ],
    [{ ClientCertificates: 'a.pfx', NoClientCertificateUsages: 'http://www.example' }, 'without scheme'],
    [{ ...two, ClientCertificateUsages: { 'a.example': '' } }, 'is needed to tell'],
    [{ ClientCertificates: 1 as never }, 'neither a text'],
    [
      { ...two, ClientCertificateUsages: usages, NoClientCertificateUsages: 'www.server-to-contact.com' },
      'in one place and another',
    ],
  ])('refuses %j', (settings, message) => {
    let error: unknown;
    try {
      fromMendixSettings(settings);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: 'ERR_CLIENTCERT_CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
    expect(String(error)).not.toContain('pwd1');
  });
});
