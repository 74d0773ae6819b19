import { fileURLToPath } from 'node:url';
import { find, launch, type RealServer, run } from './launch.ts';

const program = find('python3', '-c', 'import ssl');

export const python: RealServer = {
  name: 'Python',
  program,
  start: (demand) =>
    launch(demand, ({ folder, port }) =>
      run(program!, [fileURLToPath(new URL('server.py', import.meta.url)), `${port}`], { cwd: folder }),
    ),
};
