import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { locate } from '../../packages/spiffe/src/options.ts';
import { type Examples, layOut } from './run.ts';

/** What is looked at of a manifest. */
interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  data: Record<string, string>;
  spec: {
    template: {
      metadata: { annotations?: Record<string, string> };
      spec: {
        containers: { name: string; volumeMounts: { name: string; mountPath: string; subPath?: string }[] }[];
        volumes: {
          name: string;
          csi?: { driver: string; readOnly?: boolean; volumeAttributes: Record<string, string> };
        }[];
      };
    };
  };
}

type Deliver = (directory: string, certificate: IssuedCertificate, root: string) => void;

let generation = 0;

/** Files of a volume: in a directory that a link leads to, moved as one. */
function mount(directory: string, files: Readonly<Record<string, string>>): void {
  generation += 1;
  const version = `..2026_11_21_${generation}`;
  const isFirst = !existsSync(join(directory, '..data'));
  mkdirSync(join(directory, version), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(directory, version, name), text, { mode: 0o440 });
    if (isFirst) symlinkSync(join('..data', name), join(directory, name));
  }
  symlinkSync(version, join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
}

const secret: Deliver = (directory, { fullChain, key }, root) =>
  mount(directory, { 'tls.crt': fullChain, 'tls.key': key, 'ca.crt': root });

/** How each tool delivers, into the directory that the config names. */
const tools: Readonly<Record<string, Deliver>> = {
  'cert-manager': secret,
  'cert-manager-csi': secret,
  'pod-certificate': (directory, { fullChain, key }) => mount(directory, { 'bank.pem': key + fullChain }),
  'vault-agent': (directory, { fullChain, key }) => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, '.bank.pem'), fullChain + key, { mode: 0o440 });
    renameSync(join(directory, '.bank.pem'), join(directory, 'bank.pem'));
  },
  // One file after the other, over what is there.
  spiffe: (directory, { fullChain, key }, root) => {
    mkdirSync(directory, { recursive: true });
    const files = { 'svid.pem': fullChain, 'svid_key.pem': key, 'svid_bundle.pem': root };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  },
};

let authority: Authority;
let examples: Examples;
beforeAll(async () => {
  authority = await createAuthority();
  examples = await layOut(authority);
}, 60_000);
afterAll(() => examples?.[Symbol.asyncDispose]());

describe.skipIf(process.platform === 'win32').each(Object.entries(tools))(
  'examples/kubernetes/%s.yaml',
  (tool, deliver) => {
    const path = fileURLToPath(new URL(`../kubernetes/${tool}.yaml`, import.meta.url));
    const documents = parseAllDocuments(readFileSync(path, 'utf8'));
    const manifests = documents.map((document) => document.toJS() as Manifest);
    const find = (kind: string, name = 'my-service') =>
      manifests.find((each) => each.kind === kind && each.metadata.name === name)!;
    const { certificates } = JSON.parse(find('ConfigMap').data['clientcert.json']!);
    const named: string = certificates.bank.dir ?? certificates.bank.cert;

    it('is well-formed, and mounts what the config names', () => {
      for (const document of documents) expect(document.errors).toEqual([]);
      for (const { apiVersion, kind, metadata } of manifests) {
        expect({ apiVersion, kind, name: metadata.name }).toEqual({
          apiVersion: expect.stringMatching(/^(apps\/|cert-manager\.io\/)?v1$/),
          kind: expect.stringMatching(/^(ConfigMap|Deployment|Certificate)$/),
          name: expect.stringMatching(/^[a-z-]+$/),
        });
      }
      const { spec, metadata } = find('Deployment').spec.template;
      const volumes = new Set(spec.volumes.map(({ name }) => name));
      const mounts = spec.containers.flatMap(({ volumeMounts }) => volumeMounts);
      for (const { name, subPath } of mounts) {
        expect(volumes).toContain(name);
        expect(subPath).toBeUndefined();
      }
      const injected = Object.keys(metadata.annotations ?? {}).some((key) =>
        key.includes('agent-inject-secret-'),
      );
      for (const { csi } of spec.volumes) {
        if (csi?.driver !== 'csi.cert-manager.io') continue;
        expect(csi.readOnly).toBe(true); // the driver mounts nothing else
        expect(csi.volumeAttributes['csi.cert-manager.io/key-usages']).toContain('client auth');
      }
      const places = [...mounts.map(({ mountPath }) => mountPath), ...(injected ? ['/vault/secrets'] : [])];
      expect(places.some((place) => named.startsWith(place))).toBe(true);
    });

    it('renews in the app, as the server sees', async () => {
      const [first, second] = await Promise.all([
        authority.issue({ name: 'a' }),
        authority.issue({ name: 'b' }),
      ]);
      await using server = await startServer({ authority, hosts: ['api.bank.example'] });
      const app = await examples.place('kubernetes/app.mjs');
      const root = join(app.folder, 'root');
      const directory = join(root, certificates.bank.dir ?? join(named, '..'));
      deliver(directory, first!, authority.certificate);
      // As in the ConfigMap, below a root of the test's own; the server's root is not part of what Vault writes.
      const config = JSON.parse(
        find('ConfigMap').data['clientcert.json']!.replaceAll(named, join(root, named)),
      );
      config.certificates.bank.ca = join(app.folder, 'bank-root.pem');
      writeFileSync(join(app.folder, 'clientcert.json'), JSON.stringify(config));
      const child = app.start(
        { 'api.bank.example:443': server.port },
        { CLIENTCERT_CONFIG: join(app.folder, 'clientcert.json'), PORT: '0' },
      );
      try {
        const port = Number(/listening on (\d+)/.exec(await child.heard('listening on'))![1]);
        const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
        expect([await ask('/'), await ask('/health')]).toEqual([200, 200]);
        deliver(directory, second!, authority.certificate);
        await child.heard('bank is now version 2');
        expect([await ask('/'), await ask('/health')]).toEqual([200, 200]);
        expect(server.requests.map(({ clientCertificate }) => clientCertificate?.fingerprint256)).toEqual([
          first!.fingerprint256,
          second!.fingerprint256,
        ]);
      } finally {
        await child.stop();
        rmSync(root, { recursive: true, force: true });
      }
    });
  },
);

it('examples/kubernetes/workload-api.yaml mounts the socket that its variable names', () => {
  const path = fileURLToPath(new URL('../kubernetes/workload-api.yaml', import.meta.url));
  const [document] = parseAllDocuments(readFileSync(path, 'utf8'));
  expect(document!.errors).toEqual([]);
  const { containers, volumes } = (document!.toJS() as Manifest).spec.template.spec;
  const [{ env, volumeMounts }] = containers as [
    (typeof containers)[0] & { env: { name: string; value: string }[] },
  ];
  const [{ name, mountPath }] = volumeMounts as [(typeof volumeMounts)[0]];
  expect(volumes).toMatchObject([{ name, csi: { driver: 'csi.spiffe.io', readOnly: true } }]);
  const socket = env.find((each) => each.name === 'SPIFFE_ENDPOINT_SOCKET')!.value;
  expect(locate(socket, 'linux').endpoint).toEqual({ path: expect.stringMatching(`^${mountPath}/`) });
});
