import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DefaultTheme, defineConfig } from 'vitepress';

const item = (text: string, link: string): DefaultTheme.SidebarItem => ({ text, link });

const sidebar: DefaultTheme.SidebarItem[] = [
  {
    text: 'Start',
    items: [
      item('You were handed a .pfx', '/start'),
      item('Config builder', '/builder'),
      item('Glossary', '/glossary'),
    ],
  },
  {
    text: 'Clients',
    items: [
      item('axios', '/clients/axios'),
      item('got', '/clients/got'),
      item('node-soap', '/clients/soap'),
      item('undici and fetch', '/clients/undici'),
      item('node:https', '/clients/https'),
      item('Every other client', '/guides/other-clients'),
    ],
  },
  {
    text: 'Guides',
    items: [
      item('Old PFX files', '/guides/old-pfx-files'),
      item('The key is on a token', '/guides/tokens'),
      item('Private roots', '/guides/private-roots'),
      item('Several certificates for one host', '/guides/several-certificates'),
      item('One config for several people', '/guides/shared-config'),
      item('TLS 1.0 servers', '/guides/old-tls'),
      item('Proxies', '/guides/proxies'),
      item('Renewal without restart', '/guides/renewal'),
      item('A server of your own', '/guides/servers'),
      item('Kubernetes', '/guides/kubernetes'),
      item('Vault and OpenBao', '/guides/vault'),
      item('step-ca', '/guides/step-ca'),
      item('EST', '/guides/est'),
      item('SPIFFE', '/guides/spiffe'),
      item('Secret stores', '/guides/secret-stores'),
      item('SDKs', '/guides/sdks'),
      item('Cloud identity', '/guides/cloud-identity'),
      item('OAuth 2.0 with mutual TLS', '/guides/oauth2'),
      item('WS-Security', '/guides/ws-security'),
      item('Testing your own code', '/guides/testing'),
    ],
  },
  {
    text: 'Troubleshooting',
    items: [
      item('What does this error mean?', '/what-does-this-error-mean'),
      item('By exact message', '/troubleshooting'),
      item('diagnose in your code', '/guides/diagnosis'),
      item('What servers say', '/reference/refusals'),
    ],
  },
  {
    text: 'Coming from …',
    items: [
      item('https.Agent({ pfx })', '/coming-from/https-agent'),
      item('ClientSSLSecurityPFX', '/coming-from/node-soap'),
      item('rejectUnauthorized: false', '/coming-from/reject-unauthorized'),
      item('All of it: clientcert migrate', '/coming-from/migrate'),
      item('Mendix settings', '/coming-from/mendix'),
      item('OutSystems', '/coming-from/outsystems'),
      item('WSO2 API Manager', '/coming-from/wso2'),
      item('Axway API Portal', '/coming-from/axway'),
    ],
  },
  {
    text: 'Reference',
    items: [
      item('Config', '/reference/config'),
      item('API', '/reference/api/'),
      item('Command', '/reference/cli'),
      item('Console', '/guides/console'),
      item('Errors and warnings', '/reference/errors'),
      item('Compatibility', '/reference/compatibility'),
      item('Real servers', '/reference/servers'),
      item('What is installed', '/reference/dependencies'),
      item('Beside others', '/reference/neighbours'),
      item('Security', '/security'),
      item('What was tried', '/reference/leaks'),
      item('Performance', '/performance'),
      item('Benchmarks', '/reference/benchmarks'),
    ],
  },
];

// "400" is that number and no other, neither 40 nor 4000.
const fuzzy = (term: string): number => (/^\d+$/.test(term) ? 0 : 0.2);
const prefix = (term: string): boolean => !/^\d+$/.test(term);
/** What is written for people comes before the pages that are made from the types, where every word stands often. */
const boostDocument = (page: string): number => (page.includes('/reference/api/') ? 0.05 : 1);

/** Where the site is served: `/clientcert/` for a project page, for instance. */
const base = process.env.DOCS_BASE ?? '/';

export default defineConfig({
  title: 'clientcert',
  description: 'Client certificates (mutual TLS) for Node’s HTTP and SOAP clients',
  lang: 'en',
  cleanUrls: true,
  base,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${base}favicon.svg` }]],
  srcExclude: ['**/README.md'],
  themeConfig: {
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Troubleshooting', link: '/troubleshooting' },
      { text: 'Config builder', link: '/builder' },
      { text: 'Reference', link: '/reference/config' },
    ],
    sidebar: { '/': sidebar, '/reference/api/': [{ text: 'Everything else', link: '/' }, ...readApi()] },
    outline: [2, 3],
    search: {
      provider: 'local',
      options: { miniSearch: { searchOptions: { fuzzy, prefix, boostDocument } } },
    },
    docFooter: { prev: 'Before', next: 'Next' },
  },
  // A page without headings has no outline: its text takes that room.
  transformPageData: ({ filePath, frontmatter }) => {
    const text = readFileSync(new URL(`../${filePath}`, import.meta.url), 'utf8');
    if (!/^##+ /m.test(text)) frontmatter.aside ??= false;
  },
  markdown: {
    languageAlias: { mjs: 'js', cjs: 'js', env: 'sh' },
    // Both with enough contrast for small text.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
});

/** What typedoc wrote before. */
function readApi(): DefaultTheme.SidebarItem[] {
  const path = fileURLToPath(new URL('../reference/api/typedoc-sidebar.json', import.meta.url));
  // All open: VitePress makes what can be folded a button with a button in it, which not every reader gets along with.
  const open = ({ text, link, items }: DefaultTheme.SidebarItem): DefaultTheme.SidebarItem => ({
    ...(text && { text }),
    ...(link && { link }),
    ...(items && { items: items.map(open) }),
  });
  const modules: DefaultTheme.SidebarItem[] = JSON.parse(readFileSync(path, 'utf8'));
  return modules.map(({ text = '', items = [] }) => ({
    text: `@clientcert/${text}`,
    items: items.flatMap((source) => (source.items ?? []).map(open)),
  }));
}

/** Every page that the sidebar names; a page that is missing fails the build. */
for (const { items = [] } of sidebar) {
  for (const { link = '' } of items) {
    const page = fileURLToPath(new URL(`..${link}${link.endsWith('/') ? 'index' : ''}.md`, import.meta.url));
    if (!existsSync(page)) throw new Error(`${link} is in the sidebar, and ${page} is not there`);
  }
}
