import { find, launch, type RealServer, type Seen } from './launch.ts';
import { nameOf, versionOf } from './seen.ts';

const program = find('gnutls-serv', '--version');

/** It cannot be told an address: it listens on all of them, and takes nobody whom the throwaway authority does not vouch for. */
export const gnutls: RealServer = {
  name: 'gnutls-serv',
  program,
  version: [program!, '--version'],
  asks: ['required', 'optional'],
  read,
  start: (demand) =>
    launch(demand, ({ port }) => {
      const { asks = 'required', legacy, revoked } = demand;
      const own = ['--x509certfile', 'server.crt', '--x509keyfile', 'server.key', '--http'];
      const asking = [...(asks === 'required' ? ['--require-client-cert'] : []), '--verify-client-cert'];
      const trusted = ['--x509cafile', 'root.crt', ...(revoked ? ['--x509crlfile', 'revoked.crl'] : [])];
      const versions = legacy
        ? ['--priority', 'NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+SHA1:+SIGN-ALL:%VERIFY_ALLOW_SIGN_WITH_SHA1']
        : [];
      // Into a file it would write when it has a page of it.
      return ['stdbuf', '-oL', program!, '--port', `${port}`, ...own, ...asking, ...trusted, ...versions];
    }),
};

/** It prints all of a session, the certificates at last. */
function read(log: string): Seen[] {
  return log.split('* Accepted connection').flatMap((session) => {
    const [, tls] = /^- Description: \(TLS([\d.]+)/m.exec(session) ?? [];
    return tls ? [{ tls: versionOf(tls), name: nameOf(/^\tSubject: (.*)$/m.exec(session)?.[1] ?? '') }] : [];
  });
}
