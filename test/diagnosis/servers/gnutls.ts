import { find, launch, type RealServer, run } from './launch.ts';

const program = find('gnutls-serv', '--version');

/** It cannot be told an address: it listens on all of them, and takes nobody whom the throwaway authority does not vouch for. */
export const gnutls: RealServer = {
  name: 'gnutls-serv',
  program,
  start: (demand) =>
    launch(demand, ({ folder, port }) => {
      const own = ['--x509certfile', 'server.crt', '--x509keyfile', 'server.key', '--http', '--quiet'];
      const demanding = ['--require-client-cert', '--verify-client-cert'];
      const trusted = ['--x509cafile', 'root.crt', '--x509crlfile', 'revoked.crl'];
      return run(program!, ['--port', `${port}`, ...own, ...demanding, ...trusted], { cwd: folder });
    }),
};
