import { fileURLToPath } from 'node:url';
import { find, launch, type RealServer } from './launch.ts';
import { read } from './seen.ts';

const program = find('python3', '-c', 'import ssl');

export const python: RealServer = {
  name: 'Python',
  program,
  version: ['python3', '--version'],
  asks: ['required', 'optional'],
  read,
  start: (demand) =>
    launch(demand, ({ port }) => {
      const script = fileURLToPath(new URL('server.py', import.meta.url));
      const given = [`${port}`, demand.asks ?? 'required', ...(demand.legacy ? ['legacy'] : [])];
      return [program!, script, ...given];
    }),
};
