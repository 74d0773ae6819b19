import { spawn } from 'node:child_process';
import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engines } from '../../../scripts/engines.mjs';
import { freePort, untilSaid } from '../../../test/spawned.ts';
import { generateKey } from '../../testing/src/keys.ts';
import { certify, createSigner } from '../../vault/test/engine.ts';

export interface Step extends AsyncDisposable {
  readonly url: string;
  /** In PEM, and the SHA-256 of it. */
  readonly root: string;
  readonly fingerprint: string;
  /** The private key of its JWK provisioner, as JSON. */
  readonly jwk: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** An authority of its own, on loopback, in a throwaway directory. */
export async function startStepCa(): Promise<Step> {
  const folder = await mkdtemp(join(tmpdir(), 'clientcert-step-ca-'));
  const [root, issuer] = [await createSigner('Root'), await createSigner('Issuing')];
  const rootPem = certify(root, root);
  const key = await generateKey();
  const jwk = { ...key.export({ format: 'jwk' }), kid: 'a-key', alg: 'ES256', use: 'sig' };
  const address = `127.0.0.1:${await freePort()}`;
  const place = (name: string) => join(folder, name);
  const pemOf = (each: KeyObject) => each.export({ type: 'pkcs8', format: 'pem' });
  await writeFile(place('root.crt'), rootPem);
  await writeFile(place('issuing.crt'), certify(issuer, root));
  await writeFile(place('issuing.key'), pemOf(issuer.key));
  const provisioner = {
    type: 'JWK',
    name: 'me@step',
    key: { ...createPublicKey(key).export({ format: 'jwk' }), kid: 'a-key', alg: 'ES256', use: 'sig' },
    claims: { minTLSCertDuration: '5s', maxTLSCertDuration: '24h', defaultTLSCertDuration: '1h' },
  };
  const config = {
    root: place('root.crt'),
    crt: place('issuing.crt'),
    key: place('issuing.key'),
    address,
    dnsNames: ['localhost'],
    db: { type: 'badgerv2', dataSource: place('db') },
    authority: { provisioners: [provisioner] },
  };
  await writeFile(place('ca.json'), JSON.stringify(config));
  let server: ReturnType<typeof spawn> | undefined;
  const step: Step = {
    url: `https://localhost:${address.split(':')[1]}`,
    root: rootPem,
    fingerprint: createHash('sha256').update(new X509Certificate(rootPem).raw).digest('hex'),
    jwk: JSON.stringify(jwk),
    async start() {
      server = spawn(engines.stepCa, [place('ca.json')], { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
      await untilSaid(server, /Serving HTTPS/);
    },
    async stop() {
      server!.kill('SIGTERM');
      await once(server!, 'exit');
    },
    async [Symbol.asyncDispose]() {
      await step.stop();
      await rm(folder, { recursive: true });
    },
  };
  await step.start();
  return step;
}
