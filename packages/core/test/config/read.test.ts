import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { assert as check, json, property } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkConfig } from '../../src/config/check.ts';
import { fromEnvironment } from '../../src/config/environment.ts';
import { findJsonMistake } from '../../src/config/json.ts';
import { readConfig } from '../../src/config/read.ts';
import { type Config, loadCredentials } from '../../src/index.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-config-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function write(content: string | Buffer, name = 'clientcert.json'): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

const text = '{"certificates": {"bank": {"pfx": "bank.pfx"}}}';

describe('readConfig', () => {
  it('reads a path, a file: URL, the text of one, and the file that CLIENTCERT_CONFIG names', async () => {
    const path = await write(text);
    const expected = { config: JSON.parse(text), baseDirectory: directory, path };
    expect(await readConfig(path, {})).toEqual(expected);
    expect(await readConfig(pathToFileURL(path), {})).toEqual(expected);
    expect(await readConfig(pathToFileURL(path).href, {})).toEqual(expected);
    expect(await readConfig(undefined, { named: path })).toEqual(expected);
  });

  it('hands an object on, relative to the working directory', async () => {
    const config = { certificates: {} };
    expect(await readConfig(config, { named: 'nowhere.json' })).toEqual({
      config,
      baseDirectory: process.cwd(),
      path: undefined,
    });
  });

  it.each([
    ['a byte order mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16', Buffer.from(`\ufeff${text}`, 'utf16le')],
  ])('reads a file with %s', async (_, content) => {
    expect((await readConfig(await write(content), {})).config).toEqual(JSON.parse(text));
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['nothing is named', () => readConfig(undefined, {}), 'CONFIG_NOT_FOUND'],
    ['the variable is empty', () => readConfig(undefined, { named: '' }), 'CONFIG_NOT_FOUND'],
    ['there is no file', () => readConfig(join(directory, 'no.json'), {}), 'CONFIG_NOT_FOUND'],
    ['it is on the network', () => readConfig(new URL('https://a.example/c.json'), {}), 'CONFIG_NOT_FOUND'],
    ['it is a directory', () => readConfig(directory, {}), 'FILE_UNREADABLE'],
    [
      'it is a certificate',
      async () => readConfig(await write(Buffer.from([0x30, 0x82, 0xff])), {}),
      'CONFIG_INVALID',
    ],
    ['it is empty', async () => readConfig(await write(''), {}), 'CONFIG_INVALID'],
  ])('fails where %s', async (_, read, code) => {
    await mkdir(directory, { recursive: true });
    await expect(read()).rejects.toMatchObject({
      name: 'ClientCertificateError',
      code: `ERR_CLIENTCERT_${code}`,
      hint: expect.any(String),
    });
  });

  it.skipIf(!existsSync('/proc/self/pagemap'))(
    'a file that says it is empty, and never ends, is too large',
    async () => {
      await expect(readConfig('/proc/self/pagemap', {})).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_FILE_UNREADABLE',
        message: expect.stringContaining('larger than 16 MiB'),
      });
    },
  );

  it.each([
    ['{"a": 1,}', 'line 1, column 8: there is a comma before the end'],
    ['{\n  // note\n  "a": 1\n}', 'line 2, column 3: JSON has no comments'],
    ["{'a': 1}", 'line 1, column 2: JSON has double quotes only'],
    ['{"a": 1\r\n "b": 2}', 'line 2, column 2: a comma or "}" should stand here'],
    ['{"a" 1}', 'line 1, column 6: a colon after the key should stand here'],
    ['{"a": "D:\\App"}', 'line 1, column 7: the string'],
    ['{"a": 1', 'line 1, column 8: the text ends'],
    ['{"a": 1} x', 'line 1, column 10: something follows'],
    ['{"a": 1, "b": 2, "a": 3}', 'line 1, column 18: the key "a" is written twice'],
    ['{"passphrase": "hunter2" "x"}', 'line 1, column 26'],
    ['{"passphrase": hunter2}', 'line 1, column 16'],
    ['{"passphrase": "hunter2}', 'line 1, column 16'],
    [`${'['.repeat(200)}${']'.repeat(200)}`, 'line 1, column 101: this is nested too deeply'],
  ])('says where %j is wrong', async (content, place) => {
    const path = await write(content);
    const error = await readConfig(path, {}).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'ERR_CLIENTCERT_CONFIG_INVALID',
      message: expect.stringContaining(place),
      issues: [{ path: [], message: expect.stringContaining(place) }],
    });
    expect((error as Error).message).toContain(path);
    expect(inspect(error)).not.toContain('hunter2');
  });

  it('names the file in the report of what is wrong in it', async () => {
    const { config, ...options } = await readConfig(await write('{"hosts": {"*": "bank"}}'), {});
    await expect(checkConfig(config, options)).rejects.toThrow(options.path!);
  });
});

describe('findJsonMistake', () => {
  it('finds none in JSON', () => {
    check(property(json(), (value) => findJsonMistake(value) === undefined));
    expect(findJsonMistake('{"a\\u0000": ["\u2028", "\x7f", -0.5e+10, true, false, null]}')).toBeUndefined();
  });

  it('agrees with JSON.parse about texts that are cut or changed', () => {
    const sample = '{"a": [1, -2.5e3, "x\\n", true, null, {"b": {}}], "c": []}';
    for (let index = 0; index < sample.length; index++) {
      for (const change of ['', '"', ',', '}', 'x', '\\', '0', ' ']) {
        const changed = sample.slice(0, index) + change + sample.slice(index + 1);
        let valid = true;
        try {
          JSON.parse(changed);
        } catch {
          valid = false;
        }
        const message = findJsonMistake(changed)?.message;
        expect([changed, message === undefined || message.includes('written twice')]).toEqual([
          changed,
          valid,
        ]);
      }
    }
  });
});

describe('fromEnvironment', () => {
  const env = {
    CLIENTCERT_PFX: 'bank.pfx',
    CLIENTCERT_PASSPHRASE: 'hunter2',
    CLIENTCERT_HOST: 'api.bank.example',
  };

  it('pins one certificate to the hosts that are named', async () => {
    const config = fromEnvironment({ ...env, CLIENTCERT_HOST: 'api.bank.example, *.tax.example:8443' });
    expect(config.hosts).toEqual({ 'api.bank.example': 'client', '*.tax.example:8443': 'client' });
    expect((await checkConfig(config)).certificates.get('client')).toMatchObject({ pfx: 'bank.pfx' });
  });

  it('keeps the passphrase out of sight', () => {
    const config = fromEnvironment(env);
    expect(inspect(config, { depth: 12, showHidden: true }) + JSON.stringify(config)).not.toContain(
      'hunter2',
    );
    const { passphrase } = config.certificates!.client as { passphrase: () => string };
    expect(passphrase()).toBe('hunter2');
  });

  it('takes the base64 of a file', () => {
    const bytes = Buffer.concat([Buffer.from([0x30, 0x82, 0x04, 0x00]), Buffer.alloc(1024, 7)]);
    const config = fromEnvironment({ ...env, CLIENTCERT_PFX: bytes.toString('base64') });
    expect(config.certificates!.client).toMatchObject({ pfx: bytes });
  });

  it.each(['CLIENTCERT_PFX', 'CLIENTCERT_HOST'])('fails without %s', (name) => {
    expect(() => fromEnvironment({ ...env, [name]: '' })).toThrow(
      expect.objectContaining({ code: 'ERR_CLIENTCERT_CONFIG_INVALID', message: `${name} is not set` }),
    );
  });
});

describe('attack: secrets that show', () => {
  it('an object that fails whatever it is asked is no config, and what it says is not repeated', async () => {
    const fail = () => {
      throw new Error('hunter2');
    };
    const traps = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor'];
    const config = new Proxy({}, Object.fromEntries(traps.map((trap) => [trap, fail])));
    const failure: unknown = await loadCredentials(config).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ERR_CLIENTCERT_CONFIG_INVALID' });
    expect((failure as Error).message).not.toContain('hunter2');
  });

  it('a key that is written twice is told of only where it can be one', () => {
    const secret = 'hunter2-correct-horse-battery-staple-3f9a8b7c6d5e4f3a2b1c';
    for (const key of [`https://me:${secret}@bank.example`, `-----BEGIN PRIVATE KEY-----${secret}`]) {
      const { message } = findJsonMistake(
        JSON.stringify({ key: 1 })
          .replaceAll('key', key)
          .replace('}', `,${JSON.stringify(key)}:2}`),
      )!;
      expect(message).toContain('written twice');
      expect(message).not.toContain(secret);
    }
    const long = JSON.stringify('k'.repeat(1_000_000));
    expect(findJsonMistake(`{${long}:1,${long}:2}`)!.message.length).toBeLessThan(200);
  });
});

describe('attack: files that stop the process', () => {
  it('what is nested without end is not parsed', async () => {
    const path = await write('['.repeat(1_000_000), 'deep.json');
    const parse = vi.spyOn(JSON, 'parse');
    try {
      await expect(readConfig(path, {})).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CONFIG_INVALID' });
      expect(parse).not.toHaveBeenCalled();
    } finally {
      parse.mockRestore();
    }
  });

  it.each<[string, (name: string) => Config]>([
    ['a host', (name) => ({ hosts: { [name]: false } })],
    ['a wildcard', (name) => ({ hosts: { [`*.${name}.example`]: false } })],
    ['a URL in place of a host', (name) => ({ hosts: { [`https://${name}.example`]: false } })],
    ['the host of a service', (name) => ({ services: { S: { certificate: false, hosts: [name] } } })],
    ['a servername', (name) => ({ hosts: { 'a.example': { servername: name } } })],
    ['a proxy', (name) => ({ proxy: `http://${name}.example:3128` })],
    ['a file: URL', (name) => ({ certificates: { a: { cert: `file://${name}/a.pem` } } })],
  ])('%s with so many characters that Node 20 would take seconds to write it in ASCII', async (_, make) => {
    const name = Array.from({ length: 60_000 }, (_, at) =>
      String.fromCodePoint(0x4e00 + ((at * 7919) % 20_000)),
    );
    await loadCredentials({}).then((credentials) => credentials.close());
    const before = process.cpuUsage();
    await expect(loadCredentials(make(name.join('')))).rejects.toMatchObject({
      code: expect.stringMatching(/_(CONFIG|HOST)_INVALID$/),
      hint: expect.any(String),
    });
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
  });
});
