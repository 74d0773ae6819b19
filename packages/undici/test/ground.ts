import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import { type Credentials, loadCredentials } from '../src/index.ts';

/** One authority, and three clients that it vouches for. */
export interface People {
  readonly authority: Authority;
  readonly alice: IssuedCertificate;
  readonly bob: IssuedCertificate;
  readonly carol: IssuedCertificate;
}

export async function createPeople(): Promise<People> {
  const authority = await createAuthority();
  const [alice, bob, carol] = await Promise.all(
    ['alice', 'bob', 'carol'].map((name) => authority.issue({ name })),
  );
  return { authority, alice: alice!, bob: bob!, carol: carol! };
}

/** The certificate of a server with another name than the one that it is called by. */
export function misnamedOf({ authority }: People): Promise<IssuedCertificate> {
  return authority.issue({ name: 'elsewhere.example', hosts: ['elsewhere.example'], usage: 'server' });
}

/** A host that asks for a certificate and takes none. */
export function startBank({ authority }: People, options: object = {}): Promise<TestServer> {
  return startServer({ authority, host: 'localhost', clientCertificate: 'optional', ...options });
}

/** alice at the bank, as service `Archive` bob. */
export function load(
  { authority, alice, bob }: People,
  bank: TestServer,
  rule?: object,
): Promise<Credentials> {
  const ca = authority.certificate;
  return loadCredentials({
    certificates: {
      alice: { cert: alice.fullChain, key: alice.key, ca },
      bob: { cert: bob.fullChain, key: bob.key, ca },
    },
    hosts: { [`localhost:${bank.port}`]: (rule ?? 'alice') as 'alice' },
    services: { Archive: { certificate: 'bob', hosts: [`localhost:${bank.port}`] } },
  });
}

/** Who the server took each request for. */
export function subjects(server: TestServer): (string | null)[] {
  return server.requests.map(({ clientCertificate }) => clientCertificate?.commonName ?? null);
}

/** The codes of what a call failed with, and of everything that caused it; empty where it did not fail. */
export async function codesOf(call: Promise<unknown>): Promise<unknown[]> {
  const codes: unknown[] = [];
  let error = await call.then(
    () => undefined,
    (reason: NodeJS.ErrnoException) => reason,
  );
  while (error) {
    codes.push(error.code);
    error = error.cause as NodeJS.ErrnoException | undefined;
  }
  return codes;
}
