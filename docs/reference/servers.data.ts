import { readFileSync } from 'node:fs';
import { type Result, type Tried, tries } from '../../test/servers/results.ts';

/** As `npm run test:servers -- --write` writes them. */
const results: Result[] = JSON.parse(readFileSync(new URL('servers.json', import.meta.url), 'utf8'));

/** A server, and how many calls each trial of it took, in the order of `columns`; `null` where it cannot do that. */
export interface Row {
  name: string;
  version: string;
  calls: (number | null)[];
}

declare const data: { columns: string[]; rows: Row[]; calls: number };

export { data };

const titles: Record<Tried, string> = {
  certificates: 'Certificates',
  'old TLS': 'TLS 1.0, 1.1',
  optional: 'Optional',
  'HTTP/2': 'HTTP/2',
  'by path': 'By path',
  'signed messages': 'Signed',
};

export default {
  load: (): typeof data => ({
    columns: tries.map((tried) => titles[tried]),
    rows: [...new Set(results.map(({ server }) => server))].map((name) => {
      const own = results.filter(({ server }) => server === name);
      const callsOf = (tried: Tried) => own.find((result) => result.tried === tried)?.calls ?? null;
      return { name, version: own[0]!.version, calls: tries.map(callsOf) };
    }),
    calls: results.reduce((sum, { calls }) => sum + calls, 0),
  }),
};
