import { existsSync, readdirSync, readFileSync } from 'node:fs';

const packages = new URL('../../packages/', import.meta.url);
const nodes = [20, 22, 24, 26];

/** Versions of a client, and on which Nodes they are tested. */
export interface Row {
  adapter: string;
  client: string;
  nodes: number[];
}

/** A client in other runtimes: whether it works, in the order of `runtimes`. */
export interface RuntimeRow {
  client: string;
  works: boolean[];
}

declare const data: {
  rows: Row[];
  runtimes: { name: string; version: string }[];
  onRuntimes: RuntimeRow[];
  others: string[];
};

/** The clients of the tests in other runtimes, as a reader calls them. */
const clients: Record<string, string> = {
  https: 'credentials.agent() with node:https',
  connectOptions: 'credentials.connectOptions() with node:tls',
  axios: '@clientcert/axios',
  'axios-fetch': "@clientcert/axios with adapter: 'fetch'",
  got: '@clientcert/got',
  soap: '@clientcert/soap',
  dispatcher: 'createDispatcher() of @clientcert/undici',
  interceptor: 'clientCertificates() of @clientcert/undici',
  fetch: 'createFetch()',
  'undici-fetch': 'createFetch() with undici’s fetch',
};
/** What the examples run with beside the clients that have a package of their own, as npm calls it. */
const others = [
  'ai',
  'ky',
  'ofetch',
  'node-fetch',
  'superagent',
  'needle',
  'follow-redirects',
  '@aws-sdk/client-s3',
  '@azure/core-rest-pipeline',
  'openid-client',
  'oauth4webapi',
  '@grpc/grpc-js',
  'ws',
  'mqtt',
  'kafkajs',
  'nodemailer',
  'pg',
  'redis',
  'nock',
  'msw',
  'openai',
  '@modelcontextprotocol/client',
  '@google/genai',
  '@auth0/auth0-auth-js',
  '@azure/msal-node',
  '@kubernetes/client-node',
  'google-auth-library',
  'graphql-request',
  '@apollo/client',
  '@urql/core',
  '@trpc/client',
  'stripe',
];
const inExamples: Record<string, string> = Object.assign(
  {},
  ...['examples/sdks', 'examples'].map((folder) => {
    const manifest = readFileSync(new URL(`../../${folder}/package.json`, import.meta.url), 'utf8');
    return JSON.parse(manifest).devDependencies;
  }),
);

/** What fails there: for each client the error by call, `*` for every call. */
const inRuntimes: Record<string, { version: string; fails: Record<string, Record<string, string>> }> =
  JSON.parse(readFileSync(new URL('../../test/runtimes/expected.json', import.meta.url), 'utf8'));

export { data };

export default {
  load: () => ({
    others: others.map((name) => {
      const version = inExamples[name];
      if (version === undefined) throw new Error(`no example has ${name}`);
      return `${name} ${version.replace('^', '')}`;
    }),
    runtimes: Object.entries(inRuntimes).map(([name, { version }]) => ({
      name: `${name[0]!.toUpperCase()}${name.slice(1)}`,
      version,
    })),
    onRuntimes: Object.entries(clients).map(
      ([client, title]): RuntimeRow => ({
        client: title,
        works: Object.values(inRuntimes).map(({ fails }) => fails[client]?.['*'] === undefined),
      }),
    ),
    rows: readdirSync(packages).flatMap((adapter): Row[] => {
      const path = new URL(`${adapter}/versions.json`, packages);
      if (!existsSync(path)) return [];
      const versions: { clients: Record<string, string>; node: number }[] = JSON.parse(
        readFileSync(path, 'utf8'),
      );
      return [...new Set(versions.map(({ node }) => node))].map((oldest) => ({
        adapter: `@clientcert/${adapter}`,
        client: describe(versions.filter(({ node }) => node === oldest).map(({ clients }) => clients)),
        nodes: nodes.filter((each) => each >= oldest),
      }));
    }),
  }),
};

/** `axios 1.7.0, 1.8.4`: of each client, the versions. */
function describe(sets: readonly Record<string, string>[]): string {
  const versions = new Map<string, string[]>();
  for (const [name, version] of sets.flatMap((clients) => Object.entries(clients))) {
    versions.set(name, [...(versions.get(name) ?? []), version]);
  }
  return [...versions].map(([name, all]) => `${name} ${all.join(', ')}`).join('; ');
}
