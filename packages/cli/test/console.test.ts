import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Download } from '@clientcert/console';
import { loadCredentials } from '@clientcert/core';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startServer,
  writePfx,
} from '@clientcert/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConfigFile } from '../src/console/config-file.ts';
import { Input } from '../src/console/input.ts';
import { Secrets } from '../src/console/secrets.ts';
import { tryOut } from '../src/console/try.ts';
import { clientcert } from './run.ts';
import { screenOver } from './screen.ts';

let root: string;
let directory: string;
let authority: Authority;
let alice: IssuedCertificate;
let pfx: Buffer;
const PASSPHRASE = 'correct horse battery 9';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'clientcert-console-'));
  authority = await createAuthority({ name: 'House Root CA' });
  alice = await authority.issue({ name: 'alice', notAfter: inDays(300) });
  pfx = Buffer.from(await alice.pfx(PASSPHRASE));
});
afterAll(() => rm(root, { recursive: true }));

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);
let number = 0;
beforeEach(async () => {
  directory = join(root, `${++number}`);
  await mkdir(directory);
  await writeFile(at('alice.pem'), alice.fullChain + alice.key, { mode: 0o600 });
  await writeFile(at('root.pem'), authority.certificate);
});
const at = (name: string) => join(directory, name);

const bank = { cert: 'alice.pem', ca: 'root.pem' };

const screen = (config: unknown, write = true) => screenOver(at('clientcert.json'), config, write);

const file = (name: string, content: Buffer | string) => ({
  name,
  content: Buffer.from(content).toString('base64'),
});

describe('attack: secrets that show', () => {
  it('sends the page no passphrase, key, PIN or password of a config, and saves it with all of them', async () => {
    const secrets = {
      passphrase: 'hunter2 is my passphrase',
      truststore: 'another word',
      pin: '493817',
      authorization: 'Basic aHVudGVyMjpodW50ZXIy',
      proxy: 'proxy-pass-77',
    };
    await writeFile(at('alice.pfx'), pfx);
    const config = {
      $schema: './schema.json',
      certificates: {
        bank,
        wrong: { pfx: 'alice.pfx', passphrase: secrets.passphrase },
        inline: { cert: alice.cert, key: alice.key },
        token: { cert: 'alice.pem', key: 'pkcs11:token=house;object=key?pin-value=8472', pin: secrets.pin },
        slip: { cert: 'alice.pem', passphrase: { env: 'hunter2 is my Passphrase' } },
      },
      hosts: {
        'api.bank.example': 'bank',
        'other.example': { certificate: 'bank', ca: { file: 'root.pem', passphrase: secrets.truststore } },
      },
      proxy: { url: `http://me:${secrets.proxy}@proxy.example:3128`, authorization: secrets.authorization },
    };
    await using console = await screen(config);
    const { call } = console;
    const state = await call('state');
    const answers = [
      state,
      await call('check', { draft: state.draft }),
      await call('explain', { draft: state.draft, url: 'api.bank.example' }),
    ];
    const said = JSON.stringify(answers);
    const key = alice.key.split('\n')[1]!;
    for (const secret of [...Object.values(secrets), key, '8472', 'hunter2', 'PRIVATE KEY'])
      expect(said).not.toContain(secret);
    expect(answers[1].json).toContain('(not shown: 1)');

    // What was not shown comes back with what was changed.
    state.draft.hosts[0][0] = 'new.bank.example';
    expect(await call('save', { draft: state.draft, version: state.version })).toEqual({});
    const { hosts, ...rest } = JSON.parse(await readFile(console.file, 'utf8'));
    expect(Object.keys(hosts)).toEqual(['new.bank.example', 'other.example']);
    expect(rest).toEqual({ $schema: config.$schema, certificates: config.certificates, proxy: config.proxy });
    expect(hosts['other.example'].ca.passphrase).toBe(secrets.truststore);
  });

  it('shows whom a server is to be told by, and reads the bundles where the config is', async () => {
    await writeFile(at('bundle.pem'), authority.certificate);
    await using console = await screen({
      certificates: {
        bank: { ...bank, bundles: { 'bank.example': ['bundle.pem', { file: 'bundle.pem' }] } },
      },
      hosts: { 'api.bank.example': { certificate: 'bank', server: 'spiffe://bank.example/payments' } },
    });
    const { draft } = await console.call('state');
    expect(JSON.stringify(draft)).not.toContain('not shown');
    expect(await console.call('explain', { draft, url: 'api.bank.example' })).toMatchObject({
      trust:
        'only the roots of bank.example that came with "bank"; the server is spiffe://bank.example/payments',
    });
    const { errors, json } = await console.call('check', { draft });
    expect([errors, JSON.parse(json).hosts]).toEqual([
      [],
      { 'api.bank.example': { certificate: 'bank', server: 'spiffe://bank.example/payments' } },
    ]);
  });

  it('shows no passphrase that stands in a wrong place, or behind an option that is spelt wrongly', async () => {
    const config = {
      certificates: {
        bank: { ...bank, pasphrase: 'hunter-one', nested: { word: 'hunter-two', list: ['hunter-three'] } },
        other: 'hunter-four',
        slip: { cert: 'hunter-five and more', passphrase: { env: 'hunter-six', fil: 'hunter-seven' } },
      },
      hosts: {
        'api.bank.example': {
          certificate: 'bank',
          password: 'hunter-eight',
          ca: { file: 'root.pem', pass: 'hunter-nine' },
        },
      },
      services: { X: { certificate: 'bank', 'https://me:hunter-ten@x': 1 } },
      default: { certificate: 'bank', word: 'hunter-eleven' },
      proxy: 'http://me:hunter-twelve@proxy.example',
      pasword: 'hunter-thirteen',
    };
    await using console = await screen(config);
    const state = await console.call('state');
    const checked = await console.call('check', { draft: state.draft });
    const explained = await console.call('explain', { draft: state.draft, url: 'api.bank.example' });
    expect(JSON.stringify([state, checked, explained])).not.toContain('hunter');
    expect(checked.errors[0].issues.length).toBeGreaterThan(5);
    expect(checked.diff).toEqual([]);
    expect(JSON.parse(checked.json).hosts['api.bank.example'].certificate).toBe('bank');
  });

  it('shows no PIN or passphrase that was written as a number, and saves it as one', async () => {
    const config = {
      certificates: {
        bank: { ...bank, maxIterations: 7001, refresh: 7002 },
        token: { cert: 'alice.pem', key: 'pkcs11:token=house;object=key', pin: 847213 },
        old: { pfx: 'alice.pfx', passphrase: 902817, pasword: [665544], keyPassphrase: { value: 112233 } },
      },
      hosts: {
        'api.bank.example': 'bank',
        'other.example': { ca: { file: 'root.pem', passphrase: 778899 } },
      },
      expiryWarningDays: [30, 7003],
    };
    await using console = await screen(config);
    const state = await console.call('state');
    const checked = await console.call('check', { draft: state.draft });
    expect(JSON.stringify([state, checked])).not.toMatch(/847213|902817|665544|112233|778899/);
    for (const number of [7001, 7002, 7003]) expect(checked.json).toContain(`${number}`);
    expect(new Secrets('/').reveal(config)).toEqual(config);
    const secrets = new Secrets(directory);
    expect(secrets.reveal(secrets.conceal(config))).toEqual(config);
  });

  it.each([
    'http:me:hunter2@proxy.example:3128',
    'http:/me:hunter2@proxy.example',
    'me:hunter2@proxy.example',
  ])('shows no password of a proxy, or before a host, that is written as %s', async (proxy) => {
    for (const config of [{ proxy }, { proxy: { url: proxy } }, { hosts: { [proxy]: 'bank' } }]) {
      await using console = await screen({ certificates: { bank }, ...config });
      const { draft } = await console.call('state');
      expect(JSON.stringify([draft, await console.call('check', { draft })])).not.toContain('hunter2');
    }
  });

  it('gives a secret back in the kind of place alone that it was taken from', async () => {
    await using console = await screen({
      certificates: { bank: { ...bank, passphrase: 'hunter2' } },
      hosts: { 'api.bank.example': 'bank' },
    });
    const { draft, version } = await console.call('state');
    expect(draft.certificates[0][1].passphrase).toBe('(not shown: 1)');
    // In the place of a server name it would go over the network.
    draft.hosts[0][1] = { certificate: 'bank', servername: '(not shown: 1)' };
    await console.call('save', { draft, version });
    const { hosts } = JSON.parse(await readFile(console.file, 'utf8'));
    expect(JSON.stringify(hosts)).not.toContain('hunter2');
    draft.hosts[0][1] = { certificate: 'bank', servername: 'front.example' };
    const { json } = await console.call('check', { draft });
    expect(json).not.toContain('hunter2');
  });

  it('keeps no passphrase of what was dropped, and hands out no key but in a file that was named, encrypted', async () => {
    await using console = await screen({}, true);
    const { call } = console;
    const first = await call('look', { files: [file('alice.pfx', pfx)] });
    expect(first.asks).toEqual({ what: 'passphrase', file: 'alice.pfx', wrong: false });
    const wrong = await call('look', {
      handle: first.handle,
      passphrases: { 'alice.pfx': { passphrase: 'wrong' } },
    });
    expect(wrong.asks.wrong).toBe(true);
    const passphrases = { 'alice.pfx': { passphrase: PASSPHRASE } };
    const { handle, reports } = await call('look', { handle: first.handle, passphrases });
    expect(reports[0]).toMatchObject({ verdict: 'good', identities: [{ subject: 'CN=alice' }], first: 0 });
    // Once more without one: it was not kept.
    expect((await call('look', { handle })).asks.what).toBe('passphrase');
    expect((await call('convert', { handle, index: 0, to: 'crt' })).errors[0].message).toContain(
      'was not read',
    );
    await call('look', { handle, passphrases });

    const contentOf = (download: Download) =>
      (Download as unknown as { contentOf(of: Download): Buffer }).contentOf(download);
    for (const to of ['crt', 'der', 'p7b']) {
      const download = await call('convert', { handle, index: 0, to });
      expect(download).toBeInstanceOf(Download);
      expect(contentOf(download).toString('latin1')).not.toContain('PRIVATE KEY');
      expect(JSON.stringify(download)).not.toContain('content');
    }
    for (const to of ['pfx', 'pfx-legacy', 'pem']) {
      expect(
        (await call('convert', { handle, index: 0, to, passphrase: 'new one' })).errors[0].message,
      ).toContain('under a name');
      expect((await call('convert', { handle, index: 0, to, name: 'new' })).errors[0].message).toContain(
        'needs a passphrase',
      );
      const download = await call('convert', { handle, index: 0, to, name: 'new', passphrase: 'new one' });
      expect(download.name).toMatch(/^new\.(?:pfx|pem)$/);
      await writeFile(at(download.name), contentOf(download), { mode: 0o600 });
      const { out } = await clientcert(
        'inspect',
        at(download.name),
        '--passphrase-file',
        await passphraseFile('new one'),
      );
      expect(out).toContain('would work: CN=alice');
      if (to === 'pem') expect(contentOf(download).toString()).toContain('BEGIN ENCRYPTED PRIVATE KEY');
    }
    await call('forget', { handle });
    expect((await call('convert', { handle, index: 0, to: 'crt' })).errors[0].message).toContain('not held');
  });
});

async function passphraseFile(text: string): Promise<string> {
  await writeFile(at('passphrase'), text, { mode: 0o600 });
  return at('passphrase');
}

describe('attack: rules that are weakened', () => {
  it('writes dropped files beside the config alone, whatever they are called, and over no other', async () => {
    await using console = await screen({});
    await writeFile(join(root, 'outside.pem'), 'untouched');
    const pem = alice.fullChain + alice.key;
    for (const name of [
      '../outside.pem',
      '..\\outside.pem',
      join(root, 'outside.pem'),
      'a/../../outside.pem',
    ]) {
      const { handle } = await console.call('look', { files: [file(name, pem)] });
      await console.call('add', { handle, index: 0, name: 'x' });
    }
    expect(await readFile(join(root, 'outside.pem'), 'utf8')).toBe('untouched');
    expect((await readdir(directory)).sort()).toEqual([
      'alice.pem',
      'clientcert.json',
      'outside.pem',
      'root.pem',
    ]);
    expect((await stat(at('outside.pem'))).mode & 0o777).toBe(0o600);
    for (const name of ['..', '.', '', '/', 'clientcert.json']) {
      const look = await console.call('look', { files: [file(name, pem)] });
      const said = look.errors ? look : await console.call('add', { handle: look.handle, index: 0 });
      expect(said.errors, name).toBeDefined();
    }
    expect(await readFile(console.file, 'utf8')).toBe('{}\n');
  });

  it('follows no link that stands where a file would be written', async () => {
    await using console = await screen({});
    await symlink(join(root, 'elsewhere.pem'), at('bob.pem'));
    const { handle } = await console.call('look', { files: [file('bob.pem', alice.fullChain + alice.key)] });
    expect((await console.call('add', { handle, index: 0 })).errors[0].message).toContain('left alone');
    await expect(stat(join(root, 'elsewhere.pem'))).rejects.toThrow('ENOENT');
  });

  it.skipIf(process.platform === 'win32')(
    'does not wait for a pipe that stands where a file would be written',
    async () => {
      await using console = await screen({});
      execFileSync('mkfifo', [at('bob.pem')]);
      const { handle } = await console.call('look', {
        files: [file('bob.pem', alice.fullChain + alice.key)],
      });
      expect((await console.call('add', { handle, index: 0 })).errors).toHaveLength(1);
      expect((await stat(at('bob.pem'))).isFIFO()).toBe(true);
    },
  );

  it('saves nothing that would not load, and nothing over what somebody else wrote', async () => {
    const config = { certificates: { bank }, hosts: { 'api.bank.example': 'bank' } };
    await using console = await screen(config);
    const { call } = console;
    const { draft, version } = await call('state');
    const text = await readFile(console.file, 'utf8');
    const wrong = [
      { ...draft, hosts: [['https://api.bank.example', 'bank']] },
      { ...draft, hosts: [['api.bank.example', 'bnak']] },
      {
        ...draft,
        hosts: [
          ['api.bank.example', 'bank'],
          ['api.bank.example', false],
        ],
      },
      { ...draft, hosts: [['*.co.uk', 'bank']] },
      { ...draft, services: [['X', { certificate: 'bank', nonsense: 1 }]] },
      { ...draft, certificates: [['bank', { nonsense: 1 }]] },
    ];
    for (const one of wrong)
      expect(await call('save', { draft: one, version })).toMatchObject({
        errors: [{ code: expect.stringMatching(/^ERR_CLIENTCERT_/) }],
      });
    expect(await readFile(console.file, 'utf8')).toBe(text);

    await writeFile(console.file, text.replace('api.bank', 'theirs.bank'));
    expect((await call('save', { draft, version })).errors[0].message).toContain('changed by somebody else');
    await writeFile(console.file, '{ broken');
    const { errors, draft: none } = await call('state');
    expect(errors[0]).toMatchObject({
      code: 'ERR_CLIENTCERT_CONFIG_INVALID',
      message: expect.stringContaining('line 1'),
    });
    expect(none).toBeUndefined();
    expect(
      (
        await call('save', {
          draft: { certificates: [], hosts: [], services: [] },
          version: (await call('state')).version,
        })
      ).errors,
    ).toHaveLength(1);
    expect(await readFile(console.file, 'utf8')).toBe('{ broken');
  });

  it('saves one of two tabs that save at once, and tells the other', async () => {
    await writeFile(at('clientcert.json'), '{}');
    const held = new ConfigFile(at('clientcert.json'));
    const before = await held.read();
    const said = await Promise.allSettled(['1', '2', '3'].map((text) => held.replace(text, before)));
    expect(said.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(await readFile(held.path, 'utf8')).toBe('1');
  });

  it('reads a config whole, however long its texts are and whatever is escaped in them', async () => {
    const held = new ConfigFile(at('clientcert.json'));
    for (const text of ['x'.repeat(9e6), '\n'.repeat(4e6), '"a":"\\":', '\\']) {
      const config = { certificates: { 'a"b': { cert: text } }, hosts: { a: false } };
      await writeFile(held.path, JSON.stringify(config));
      expect((await held.read()).config !== undefined, text.slice(0, 9)).toBe(true);
    }
  });

  it('tells of a key that stands twice in the file, as loading does, and saves nothing over it', async () => {
    const text = '{ "hosts": { "a.example": false, "a.example": false } }';
    await using console = await screen(text);
    const { errors, draft, version } = await console.call('state');
    expect(errors[0].message).toContain('the key "a.example" is written twice');
    const empty = { certificates: [], hosts: [], services: [] };
    expect((await console.call('save', { draft: draft ?? empty, version })).errors).toHaveLength(1);
    expect(await readFile(console.file, 'utf8')).toBe(text);
  });

  it('takes nothing on trust of what the page sends', async () => {
    await using console = await screen({ certificates: { bank } });
    for (const name of ['explain', 'check', 'look', 'convert', 'merge', 'try', 'add', 'save', 'forget']) {
      for (const input of [
        {},
        { draft: 1 },
        { draft: { certificates: [1], hosts: [[{}, 2]], services: {} } },
        { handle: {}, files: 'x' },
        { files: [] },
        { files: [{}] },
        { url: 5 },
      ]) {
        const { errors } = await console.call(name, input);
        if (errors)
          expect(errors[0].message, `${name} ${JSON.stringify(input)}`).not.toContain('should not have');
      }
    }
    const polluted = JSON.parse(
      '{"certificates":[["__proto__",{"a":1}]],"hosts":[["__proto__","bank"]],"services":[]}',
    );
    await console.call('check', { draft: polluted });
    expect(({} as { a?: number }).a).toBeUndefined();
  });
});

describe('secrets of a config', () => {
  const places = [
    'certificates',
    'hosts',
    'services',
    'passphrase',
    'cert',
    'key',
    'env',
    'file',
    'ca',
    'certificate',
    'tls',
    'alias',
    'x',
    '(not shown: 1)',
    'https://a:b@c',
  ];
  const texts = [
    'bank',
    '(not shown: 1)',
    '(not shown: 2)',
    'hunter2',
    'alice.pem',
    'BANK_PASSPHRASE',
    'a b',
    '',
    '-----BEGIN PRIVATE KEY-----',
    'https://me:pw@host',
  ];
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(...texts),
      fc.boolean(),
      fc.integer(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...places), tie('value'), { maxKeys: 4 }),
    ),
  }));

  it('come back as they were, whatever the config is', () => {
    fc.assert(
      fc.property(value, (config) => {
        const secrets = new Secrets('/nowhere');
        expect(secrets.reveal(secrets.conceal(config))).toEqual(config);
        // In any order, and with what came before.
        expect(secrets.reveal(secrets.conceal(config))).toEqual(config);
      }),
      { examples: [[{ x: { 'https://a:b@c': 'hunter2' } }]] },
    );
  });

  it('are no names of files, variables and tokens', () => {
    const source = {
      cert: './certs/a.pem',
      key: 'pkcs11:token=bank;object=client',
      pin: { env: 'BANK_PIN' },
    };
    const shown = new Secrets('/nowhere').conceal({ certificates: { bank: source } });
    expect(shown).toEqual({ certificates: { bank: source } });
  });

  it('are in nothing that is shown', () => {
    fc.assert(
      fc.property(
        value,
        fc.constantFrom('passphrase', 'keyPassphrase', 'pin', 'authorization', 'anything'),
        (config, option) => {
          const shown = new Secrets('/nowhere').conceal({
            certificates: { bank: { [option]: 'hunter3', more: config } },
          });
          expect(JSON.stringify(shown)).not.toMatch(/hunter3|PRIVATE KEY|me:pw/);
        },
      ),
    );
  });
});

describe('a console’s functions', () => {
  it('say of certificates what the API says, with what to do, sorted by what ends first', async () => {
    const soon = await authority.issue({ name: 'soon', notAfter: inDays(9) });
    await writeFile(at('soon.pem'), soon.fullChain + soon.key, { mode: 0o600 });
    await using console = await screen({
      certificates: { bank, soon: { cert: 'soon.pem' }, gone: { pfx: 'gone.pfx' } },
      hosts: { 'api.bank.example': 'bank', 'gone.example': 'gone' },
    });
    const { certificates, broken, warnings, errors } = await console.call('state');
    expect(errors).toBeUndefined();
    expect(certificates.map(({ name }: { name: string }) => name)).toEqual(['soon', 'bank']);
    expect(certificates[1]).toMatchObject({
      subject: 'CN=alice',
      source: 'alice.pem',
      pinnedAt: ['hosts["api.bank.example"]'],
      readAt: expect.any(String),
    });
    expect(broken).toEqual([{ name: 'gone', message: expect.stringContaining('gone.pfx') }]);
    expect(JSON.stringify(broken)).not.toContain(directory);
    expect(warnings).toEqual([
      { code: 'CERTIFICATE_UNUSED', message: expect.stringContaining('soon'), advice: expect.any(String) },
    ]);
  });

  it('say that a variable is seen when the command starts, where it is not set', async () => {
    await writeFile(at('alice.pfx'), pfx, { mode: 0o600 });
    const passphrase = { env: 'NOBODY_SETS_THIS_PASSPHRASE' };
    await using console = await screen({ certificates: { bank: { pfx: 'alice.pfx', passphrase } } });
    const { errors } = await console.call('state');
    expect(errors[0].hint).toBe(
      'Set NOBODY_SETS_THIS_PASSPHRASE to the passphrase. This command sees it once it is started again with it.',
    );
  });

  it('say which rule wins in a draft that is not saved', async () => {
    await using console = await screen({ certificates: { bank } }, false);
    const { draft } = await console.call('state');
    draft.hosts.push(['*.bank.example', 'bank'], ['status.bank.example', false]);
    const explain = (url: string) => console.call('explain', { draft, url });
    expect(await explain('api.bank.example')).toMatchObject({
      certificate: { name: 'bank' },
      considered: [{ rule: 'hosts["*.bank.example"]', outcome: 'won' }],
    });
    expect(await explain('https://status.bank.example/x')).toMatchObject({ certificate: null });
    expect(await explain('https://a b')).toMatchObject({ errors: [{ code: 'ERR_CLIENTCERT_HOST_INVALID' }] });
    const { json, diff, errors } = await console.call('check', { draft });
    expect(errors).toEqual([]);
    expect(JSON.parse(json).hosts).toEqual({ '*.bank.example': 'bank', 'status.bank.example': false });
    expect(diff).toContain('+    "*.bank.example": "bank",');
  });

  it('save as the file was: its indentation, line ends, mode and link', async () => {
    const text =
      '{\r\n\t"certificates": {\r\n\t\t"bank": { "cert": "alice.pem" }\r\n\t},\r\n\t"watch": false\r\n}\r\n';
    await writeFile(at('real.json'), text);
    await chmod(at('real.json'), 0o640);
    await symlink('real.json', at('clientcert.json'));
    await using console = await screen(undefined);
    const { draft, version } = await console.call('state');
    draft.hosts.push(['api.bank.example', { certificate: 'bank', tls: 'TLSv1.2' }]);
    expect(await console.call('save', { draft, version })).toEqual({});
    const saved = await readFile(at('real.json'), 'utf8');
    expect(saved).toMatch(/^\{\r\n\t"certificates"/);
    expect(JSON.parse(saved)).toEqual({
      certificates: { bank: { cert: 'alice.pem' } },
      watch: false,
      hosts: { 'api.bank.example': { certificate: 'bank', tls: 'TLSv1.2' } },
    });
    expect((await stat(at('real.json'))).mode & 0o777).toBe(0o640);
    expect((await readdir(directory)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('begin without a config, add a dropped pair and an old file, and save', async () => {
    const bob = await authority.issue({ name: 'bob', notAfter: inDays(300) });
    await using console = await screen(undefined);
    const { call } = console;
    const { draft, version, exists } = await call('state');
    expect(exists).toBe(false);
    const pair = await call('look', {
      files: [file('bob.crt', bob.fullChain), file('bob.key', bob.encryptedKey(PASSPHRASE))],
    });
    expect(pair.asks).toMatchObject({ what: 'passphrase', file: 'bob.key' });
    const { handle, reports } = await call('look', {
      handle: pair.handle,
      passphrases: { 'bob.key': { passphrase: PASSPHRASE } },
    });
    expect(reports.at(-1)).toMatchObject({ verdict: 'good', file: 'bob.crt + bob.key' });
    const added = await call('add', { handle, index: reports.at(-1).first, name: 'bob' });
    expect(added).toEqual({
      name: 'bob',
      source: { cert: 'bob.crt', key: 'bob.key', passphrase: { env: 'BOB_PASSPHRASE' } },
      written: ['bob.crt', 'bob.key'],
    });
    draft.certificates.push([added.name, added.source]);
    draft.hosts.push(['api.bank.example', 'bob']);
    const { errors, broken } = await call('check', { draft });
    expect(errors).toEqual([]);
    expect(broken).toMatchObject([
      {
        message: expect.stringContaining('BOB_PASSPHRASE'),
        hint: expect.stringMatching(/^Set BOB_PASSPHRASE to the passphrase\./),
      },
    ]);
    expect(await call('save', { draft, version })).toEqual({});
    process.env.BOB_PASSPHRASE = PASSPHRASE;
    try {
      expect((await clientcert('check', console.file)).code).toBe(0);
    } finally {
      delete process.env.BOB_PASSPHRASE;
    }
  });

  it.each([
    [
      'mendix',
      'settings.json',
      JSON.stringify({
        ClientCertificates: 'alice.pfx',
        ClientCertificatePasswords: 'hunter2 x',
        ClientCertificateUsages: '{"api.bank.example": "alice.pfx"}',
      }),
    ],
    [
      'postman',
      'list.json',
      JSON.stringify([
        {
          name: 'alice',
          matches: ['https://api.bank.example/*'],
          pfx: { src: 'alice.pfx' },
          passphrase: 'hunter2 x',
        },
      ]),
    ],
    [
      'playwright',
      'playwright.config.ts',
      "export default { use: { clientCertificates: [{ origin: 'https://api.bank.example', pfxPath: 'alice.pfx', passphrase: 'hunter2 x' }] } };",
    ],
  ])('import the settings of %s', async (tool, name, text) => {
    const held = { ...bank, passphrase: { env: 'ALICE_PASSPHRASE' } };
    await using console = await screen({ certificates: { alice: held }, hosts: { 'old.example': 'alice' } });
    const { imported } = await console.call('look', { files: [file(name, text)] });
    expect(imported).toMatchObject({ tool, variables: ['ALICE_PASSPHRASE'] });
    expect(JSON.stringify(imported)).not.toContain('hunter2');
    const { draft } = await console.call('state');
    const merged = await console.call('merge', { draft, config: imported.config });
    expect(merged.draft.certificates.map(([each]: [string]) => each)).toEqual(['alice', 'alice-2']);
    expect(JSON.stringify(merged.draft.hosts)).toContain('alice-2');
    // What one variable holds opens one of them.
    expect(
      merged.draft.certificates.map(([, { passphrase }]: [string, typeof held]) => passphrase.env),
    ).toEqual(['ALICE_PASSPHRASE', 'ALICE_PASSPHRASE_2']);
    expect(merged.renamed).toEqual([
      'alice-2 reads ALICE_PASSPHRASE_2, as ALICE_PASSPHRASE is of another certificate',
    ]);
    expect((await console.call('check', { draft: merged.draft })).errors).toEqual([]);
  });

  it('add each of several identities of one file, by its fingerprint', async () => {
    const bob = await authority.issue({ name: 'bob', notAfter: inDays(300) });
    await using console = await screen({});
    const first = await console.call('look', {
      files: [file('both.pfx', await writePfx([alice, bob], PASSPHRASE))],
    });
    const { handle, reports } = await console.call('look', {
      handle: first.handle,
      passphrases: { 'both.pfx': { passphrase: PASSPHRASE } },
    });
    expect(reports[0].identities.map(({ subject }: { subject: string }) => subject)).toEqual([
      'CN=alice',
      'CN=bob',
    ]);
    const names = [];
    for (const index of [0, 1]) {
      const read = (pfx: string) => [pfx, { pfx, passphrase: { env: 'BOTH_PASSPHRASE' } }];
      const certificates = [read(index === 0 ? 'other.pfx' : 'both.pfx')];
      const draft = { certificates, hosts: [], services: [] };
      const { name, source } = await console.call('add', { handle, index, draft });
      expect(source).toEqual({
        pfx: 'both.pfx',
        passphrase: { env: index === 0 ? 'BOTH_PASSPHRASE_2' : 'BOTH_PASSPHRASE' },
        alias: [alice, bob][index]!.fingerprint256.replaceAll(':', ''),
      });
      names.push(name);
    }
    expect(names).toEqual(['both', 'both-2']);
    const { name } = await console.call('convert', { handle, index: 1, to: 'crt' });
    expect(name).toBe('both.crt');
  });

  it('ask for the passphrase of each of several files', async () => {
    const bob = await authority.issue({ name: 'bob', notAfter: inDays(300) });
    await using console = await screen({});
    const files = [
      file('alice.pfx', pfx),
      file('bob.pfx', await bob.pfx('another')),
      file('root.pem', authority.certificate),
    ];
    const { handle, asks } = await console.call('look', { files });
    expect(asks).toEqual({ what: 'passphrase', file: 'alice.pfx', wrong: false });
    const passphrases: Record<string, object> = { 'alice.pfx': { passphrase: PASSPHRASE } };
    const second = await console.call('look', { handle, passphrases });
    expect(second.asks).toEqual({ what: 'passphrase', file: 'bob.pfx', wrong: false });
    passphrases['bob.pfx'] = { passphrase: 'another' };
    const last = await console.call('look', { handle, passphrases });
    expect(last.asks).toBeUndefined();
    expect(
      last.reports.map(({ file: name, first }: { file: string; first: number }) => [name, first]),
    ).toEqual([
      ['alice.pfx', 0],
      ['bob.pfx', 1],
      ['root.pem', 2],
    ]);
    expect((await console.call('add', { handle, index: 1 })).source).toEqual({
      pfx: 'bob.pfx',
      passphrase: { env: 'BOB_PASSPHRASE' },
    });
  });

  it('say of other files what they are', async () => {
    await using console = await screen({});
    const look = async (name: string, content: Buffer | string) =>
      (await console.call('look', { files: [file(name, content)] })).reports[0];
    expect(await look('roots.pem', authority.certificate)).toMatchObject({
      identities: [],
      certificates: [{}],
    });
    expect(await look('alice.key', alice.key)).toMatchObject({ keys: [{ encrypted: false }] });
    expect(await look('page.html', '<!doctype html><p>Not found')).toMatchObject({
      verdict: 'unusable',
      error: { code: expect.any(String) },
    });
    expect(await look('empty.pfx', '')).toMatchObject({ error: { code: 'ERR_CLIENTCERT_FILE_EMPTY' } });
    expect(await look('other.json', '{"name": "x"}')).toMatchObject({ verdict: 'unusable' });
  });

  it('try a server step by step, and resume its session the next time', async () => {
    await using server = await startServer({ authority, host: 'localhost' });
    await using console = await screen({
      certificates: { bank },
      hosts: { [new URL(server.url).host]: 'bank' },
    });
    const found = await console.call('try', { url: `${server.url}/accounts`, client: 'node:https' });
    expect(console.told).toEqual([
      { explanation: expect.objectContaining({ rule: expect.stringContaining('localhost') }) },
      { probe: expect.objectContaining({ ok: true }) },
    ]);
    expect(found).toMatchObject({
      answer: { status: 200 },
      handshakes: [{ protocol: 'TLSv1.3', presented: { name: 'bank' }, resumed: false }],
    });
    expect(server.requests.at(-1)).toMatchObject({
      path: '/accounts',
      clientCertificate: { commonName: 'alice' },
    });
    const again = await console.call('try', { url: server.url, client: 'node:https', probe: false });
    expect(again.handshakes[0].resumed).toBe(true);
  });

  it('end a try where the page waits no longer, whatever the server does', async () => {
    await using server = await startServer({
      authority,
      handler: (_, { socket }) => {
        socket!.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: theirs\r\n\r\n');
      },
    });
    await using credentials = await loadCredentials({
      certificates: { bank: { cert: at('alice.pem'), ca: at('root.pem') } },
      hosts: { [new URL(server.url).host]: 'bank' },
    });
    const input = new Input({ url: server.url, client: 'node:https', probe: false });
    const tried = tryOut(input, credentials, () => {}, AbortSignal.timeout(500));
    expect(await tried).toMatchObject({ error: expect.stringContaining('timeout') });
  });

  it('say why a server refused, and send no certificate where no rule maps one', async () => {
    const other = await createAuthority({ name: 'Other Authority' });
    await using server = await startServer({ authority: other, host: 'localhost' });
    await writeFile(at('root.pem'), other.certificate);
    const host = new URL(server.url).host;
    await using console = await screen({ certificates: { bank }, hosts: { [host]: 'bank' } });
    const refused = await console.call('try', { url: server.url, client: 'node:https' });
    expect(refused).toMatchObject({
      error: expect.any(String),
      diagnosis: { code: 'ISSUER_NOT_TRUSTED_BY_SERVER' },
    });
    await using none = await screen({ certificates: { bank }, hosts: { [host]: { ca: 'root.pem' } } });
    const bare = await none.call('try', { url: server.url, client: 'node:https', probe: false });
    expect(bare).toMatchObject({
      handshakes: [{ presented: null }],
      diagnosis: { code: 'NO_CLIENT_CERTIFICATE_SENT' },
    });
    expect(server.requests).toEqual([]);
    for (const url of ['http://x', 'https://a:b@x', 'file:///etc/passwd', ''])
      expect((await console.call('try', { url, client: 'node:https' })).errors).toHaveLength(1);
    expect((await console.call('try', { url: server.url, client: 'constructor' })).errors).toHaveLength(1);
  });
});

describe('clientcert console', () => {
  it('refuses a port that is none, before anything is begun', async () => {
    for (const port of ['0', '65536', 'x', '-1', '80.5']) {
      const { code, err } = await clientcert('console', '--port', port);
      expect([code, err]).toEqual([1, expect.stringContaining('--port takes a number')]);
    }
  });
});
