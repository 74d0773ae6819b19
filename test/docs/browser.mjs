// The documentation site in a real browser: every link and anchor, no error on the console, no request to another
// host, no page wider than a phone, contrast and names for everybody (axe), the config builder by keyboard, and the
// search. Needs Chromium (Debian: apt-get install chromium), or CHROMIUM with its path.
//
//   npm run test:docs
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { extname, join } from 'node:path';
import { argv, env, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const dist = fileURLToPath(new URL('../../docs/.vitepress/dist/', import.meta.url));
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const candidates = [env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = candidates.find((path) => path && existsSync(path));
if (!executablePath) {
  console.error('no Chromium: install it, or name it in CHROMIUM');
  exit(1);
}

const server = serve();
const origin = `http://127.0.0.1:${await server}`;
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const problems = [];
const pages = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.html') && path !== '404.html')
  .map(
    (path) =>
      `/${path
        .replaceAll('\\', '/')
        .replace(/(^|\/)index\.html$/, '$1')
        .replace(/\.html$/, '')}`,
  )
  .sort();

const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
await context.grantPermissions(['clipboard-write', 'clipboard-read']);

const anchors = new Map();
const links = [];
await visit(pages, async (page, path) => {
  const seen = await page.evaluate(() => ({
    ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
    links: [...document.querySelectorAll('a[href]')].map(({ href }) => href),
    lang: document.documentElement.lang,
  }));
  if (!seen.lang) problems.push(`${path}: no language`);
  anchors.set(path, new Set(seen.ids));
  links.push(...seen.links.map((link) => [path, link]));
});
for (const [from, link] of links) {
  const url = new URL(link);
  if (url.origin !== origin) continue;
  const to = decodeURIComponent(url.pathname).replace(/\.html$/, '');
  const ids = anchors.get(to);
  if (!ids) problems.push(`${from}: ${to} is no page`);
  else if (url.hash && !ids.has(decodeURIComponent(url.hash.slice(1))))
    problems.push(`${from}: no ${to}${url.hash}`);
}

// The API reference has thousands of lines from one template: a few of its pages stand for all.
const written = pages.filter((each) => !each.startsWith('/reference/api/') || each.split('/').length < 6);
await visit(written, async (page, path) => {
  await page.addScriptTag({ path: axe });
  await expectAccessible(page, `${path} (light)`);
  if (!path.startsWith('/reference/api/')) {
    const clipped = await page.evaluate(() =>
      [...document.querySelectorAll('.vp-doc div[class*=language-] pre, .vp-doc table')]
        .filter((block) => block.offsetParent && block.scrollWidth > block.clientWidth)
        .map((block) => block.textContent.trim().slice(0, 60)),
    );
    for (const code of clipped) problems.push(`${path}: is clipped at 1280 px: ${code}`);
  }
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.waitForFunction(() => document.documentElement.classList.contains('dark'));
  await expectAccessible(page, `${path} (dark)`, { runOnly: ['color-contrast'] }); // nothing else changes with colours
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 390, height: 844 });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  if (width > 390) problems.push(`${path}: ${width} px wide on a phone`);
  await page.setViewportSize({ width: 1280, height: 900 });
});

let path = '';
const page = await open(() => path);
// A link into a page shows the heading, below the bar at the top.
for (path of ['/troubleshooting#alert-48', '/troubleshooting#proxy-407', '/glossary#root']) {
  await page.goto(origin + path, { waitUntil: 'networkidle' });
  const top = await page.evaluate(() => document.querySelector(location.hash).getBoundingClientRect().top);
  if (top < 64 || top > 300) problems.push(`${path}: its heading is at ${top} px`);
}

path = '/builder';
await page.goto(origin + path, { waitUntil: 'networkidle' });
await useBuilder();
path = '/';
await page.goto(origin + path, { waitUntil: 'networkidle' });
await page.getByRole('button', { name: 'Search' }).first().press('Enter');
await page.locator('.VPLocalSearchBox input').fill('rollback');
await page
  .locator('.VPLocalSearchBox .result')
  .getByText('Overlap')
  .first()
  .waitFor({ timeout: 10_000 })
  .catch(() => {});
const found = await page.locator('.VPLocalSearchBox .result').allTextContents();
if (!found.some((text) => /renewal/i.test(text))) problems.push(`search: rollback finds ${found}`);

// What is printed, pasted as it is, finds its place in Troubleshooting first.
for (const [pasted, heading] of [
  ['error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate', 'SSL alert number 42'],
  ['unable to verify the first certificate', 'unable to get local issuer certificate'],
  ['Proxy response (407) !== 200 when HTTP Tunneling', '407 from a proxy'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'Hostname/IP does not match'],
  ['other side closed', 'socket hang up'],
  ['400', '400 '],
  ['passphrase', 'ERR_CLIENTCERT_PASSPHRASE'],
]) {
  await page.locator('.VPLocalSearchBox input').fill(pasted);
  const first = page.locator('.VPLocalSearchBox .result').first();
  await first
    .getByText(heading)
    .first()
    .waitFor({ timeout: 5000 })
    .catch(async () => problems.push(`search: ${pasted} finds ${await first.textContent()}`));
}

await browser.close();
console.log(`${pages.length} pages, ${links.length} links`);
for (const problem of [...new Set(problems)]) console.error(problem);
exit(problems.length > 0 ? 1 : 0);

/** Each of these pages, as many at once as there are cores. */
async function visit(paths, look) {
  const queue = [...paths];
  const work = async () => {
    let path = '';
    const page = await open(() => path);
    for (path = queue.shift(); path !== undefined; path = queue.shift()) {
      await page.goto(origin + path, { waitUntil: 'load' });
      await look(page, path);
    }
    await page.close();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
}

/** A tab that reports what goes wrong in it, with the path of the page it shows. */
async function open(path) {
  const page = await context.newPage();
  page.on(
    'console',
    (message) => message.type() === 'error' && problems.push(`${path()}: console: ${message.text()}`),
  );
  page.on('pageerror', (error) => problems.push(`${path()}: ${error}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith('data:') && !url.startsWith('blob:')) {
      problems.push(`${path()}: asks another host: ${url}`);
    }
  });
  return page;
}

async function expectAccessible(page, where, options = {}) {
  const violations = await page.evaluate(async (options) => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'], ...options });
    return violations.map(
      ({ id, nodes }) =>
        `${id} (${nodes.length}): ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary?.slice(0, 200)}`,
    );
  }, options);
  for (const violation of violations) problems.push(`${where}: ${violation}`);
}

/** By keyboard alone: from field to field, and the result is what was asked for. */
async function useBuilder() {
  const expectOutput = async (...parts) => {
    const text = await page.getByTestId('output').textContent();
    for (const part of parts) if (!text.includes(part)) problems.push(`builder: no ${part} in ${text}`);
  };
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('name'));
  await page.locator('[name=client]').focus();
  await page.keyboard.press('n'); // node-soap
  const order = [await focused()];
  for (let step = 0; step < 9; step++) {
    await page.keyboard.press('Tab');
    const name = await focused();
    order.push(name);
    if (name === 'hosts') {
      await page.keyboard.press('Control+a');
      await page.keyboard.type('https://soap.tax.example');
      await page.getByText('a host only, without https://').waitFor();
      if (await page.getByTestId('output').count()) problems.push('builder: shows a result beside a mistake');
      await page.keyboard.press('Control+a');
      await page.keyboard.type('soap.tax.example:8443');
    }
    if (name === 'encrypted') await page.keyboard.press('Space');
    if (name === 'tls') await page.keyboard.type('TLS 1.2 only');
  }
  const fields = [
    'client',
    'kind',
    'name',
    'encrypted',
    'privateRoot',
    'hosts',
    'services',
    'tls',
    'add',
    'proxy',
  ];
  if (String(order) !== String(fields)) problems.push(`builder: tab goes ${order}`);
  await expectOutput(
    '@clientcert/soap',
    "'soap.tax.example:8443'",
    "tls: 'TLSv1.2'",
    'await loadCredentials',
  );
  await page.getByRole('tab', { name: 'ES module' }).press('ArrowRight');
  await expectOutput("require('soap')");
  await page.keyboard.press('ArrowRight'); // clientcert.json
  const json = JSON.parse(await page.getByTestId('output').textContent());
  if (json.certificates.bank.passphrase) problems.push('builder: a passphrase although it has none');
  await page.getByRole('button', { name: 'Copy install line' }).press('Enter');
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  if (copied !== 'npm install @clientcert/soap soap') problems.push(`builder: copies ${copied}`);
}

/** The built site on loopback, as any static host serves it. */
function serve() {
  const types = {
    '.html': 'text/html',
    '.js': 'text/javascript',
    '.css': 'text/css',
    '.json': 'application/json',
    '.svg': 'image/svg+xml',
    '.woff2': 'font/woff2',
  };
  const listening = createServer((request, response) => {
    const wanted = join(dist, decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    const file = [wanted, `${wanted}.html`, join(wanted, 'index.html')].find(
      (each) => existsSync(each) && statSync(each).isFile(),
    );
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  }).listen(Number(argv[2] ?? 0), '127.0.0.1');
  return new Promise((resolve) => listening.once('listening', () => resolve(listening.address().port)));
}
