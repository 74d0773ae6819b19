import { execFile } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { unifiedDiff } from '../src/migrate/diff.ts';
import { Edits } from '../src/migrate/edits.ts';
import { makePlan } from '../src/migrate/plan.ts';
import { replaceAll } from '../src/migrate/write.ts';
import { PROGRAMS } from './migrate-programs.ts';
import { clientcert, json } from './run.ts';

let root: string;
let directory: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'clientcert-migrate-'));
});
beforeEach(async () => {
  count += 1;
  directory = join(root, String(count));
  await mkdir(directory);
  return () => vi.restoreAllMocks();
});
afterAll(() => rm(root, { recursive: true, force: true }));

const read = (name: string) => readFile(join(directory, name), 'utf8');
const git = (...args: string[]) =>
  promisify(execFile)('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.example', ...args], {
    cwd: directory,
  });

async function save(files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
}

/** The command, run where the files are. */
async function migrate(...args: string[]) {
  vi.spyOn(process, 'cwd').mockReturnValue(directory);
  return await clientcert('migrate', ...args);
}

/** What it says of one file, and what that becomes. */
async function plan(text: string, { name = 'program.mjs', hosts = [] as string[] } = {}) {
  await save({ [name]: text });
  const planned = await makePlan({ paths: [name], config: 'clientcert.json', hosts, from: directory });
  const after = planned.changes[0]?.after;
  return { ...planned, after, written: planned.config && JSON.parse(planned.config.after) };
}

const reasons = ({ left }: Awaited<ReturnType<typeof plan>>) =>
  left.map(({ line, reason }) => `${line}: ${reason}`);

const head = `import { readFileSync } from 'node:fs';
import https from 'node:https';
import axios from 'axios';
`;
const PFX = "pfx: readFileSync('bank.pfx')";
const agent = (options: string) => `${head}const httpsAgent = new https.Agent({ ${options} });
export const api = axios.create({ baseURL: 'https://api.bank.example', httpsAgent });
`;

describe('what is left as it is, and why', () => {
  it.each([
    ['a server that is not verified', agent(`${PFX}, rejectUnauthorized: false`), /no server is verified/],
    [
      'verification that depends',
      agent(`${PFX}, rejectUnauthorized: process.env.CI !== 'yes'`),
      /no server is verified/,
    ],
    ['a computed path', agent('pfx: readFileSync(process.argv[2])'), /the path of the PFX is computed/],
    [
      'a path from the environment',
      agent('pfx: readFileSync(process.env.PFX_FILE)'),
      /environment variable PFX_FILE/,
    ],
    [
      'a path that goes on in what is computed',
      agent("pfx: readFileSync('certs/' + name)"),
      /path of the PFX is computed/,
    ],
    ['a computed PFX', agent('pfx: await vault.read()'), /the PFX is computed/],
    ['a computed passphrase', agent(`${PFX}, passphrase: secrets.get('bank')`), /passphrase is computed/],
    [
      'a passphrase with another one instead',
      agent(`${PFX}, passphrase: process.env.P ?? 'hunter2'`),
      /passphrase is computed/,
    ],
    [
      'a key in the code',
      agent("cert: readFileSync('a.crt'), key: '-----BEGIN PRIVATE KEY-----x'"),
      /the key is written in the code/,
    ],
    ['a key alone', agent("key: readFileSync('a.key')"), /a key and no certificate/],
    ['options from elsewhere', agent(`${PFX}, ...more`), /put together from others/],
    [
      'options that are used twice',
      `${head}const o = { ${PFX}, host: 'a.example' };\no.agent = new https.Agent(o);\nhttps.get(o);`,
      /used elsewhere/,
    ],
    [
      'options that go on from others',
      `${head}const tls = { ${PFX} };\nuse(new https.Agent({ ...tls, keepAlive: true }));`,
      /put together/,
    ],
    ['several in a list', agent("pfx: [readFileSync('a.pfx'), readFileSync('b.pfx')]"), /a list of several/],
    [
      'a list with passphrases',
      agent("pfx: [{ buf: readFileSync('a.pfx'), passphrase: 'hunter2' }]"),
      /an object with a passphrase/,
    ],
    ['a cipher', agent(`${PFX}, ciphers: 'AES128-SHA'`), /no place for its option "ciphers"/],
    ['a check of its own', agent(`${PFX}, checkServerIdentity: () => undefined`), /"checkServerIdentity"/],
    ['a version that is computed', agent(`${PFX}, minVersion: lowest`), /TLS version is computed/],
    [
      'an agent that other files use',
      `${head}export const agent = new https.Agent({ ${PFX} });\naxios.get('https://api.bank.example', { httpsAgent: agent });`,
      /does not say which hosts/,
    ],
    ['an agent that is handed on', `${head}use(new https.Agent({ ${PFX} }));`, /does not say which hosts/],
    [
      'an agent for a computed address',
      `${head}const agent = new https.Agent({ ${PFX} });\nhttps.get(address, { agent });`,
      /does not say which hosts/,
    ],
    [
      'a host that goes on in what is computed',
      `${head}https.get(\`https://api.\${domain}/x\`, { ${PFX} });`,
      /does not say which hosts/,
    ],
    [
      'an instance without a name',
      `${head}use(axios.create({ httpsAgent: new https.Agent({ ${PFX} }) }));`,
      /has no name/,
    ],
    [
      'every call of axios',
      `${head}axios.defaults.httpsAgent = new https.Agent({ ${PFX} });`,
      /does not say which hosts/,
    ],
    [
      'a request with an agent beside the certificate',
      `${head}https.get({ host: 'a.example', agent: false, ${PFX} });`,
      /agent of its own beside/,
    ],
    [
      'a Pool of undici',
      `import { readFileSync } from 'fs';\nimport { Pool } from 'undici';\nnew Pool('https://a.example', { connect: { ${PFX} } });`,
      /a Pool of undici/,
    ],
    [
      'a global dispatcher',
      `import { readFileSync } from 'fs';\nimport { Agent, setGlobalDispatcher } from 'undici';\nsetGlobalDispatcher(new Agent({ connect: { ${PFX} } }));`,
      /does not say which hosts/,
    ],
  ])('%s', async (_, text, reason) => {
    const planned = await plan(text);
    expect(new Set(reasons(planned).map((each) => each.replace(/^\d+: /, '')))).toEqual(
      new Set([expect.stringMatching(reason)]),
    );
    expect([planned.changes, planned.config]).toEqual([[], undefined]);
    expect(JSON.stringify(planned.left)).not.toContain('hunter2');
  });

  it.each([
    [
      'an agent in CommonJS outside of async functions',
      `const fs = require('fs'); const https = require('https');
https.get({ host: 'a.example', agent: new https.Agent({ pfx: fs.readFileSync('a.pfx') }) });`,
      /nothing can be awaited/,
    ],
    [
      'a request in a function that is not async',
      `const fs = require('fs'); const https = require('https');
module.exports = () => https.get({ host: 'a.example', pfx: fs.readFileSync('a.pfx') });`,
      /nothing can be awaited/,
    ],
    [
      'got 11',
      `const fs = require('fs'); const got = require('got');
got('https://a.example', { https: { pfx: fs.readFileSync('a.pfx') } });`,
      /got 11 or older/,
    ],
    [
      'axios in a function',
      `const fs = require('fs'); const https = require('https');
exports.f = () => { const axios = require('axios'); return axios.get('https://a.example', { httpsAgent: new https.Agent({ pfx: fs.readFileSync('a.pfx') }) }); };`,
      /required inside a function/,
    ],
  ])('%s', async (_, text, reason) => {
    expect(reasons(await plan(text, { name: 'program.cjs' }))).toEqual([expect.stringMatching(reason)]);
  });

  const BY_HAND: readonly (readonly [what: string, text: string])[] = [
    ['tls', `import tls from 'node:tls';\ntls.connect({ host: 'a.example', ${PFX} });`],
    [
      'tls, in PEM',
      "import tls from 'tls';\nconst options = { cert, key };\ntls.connect(443, 'a.example', options);",
    ],
    [
      'the global agent',
      `import https from 'node:https';\nhttps.globalAgent.options.pfx = readFileSync('bank.pfx');`,
    ],
    ['request', `import request from 'request';\nrequest.get({ url, agentOptions: { ${PFX} } });`],
    ['superagent', `import agent from 'superagent';\nagent.get(url).pfx({ ${PFX}, passphrase: 'hunter2' });`],
    ['superagent, in PEM', "import agent from 'superagent';\nagent.get(url).key(key).cert(cert);"],
    [
      'a WSDL',
      `import soap from 'soap';\nsoap.createClientAsync(url, { wsdl_options: { ${PFX}, passphrase: 'hunter2' } });`,
    ],
    ['a module of nobody known', `import client from './client.js';\nclient.setUp({ ${PFX} });`],
  ];
  it.each(BY_HAND)('what nothing here takes is told: %s', async (_, text) => {
    const planned = await plan(text);
    expect(reasons(planned)).toEqual([expect.stringMatching(/^[23]: nothing that migrate knows takes/)]);
    expect(JSON.stringify(planned.left)).not.toContain('hunter2');
    expect((await migrate()).code).toBe(2);
    // It is no reason to leave the rest of the file.
    const [first, ...rest] = text.split('\n');
    const both = `import { get } from 'node:https';\n${first}\nget('https://a.example', { ${PFX} });\n${rest.join('\n')}`;
    const mixed = await plan(`import { readFileSync } from 'node:fs';\n${both}`);
    expect(mixed.changes).toHaveLength(1);
    expect(reasons(mixed)).toEqual([expect.stringMatching(/nothing that migrate knows takes/)]);
  });

  it.each([
    [
      'a server',
      `import { createServer } from 'https';\nconst options = { ${PFX} };\ncreateServer(options, app).listen(443);`,
    ],
    ['a framework', "import https from 'https';\nconst app = fastify({ https: { key, cert } });"],
    [
      'ours',
      `import { loadCredentials } from '@clientcert/core';\nawait loadCredentials({ certificates: { a: { pfx: 'a.pfx' } } });`,
    ],
    [
      'a source of ours',
      `import { createAuthority } from '@clientcert/testing';\nconst made = await alice.pfx('hunter2');\nconst certificates = { a: { pfx: made } };\nexport const read = async () => ({ pfx: made });`,
    ],
    ['a key by itself', "import tls from 'tls';\ncrypto.createPrivateKey({ key, passphrase: 'hunter2' });"],
  ])('%s is none that a client presents', async (_, text) => {
    expect((await plan(text)).left).toEqual([]);
  });

  it('changes a file whole, or not at all', async () => {
    const planned = await plan(`${head}
https.get('https://a.example', { ${PFX} });
https.get('https://b.example', { ${PFX}, rejectUnauthorized: false });
`);
    expect(reasons(planned)).toEqual([
      '6: no server is verified (rejectUnauthorized)',
      '5: it could change, if line 6 could: a file changes whole',
    ]);
    expect(planned.changes).toEqual([]);
  });

  it('takes what --host says, where the code says nothing', async () => {
    const text = `${head}use(new https.Agent({ ${PFX}, maxSockets: 3 }));\n`;
    const planned = await plan(text, { hosts: ['api.bank.example', 'b.example:8443'] });
    expect(planned.after).toContain('use(credentials.agent({ maxSockets: 3 }));');
    expect(planned.written.hosts).toEqual({ 'api.bank.example': 'bank', 'b.example:8443': 'bank' });
    expect((await plan(text)).changes).toEqual([]);
  });
});

describe('the config', () => {
  it('has what is called as nothing should be', async () => {
    const planned = await plan(
      `${head}https.get('https://__proto__/x', { pfx: readFileSync('__proto__.pfx') });`,
    );
    const { certificates, hosts } = planned.written;
    expect([Object.entries(certificates), Object.entries(hosts)]).toEqual([
      [['__proto__', { pfx: '__proto__.pfx' }]],
      [['__proto__', '__proto__']],
    ]);
  });

  it('takes hosts from the command line alone that a rule may name', async () => {
    await save({ 'a.mjs': `${head}use(new https.Agent({ ${PFX} }));` });
    for (const host of ['https://a.example', 'a.example/x', 'a b', '', 'me@a.example']) {
      const { code, err } = await migrate('--host', host);
      expect([host, code, err]).toEqual([host, 1, expect.stringContaining('--host takes a host')]);
    }
    for (const host of ['a.example:8443', '*.a.example', 'a.example:*', '[::1]:443'])
      expect([host, (await migrate('--host', host)).code]).toEqual([host, 0]);
  });

  it('is not written through a symbolic link', async () => {
    await save({ 'a.mjs': agent(PFX), 'elsewhere.json': '{}' });
    await symlink(join(directory, 'elsewhere.json'), join(directory, 'clientcert.json'));
    const { code, err } = await migrate('--write', '--force');
    expect([code, err]).toEqual([1, expect.stringContaining('clientcert.json is a symbolic link')]);
    expect(await read('elsewhere.json')).toBe('{}');
  });

  it('names files as the program finds them, and says what TLS is to be', async () => {
    const planned = await plan(
      `import fs, { readFileSync } from 'fs';
import https from 'https';
import path from 'path';
import axios from 'axios';

const folder = path.join(import.meta.dirname, '..', 'certs');
const api = axios.create({
  baseURL: 'https://API.bank.example:8443/v1',
  httpsAgent: new https.Agent({
    // the one of 2026
    cert: [readFileSync(path.join(folder, 'tax office.crt')), fs.readFileSync(\`\${folder}/chain.pem\`)],
    key: readFileSync(folder + '/tax.key', 'utf8'), // secret
    ca: Buffer.from(process.env.ROOT, 'base64'),
    passphrase: fs.readFileSync('/run/secrets/tax', 'utf8').trim(),
    minVersion: 'TLSv1',
    servername: 'inner.example',
  }),
});
`,
      { name: 'src/tax.mjs' },
    );
    expect(planned.written).toEqual({
      certificates: {
        'tax-office': {
          cert: ['certs/tax office.crt', 'certs/chain.pem'],
          key: 'certs/tax.key',
          passphrase: { file: '/run/secrets/tax' },
          ca: { env: 'ROOT' },
          trust: 'only',
        },
      },
      hosts: {
        'api.bank.example:8443': {
          certificate: 'tax-office',
          tls: { min: 'TLSv1', legacy: true },
          servername: 'inner.example',
        },
      },
    });
    expect(planned.after).toBe(`import { clientCertificates, loadCredentials } from '@clientcert/axios';
import axios from 'axios';

const credentials = await loadCredentials(new URL('../clientcert.json', import.meta.url));
const api = axios.create({
  baseURL: 'https://API.bank.example:8443/v1',
});
clientCertificates(api, credentials);
`);
  });

  it('keeps what is there, shares what is the same, and gives a second certificate of a host a service', async () => {
    await save({
      'clientcert.json': JSON.stringify({
        certificates: { bank: { pfx: 'bank.pfx' }, old: { pfx: 'old.pfx' } },
        hosts: { 'a.example': 'bank', 'old.example': { certificate: 'old', tls: 'TLSv1.2' } },
        proxy: 'env',
      }),
      'src/one.mjs': `${head}https.get('https://a.example', { ${PFX} });`,
      'src/three.mjs': `${head}https.get('https://b.example', { ${PFX} });`,
      'src/two.mjs': `import { readFileSync } from 'fs';
import got from 'got';
await got('https://a.example/x', { https: { pfx: readFileSync('other.pfx') } });
`,
    });
    const planned = await makePlan({ paths: ['src'], config: 'clientcert.json', hosts: [], from: directory });
    expect(JSON.parse(planned.config!.after)).toEqual({
      certificates: { bank: { pfx: 'bank.pfx' }, old: { pfx: 'old.pfx' }, other: { pfx: 'other.pfx' } },
      hosts: {
        'a.example': 'bank',
        'old.example': { certificate: 'old', tls: 'TLSv1.2' },
        'b.example': 'bank',
      },
      proxy: 'env',
      services: { other: { certificate: 'other', hosts: ['a.example'] } },
    });
    expect(planned.changes.map(({ file }) => file)).toEqual(['src/one.mjs', 'src/three.mjs', 'src/two.mjs']);
    expect(planned.changes[2]!.after).toContain("clientCertificates(credentials, { service: 'other' })");
    expect(planned.packages).toEqual(['@clientcert/core', '@clientcert/got']);
  });

  it('says what is no config, and repeats nothing of it', async () => {
    await save({ 'clientcert.json': '{ "hunter2', 'a.mjs': agent(PFX) });
    const { code, err } = await migrate();
    expect([code, err]).toEqual([1, expect.stringContaining('clientcert.json is no config in JSON')]);
    expect(err).not.toContain('hunter2');
  });
});

describe('what code becomes', () => {
  it('leaves a name alone that is another', async () => {
    const planned = await plan(`import { readFileSync } from 'fs';
import https from 'https';

const credentials = 'taken';
function other(https) {
  return new https.Agent({ pfx: readFileSync('no.pfx') });
}
const agent = credentials;
https.get({ hostname: 'a.example', pfx: readFileSync('a.pfx'), headers: { agent } }, other);
`);
    expect(planned.after).toBe(`import { readFileSync } from 'fs';
import { loadCredentials } from '@clientcert/core';
import https from 'https';

const credentials = 'taken';
function other(https) {
  return new https.Agent({ pfx: readFileSync('no.pfx') });
}
const agent = credentials;
const clientCredentials = await loadCredentials('clientcert.json');
const httpsAgent = clientCredentials.agent();
https.get({ hostname: 'a.example', agent: httpsAgent, headers: { agent } }, other);
`);
  });

  it('keeps to how the file is laid out: quotes, semicolons, line ends, comments, a hashbang', async () => {
    const planned = await plan(
      `#!/usr/bin/env node
// What this program is for
import { readFileSync as read } from "fs"
import https from "https"
import got from "got"

/* kept */
const api = got.extend({
  retry: { limit: 0 }, // never again
  https: { pfx: read("a.pfx"), passphrase: "" }
})
api("https://a.example") // and this
`.replaceAll('\n', '\r\n'),
    );
    expect(planned.after).toBe(
      `#!/usr/bin/env node
// What this program is for
import https from "https"
import { clientCertificates, loadCredentials } from "@clientcert/got"
import got from "got"

const credentials = await loadCredentials("clientcert.json")
/* kept */
const api = got.extend(clientCertificates(credentials), {
  retry: { limit: 0 } // never again
})
api("https://a.example") // and this
`.replaceAll('\n', '\r\n'),
    );
    expect(planned.written.certificates).toEqual({ a: { pfx: 'a.pfx' } });
  });

  it('keeps a head of several lines, which is about the file', async () => {
    const text = `// Copyright\n// of somebody\nimport { readFileSync } from 'fs';\nimport https from 'https';\nhttps.get('https://a.example', { ${PFX} });\n`;
    expect((await plan(text)).after).toMatch(/^\/\/ Copyright\n\/\/ of somebody\nimport \{ loadCredentials/);
  });

  it('loads nothing before what sets the environment up, and everything before what is called', async () => {
    const planned = await plan(
      `const fs = require('fs');
const https = require('https');
const axios = require('axios');
require('dotenv').config();

main();

async function main() {
  await axios.get('https://a.example', { httpsAgent: new https.Agent({ pfx: fs.readFileSync('a.pfx') }) });
}
`,
      { name: 'program.js' },
    );
    expect(planned.after).toBe(`const { clientCertificates, loadCredentials } = require('@clientcert/axios');
const axios = require('axios');
require('dotenv').config();

const credentials = loadCredentials('clientcert.json');
clientCertificates(axios, credentials);
main();

async function main() {
  await axios.get('https://a.example');
}
`);
  });

  it('uses what the file imports of ours already', async () => {
    const planned = await plan(`import { loadCredentials } from '@clientcert/core';
import https from 'https';
import { readFileSync } from 'fs';
https.get('https://a.example', { pfx: readFileSync('a.pfx') });
loadCredentials('other.json');
`);
    expect(planned.after).toBe(`import { loadCredentials } from '@clientcert/core';
import https from 'https';
const credentials = await loadCredentials('clientcert.json');
const agent = credentials.agent();
https.get('https://a.example', { agent });
loadCredentials('other.json');
`);
  });

  it.each(Object.entries(PROGRAMS))('finds nothing more in %s afterwards', async (name, text) => {
    const hosts = ['api.bank.example'];
    const first = await plan(text, { name, hosts });
    expect(first.left).toEqual([]);
    await replaceAll([...first.changes, first.config!], true, directory);
    expect(await plan(first.after!, { name, hosts })).toMatchObject({
      changes: [],
      left: [],
      skipped: [],
      config: undefined,
    });
  });
});

describe('secrets', () => {
  const text = `${head}
const pass = 'hunter2-hunter2';
const soapPass = "it's"; // hunter2-hunter2, as everywhere
const httpsAgent = new https.Agent({ ${PFX}, passphrase: pass });
export const api = axios.create({ baseURL: 'https://a.example', auth: { password: 'pw7' }, httpsAgent });
`;

  it('are neither copied nor printed, and have to be moved', async () => {
    await save({ 'a.mjs': text });
    const [shown, planned] = [await migrate('a.mjs'), await json('migrate', 'a.mjs')];
    for (const output of [shown.out + shown.err, JSON.stringify(planned)]) {
      expect(output).not.toMatch(/hunter2|pw7/);
      expect(output).toContain('BANK_PASSPHRASE');
    }
    expect(planned.variables).toEqual(['BANK_PASSPHRASE']);
    await migrate('a.mjs', '--write', '--force');
    expect(JSON.parse(await read('clientcert.json')).certificates).toEqual({
      bank: { pfx: 'bank.pfx', passphrase: { env: 'BANK_PASSPHRASE' } },
    });
    expect(await read('a.mjs')).not.toContain("pass = 'hunter2");
  });

  it('are not in what is said of a file that does not parse', async () => {
    await save({
      'a.mjs': `${text}\nconst x = hunter2hunter2 hunter2;`,
      'b.ts': `import 'https';\nlet key = 'hunter2`,
    });
    const { code, out, err } = await migrate();
    expect(code).toBe(2);
    expect(out + err).not.toContain('hunter2');
    expect(out).toMatch(/a\.mjs:10: it could not be parsed[\s\S]*b\.ts:2: it could not be parsed/);
  });
});

describe('files', () => {
  const program = agent(PFX);

  it('are changed with --write alone, where git has them as they stand', async () => {
    await git('init', '-q');
    await save({ 'a.mjs': program, 'b.mjs': program, '.gitignore': 'ignored\n', 'ignored/c.mjs': program });
    await git('add', '.');
    await git('commit', '-qm', 'before');
    expect((await migrate()).code).toBe(0);
    expect((await git('status', '--porcelain')).stdout).toBe('');

    await writeFile(join(directory, 'b.mjs'), `${program}// mine\n`);
    const refused = await migrate('--write');
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/not committed[\s\S]*b\.mjs[\s\S]*--force/);
    expect(refused.err).not.toContain('a.mjs');
    expect((await git('status', '--porcelain')).stdout).toBe(' M b.mjs\n');

    await chmod(join(directory, 'a.mjs'), 0o750);
    await git('commit', '-qam', 'mine');
    expect((await migrate('--write')).code).toBe(0);
    expect((await git('status', '--porcelain')).stdout).toBe(' M a.mjs\n M b.mjs\n?? clientcert.json\n');
    expect((await stat(join(directory, 'a.mjs'))).mode & 0o777).toBe(0o750);
    expect(await read('b.mjs')).toContain('// mine');
    expect(await read('ignored/c.mjs')).toBe(program);
    expect((await migrate()).out).toContain('no certificate is wired by hand');
  });

  it('outside of git are changed with --force alone', async () => {
    await save({ 'a.mjs': program });
    vi.stubEnv('GIT_CEILING_DIRECTORIES', root);
    expect((await migrate('--write')).code).toBe(1);
    expect([await read('a.mjs'), await readdir(directory)]).toEqual([program, ['a.mjs']]);
    expect((await migrate('--write', '--force')).code).toBe(0);
    expect(await readdir(directory)).toEqual(['a.mjs', 'clientcert.json']);
    vi.unstubAllEnvs();
  });

  it('of others, links, and what no person wrote are left alone', async () => {
    const large = `${program}// ${'x'.repeat(1_000_000)}`;
    await save({
      'node_modules/x/a.mjs': program,
      'dist/a.mjs': program,
      'types.d.ts': program,
      'a.txt': program,
      'large.js': large,
    });
    await save({ [`../elsewhere-${count}/a.mjs`]: program });
    await symlink(join(root, `elsewhere-${count}`), join(directory, 'linked'));
    await symlink(join(root, `elsewhere-${count}`, 'a.mjs'), join(directory, 'linked.mjs'));
    await writeFile(join(directory, 'latin.js'), Buffer.from(`${program}// \xe4`, 'latin1'));
    const { code, out } = await migrate('--write', '--force');
    expect(code).toBe(2);
    expect(out).toMatch(/large\.js: it is larger than 1 MB/);
    expect(out).toMatch(/latin\.js: it is not UTF-8/);
    expect(out).not.toMatch(/linked|node_modules|dist|types|a\.txt/);
    expect(await readFile(join(root, `elsewhere-${count}`, 'a.mjs'), 'utf8')).toBe(program);
    expect((await migrate('linked.mjs')).err).toContain('is a symbolic link');
    expect((await migrate('nowhere/src')).err).toContain('nowhere/src is not there');
  });

  it('are written all or none', async () => {
    await save({ 'a.mjs': program, 'sub/b.mjs': program });
    const at = (name: string) => join(directory, name);
    const files = [
      { path: at('a.mjs'), before: program, after: 'changed' },
      { path: at('gone/b.mjs'), before: undefined, after: 'changed' },
    ];
    await expect(replaceAll(files, true, directory)).rejects.toThrow(
      'gone/b.mjs cannot be written (ENOENT); nothing was changed',
    );
    const raced = [{ path: at('a.mjs'), before: 'as it was read', after: 'changed' }];
    await expect(replaceAll(raced, true, directory)).rejects.toThrow('has changed since it was read');
    expect([await read('a.mjs'), (await readdir(directory)).sort()]).toEqual([program, ['a.mjs', 'sub']]);
  });

  it('run no monitor that a repository names', async () => {
    await git('init', '-q');
    await save({ 'a.mjs': program, 'hook.sh': '#!/bin/sh\ntouch ran\n' });
    await chmod(join(directory, 'hook.sh'), 0o755);
    await git('config', 'core.fsmonitor', join(directory, 'hook.sh'));
    await migrate('--write');
    expect(await readdir(directory)).not.toContain('ran');
  });

  it('run no filter that a repository names', async () => {
    await git('init', '-q');
    await save({ 'a.mjs': program });
    await git('add', '.');
    await git('commit', '-qm', 'before');
    await save({ '.gitattributes': '*.mjs filter=evil\n' });
    await git('config', 'filter.evil.clean', `touch ${join(directory, 'ran')}; cat`);
    // Looked at anew, as what has been touched since git knew it.
    await utimes(join(directory, 'a.mjs'), 0, 0);
    expect((await migrate('--write')).code).toBe(0);
    expect(await readdir(directory)).not.toContain('ran');
    expect(await read('a.mjs')).not.toBe(program);
  });
});

describe('its parts', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });

  it('a diff leads from one text to the other', () => {
    fc.assert(
      fc.property(lines, lines, (one, other) => {
        const diff = unifiedDiff(one.join('\n'), other.join('\n'));
        const hunks = diff.join('\n').split(/^@@ -(\d+),(\d+) \+(\d+),(\d+) @@\n?/m);
        const result: string[] = [...(one.join('\n') === '' ? [] : one)];
        let moved = 0;
        for (let at = 1; at < hunks.length; at += 5) {
          const gone = Number(hunks[at + 1]);
          const start = Number(hunks[at]) + (gone === 0 ? 1 : 0);
          const body = hunks[at + 4]!.replace(/\n$/, '').split('\n');
          const old = body.filter((line) => !line.startsWith('+')).map((line) => line.slice(1));
          const now = body.filter((line) => !line.startsWith('-')).map((line) => line.slice(1));
          expect(result.slice(start - 1 + moved, start - 1 + moved + gone)).toEqual(old);
          expect(now.length).toBe(Number(hunks[at + 3]));
          result.splice(start - 1 + moved, gone, ...now);
          moved += now.length - old.length;
        }
        expect(result.join('\n')).toBe(other.join('\n'));
      }),
    );
  });

  it('changes of one place are refused, and one within another is part of it', () => {
    const edits = new Edits();
    edits.replace({ start: 2, end: 8 }, '-');
    edits.insert(5, 'lost');
    edits.insert(2, '<');
    edits.insert(8, '>');
    expect(edits.apply('0123456789')).toBe('01<->89');
    edits.replace({ start: 6, end: 9 }, '');
    expect(() => edits.apply('0123456789')).toThrow('two changes of one place');
  });

  it('a file is read in time that grows with its length, however often it does the same', async () => {
    const text = `import soap from 'soap';\n${"client.setSecurity(new soap.ClientSSLSecurityPFX('a.pfx'));\n".repeat(2_000)}`;
    const { after, left } = await plan(
      `${text}const client = await soap.createClientAsync('https://a.example');\n`,
    );
    expect([left, after?.match(/new ClientCertificateSecurity\(credentials\)/g)?.length]).toEqual([
      [],
      2_000,
    ]);
  });

  it('code that is nested deeper than can be read is left, and said', async () => {
    const deep = `${head}https.get({ ${PFX}, host: ${"'a' + ".repeat(60_000)}'b' });`;
    const { skipped, changes } = await plan(deep);
    expect([skipped, changes]).toEqual([[expect.objectContaining({ file: 'program.mjs' })], []]);
  });

  it('whatever stands in a file, nothing fails', async () => {
    const word = fc.constantFrom(
      'new https.Agent({',
      'pfx',
      ':',
      'readFileSync("a")',
      '}',
      ')',
      '(',
      ',',
      'axios.create(',
      'httpsAgent',
      '...x',
      '[',
      ']',
      '`${',
      '=>',
      'await ',
      'async ',
      'const a =',
      ';',
      'https.get(',
      'class { x =',
      'function f(',
      '{',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 30 }), async (words) => {
        const { left, changes, skipped } = await plan(`${head}${words.join(' ')}`);
        for (const { after } of changes) expect(after).not.toBe('');
        expect(left.length + changes.length + skipped.length).toBeLessThanOrEqual(20);
      }),
      { numRuns: 60 },
    );
  });
});
