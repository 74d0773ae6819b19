import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aScene, aScreen, PASSPHRASE } from './scene.ts';

const executablePath = [
  env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path && existsSync(path));
if (executablePath === undefined)
  console.warn(
    'the screen is not tested: there is no Chromium (Debian: apt-get install chromium), or name it in CHROMIUM',
  );
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** With it, the pictures of the guide are made anew. */
const pictures =
  env.CLIENTCERT_PICTURES === undefined
    ? undefined
    : fileURLToPath(new URL('../../../docs/public/console/', import.meta.url));

/** What of the names of certificates goes on in another line, and had no place to break there. */
const BROKEN_WORDS = `[...document.querySelectorAll('.name, .subject')].flatMap((element) =>
  [...element.childNodes].filter((node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return node.data && range.getClientRects().length > 1;
  }).map((node) => node.data))`;

describe.skipIf(executablePath === undefined)('the screen', () => {
  let browser: Browser;
  let built: string;
  let scene: Awaited<ReturnType<typeof aScene>>;

  beforeAll(async () => {
    built = await mkdtemp(join(tmpdir(), 'clientcert-page-'));
    const configFile = fileURLToPath(new URL('../page/vite.config.ts', import.meta.url));
    await build({ configFile, logLevel: 'error', build: { outDir: built, emptyOutDir: true } });
    scene = await aScene();
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([scene?.server.close(), scene?.strict.close()]);
    await rm(scene.directory, { recursive: true });
    await rm(built, { recursive: true });
  });

  /** A page that is let in, and what went wrong on it. */
  async function open(address: string, { width = 1280, dark = false } = {}) {
    const context = await browser.newContext({
      viewport: { width, height: 860 },
      colorScheme: dark ? 'dark' : 'light',
      acceptDownloads: true,
    });
    const page = await context.newPage();
    const problems: string[] = [];
    const received: string[] = [];
    const { origin } = new URL(address);
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(`${error}`));
    page.on('request', (request) => {
      if (!request.url().startsWith(`${origin}/`)) problems.push(`asked elsewhere: ${request.url()}`);
    });
    page.on('response', async (response) => {
      if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`);
      received.push(await response.text().catch(() => ''));
    });
    await page.goto(address);
    await page.waitForSelector('h1');
    return { page, problems, received, [Symbol.asyncDispose]: () => context.close() };
  }

  const go = (page: Page, view: string) => page.click(`nav a[href="#/${view}"]`);
  const drop = (page: Page, ...files: { name: string; buffer: Buffer }[]) =>
    page.setInputFiles(
      'input[type=file]',
      files.map((file) => ({ ...file, mimeType: 'application/octet-stream' })),
    );

  /** As if somebody came back to it; it looks by itself every few seconds as well. */
  const look = (page: Page) => page.evaluate("void document.dispatchEvent(new Event('visibilitychange'))");

  /** What keeps some people from using it, and what is wider than the screen. */
  async function faultsOf(page: Page): Promise<string[]> {
    // Past the Content-Security-Policy, as a developer's tools are.
    await page.evaluate(axe);
    return await page.evaluate<string[]>(`(async () => {
      const { violations } = await axe.run({ resultTypes: ['violations'] });
      const wide = document.documentElement.scrollWidth - innerWidth;
      return [
        ...violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target.join(' ')).join(', ')),
        ...(wide > 0 ? [wide + ' px wider than the screen'] : []),
      ];
    })()`);
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}.png`) });
  }

  it.each([
    { width: 1280, dark: false },
    { width: 390, dark: true },
  ])('can be used by everybody, in each view: %o', async (size) => {
    await using screen = await aScreen(scene.file, built);
    await using tab = await open(screen.address, size);
    const { page, problems } = tab;
    const faults: string[] = [];
    const phone = size.width === 390;
    const check = async (where: string) =>
      faults.push(...(await faultsOf(page)).map((each) => `${where}: ${each}`));

    await page.waitForSelector('.line');
    if (!phone) await picture(page, 'certificates');
    expect(await page.evaluate(BROKEN_WORDS)).toEqual([]);
    await page.locator('.line').nth(1).click();
    await check('certificates');

    await go(page, 'file');
    if (!phone) await check('file');
    await drop(page, { name: 'old-windows.pfx', buffer: scene.old });
    await page.fill('.asks input', 'wrong');
    await page.press('.asks input', 'Enter');
    await page.waitForSelector('text=That was wrong');
    if (!phone) await check('file, wrong passphrase');
    await page.fill('.asks input', PASSPHRASE);
    await page.press('.asks input', 'Enter');
    await page.waitForSelector('.verdict');
    if (!phone) await picture(page, 'file');
    for (const summary of await page.locator('summary').all()) await summary.click();
    await check('file, read');
    await drop(page, { name: 'page.html', buffer: Buffer.from('<!doctype html><p>404') });
    await page.waitForSelector('text=is an HTML page');
    if (!phone) await check('file, not one');

    await go(page, 'pins');
    await page.fill('.which input', 'https://api.bank.example:8443/accounts');
    await page.waitForSelector('.road .end');
    await page.waitForSelector('#json:has-text("certificates")');
    if (!phone) await picture(page, 'pins');
    await page.click('#add-hosts');
    await page.keyboard.type('https://new.example/x');
    await page.waitForSelector('.mistake:has-text("without scheme")');
    await page.click('role=tab[name=/What changed/]');
    await page.waitForSelector('.change.add');
    await check('pins');
    await page.click('text=Discard');

    await go(page, 'try');
    await page.fill('.address input', `${scene.strict.url}/accounts`);
    await page.press('.address input', 'Enter');
    await page.waitForSelector('text=What to do');
    if (!phone) await picture(page, 'try');
    await check('try');
    expect(faults).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('gets no secret, whatever is done, and asks nobody else', async () => {
    await using screen = await aScreen(scene.file, built);
    await using tab = await open(screen.address);
    const { page, problems, received } = tab;
    await go(page, 'file');
    await drop(page, { name: 'old.pfx', buffer: scene.old });
    await page.fill('.asks input', PASSPHRASE);
    await page.press('.asks input', 'Enter');
    await page.waitForSelector('.verdict');
    await page.click('summary:has-text("Convert")');
    const save = async (act: () => Promise<void>) => {
      const [download] = await Promise.all([page.waitForEvent('download'), act()]);
      return {
        name: download.suggestedFilename(),
        text: (await readFile(await download.path())).toString('latin1'),
      };
    };
    const half = await save(() => page.click('.halves button >> nth=0'));
    expect(half).toMatchObject({ name: 'old.crt', text: expect.stringContaining('BEGIN CERTIFICATE') });
    expect(half.text).not.toContain('PRIVATE KEY');
    await page.selectOption('.fields select', 'pem');
    await page.click('text=Make the file');
    expect(
      await page
        .locator('.fields input')
        .first()
        .evaluate(
          (field) => (field as unknown as { validity: { valueMissing: boolean } }).validity.valueMissing,
        ),
    ).toBe(true);
    await page.fill('.fields input >> nth=0', 'new');
    await page.fill('.fields input >> nth=1', 'another one 7');
    await page.fill('.fields input >> nth=2', 'another one 8');
    expect(await page.locator('button:has-text("Make the file")').isDisabled()).toBe(true);
    await page.fill('.fields input >> nth=2', 'another one 7');
    const whole = await save(() => page.click('text=Make the file'));
    expect(whole).toMatchObject({ name: 'new.pem', text: expect.stringContaining('ENCRYPTED PRIVATE KEY') });
    expect(
      await page
        .locator('input[type=password]')
        .evaluateAll((all) => all.map((one) => (one as unknown as { value: string }).value)),
    ).not.toContain('another one 7');
    await go(page, 'pins');
    await page.waitForSelector('#json:has-text("certificates")');
    const seen = `${received.join('\n')}${await page.content()}`;
    for (const secret of [PASSPHRASE, 'another one 7', 'PRIVATE KEY', ...scene.keys])
      expect(seen).not.toContain(secret);
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0);
    expect(problems).toEqual([]);
  });

  it('adds, pins and saves, by keyboard alone, and shows what the file is afterwards', async () => {
    const file = join(scene.directory, 'other.json');
    await writeFile(file, '{}\n');
    await scene.issue('bob', { notAfter: new Date(Date.now() + 9e9) });
    await using screen = await aScreen(file, built);
    await using tab = await open(screen.address);
    const { page, problems } = tab;
    await page.waitForSelector('text=names no certificate');
    await page.focus('nav a[href="#/file"]');
    await page.keyboard.press('Enter');
    await page.waitForSelector(':focus:has-text("Drop a file")');
    await drop(page, { name: 'bob.pem', buffer: await readFile(join(scene.directory, 'bob.pem')) });
    await page.waitForSelector(':focus:has-text("bob.pem")');
    await page.focus('summary:has-text("Add to the config")');
    for (const key of ['Enter', 'Tab', 'Tab', 'Enter']) await page.keyboard.press(key);
    await page.waitForSelector('text=is in the draft');
    await page.focus('text=Say where it goes');
    await page.keyboard.press('Enter');
    await page.focus('.pin input');
    await page.keyboard.type('api.bob.example');
    await page.waitForSelector('#json:has-text("api.bob.example")');
    expect(await readFile(file, 'utf8')).toBe('{}\n');
    await page.focus('button:has-text("Save")');
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=Saved.');
    // It lies above the tables.
    const bar = "getComputedStyle(document.querySelector('.bar')).backgroundColor";
    expect(await page.evaluate(bar)).toMatch(/^rgb\(/);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      certificates: { bob: { cert: 'bob.pem' } },
      hosts: { 'api.bob.example': 'bob' },
    });
    // Somebody else writes the file while it is edited here: nothing of theirs is lost.
    const theirs = JSON.stringify({
      certificates: { bob: { cert: 'bob.pem' } },
      hosts: { 'theirs.example': 'bob' },
    });
    await page.fill('.pin input', 'mine.example');
    await writeFile(file, theirs);
    await look(page);
    await page.waitForSelector('text=changed by somebody else');
    expect(await page.locator('button:has-text("Save")').isDisabled()).toBe(true);
    await page.click('text=Discard, and load it again');
    await page.waitForSelector('#json:has-text("theirs.example")');
    expect([await page.inputValue('.pin input'), await readFile(file, 'utf8')]).toEqual([
      'theirs.example',
      theirs,
    ]);
    await go(page, 'certificates');
    await page.waitForSelector('.line:has-text("bob")');
    // Somebody else writes the file: what is shown follows.
    await writeFile(file, '{ "hosts": { "x.example": false } }');
    await look(page);
    await page.waitForSelector('text=names no certificate', { timeout: 20_000 });
    await writeFile(file, '{ "hosts": ');
    await look(page);
    await page.waitForSelector('text=could not be loaded', { timeout: 20_000 });
    expect(problems).toEqual([]);
  });

  it('changes nothing where it is read-only, and says when the command has ended', async () => {
    await using screen = await aScreen(scene.file, built, false);
    await using tab = await open(screen.address);
    const { page } = tab;
    await go(page, 'pins');
    await page.fill('.pin input >> nth=0', 'changed.example');
    await page.waitForSelector('text=This console is read-only');
    expect(await page.locator('button:has-text("Save")').count()).toBe(0);
    await page.click('text=Discard');
    expect(await page.inputValue('.pin input >> nth=0')).toContain('localhost');
    const other = await browser.newPage();
    await other.goto(screen.address);
    expect(await other.textContent('body')).toContain('start the command again');
    await other.close();
    await screen.end();
    await look(page);
    await page.waitForSelector('text=The command has ended', { timeout: 20_000 });
  });

  it('shows a real request step by step', async () => {
    await using screen = await aScreen(scene.file, built);
    await using tab = await open(screen.address);
    const { page, problems } = tab;
    await go(page, 'try');
    await page.fill('.address input', `${scene.server.url}/accounts`);
    await page.press('.address input', 'Enter');
    await page.waitForSelector('.status');
    expect(await page.textContent('.steps')).toMatch(
      /→ bank.*It asks for a client certificate in every handshake.*TLS 1\.3.*whole handshake.*sent bank.*200/s,
    );
    expect(scene.server.requests.at(-1)?.clientCertificate?.commonName).toBe('bank.corp.example');
    await page.uncheck('input[type=checkbox]');
    await page.press('.address input', 'Enter');
    await page.waitForSelector('text=session resumed');
    expect(problems).toEqual([]);
  });
});
