import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { find, launch, type RealServer, run } from './launch.ts';

const program = find('openssl', 'version');

export const sServer: RealServer = {
  name: 'openssl s_server',
  program,
  start: (demand) =>
    launch(demand, ({ folder, port }) => {
      // Its option for revocation lists takes one; the file of roots takes as many as there are.
      appendFileSync(join(folder, 'root.crt'), readFileSync(join(folder, 'revoked.crl')));
      const demanding = ['-Verify', '3', '-verify_return_error', '-crl_check', '-CAfile', 'root.crt'];
      const own = ['-cert', 'server.crt', '-key', 'server.key', '-www', '-quiet'];
      return run(program!, ['s_server', '-accept', `127.0.0.1:${port}`, ...own, ...demanding], {
        cwd: folder,
      });
    }),
};
