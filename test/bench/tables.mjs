// What was measured, as tables: for the terminal and for docs/reference/benchmarks.md.

/**
 * @typedef {object} Measurement What `npm run bench` found out about one part on one Node.
 * @property {string} part
 * @property {string} date
 * @property {string} machine
 * @property {number[]} load Of the machine when it began: averages over 1, 5 and 15 minutes.
 * @property {Record<string, string>} clients Their versions.
 * @property {string} node
 * @property {string} openssl
 * @property {Record<string, any>} settings How many rounds, and the like.
 * @property {number} seconds
 * @property {Record<string, any>} results
 */

/**
 * @typedef {object} Cell
 * @property {string} text
 * @property {string} [spread]
 */

/**
 * @typedef {object} Table
 * @property {string} part
 * @property {string} subject What the rows are.
 * @property {string} id
 * @property {string} title
 * @property {string} unit What the figures are, and which are better.
 * @property {string[]} columns Of the figures.
 * @property {{ name: string, node: string, cells: Cell[] }[]} rows Of one name side by side, a Node each.
 */

const byClient = {
  part: 'clients',
  subject: 'client',
  unit: 'Share of the limit, which is the client over one prebuilt secure context; more is better.',
  columns: [
    'limit, requests per CPU second',
    'by hand, CPU',
    'clientcert, CPU',
    'by hand, clock',
    'clientcert, clock',
  ],
};
const cellsOfClient = (/** @type {any} */ { limit, 'by hand': hand, clientcert }) => [
  cell(limit.cpu),
  cell(hand.cpuShare),
  cell(clientcert.cpuShare),
  cell(hand.clockShare),
  cell(clientcert.clockShare),
];

/** Each with how to find the rows in the results of its part: their names, and for each its cells. */
const tables = [
  {
    ...byClient,
    id: 'kept',
    title: 'Connections that are kept',
    rows: (results) => mapValues(results, ({ kept }) => cellsOfClient(kept)),
  },
  {
    ...byClient,
    id: 'new',
    title: 'New connections',
    rows: (results) => mapValues(results, (client) => cellsOfClient(client.new)),
  },
  {
    ...byClient,
    id: 'resumed',
    title: 'New connections, to a server that resumes sessions',
    rows: (results) => mapValues(results, ({ resumed }) => cellsOfClient(resumed)),
  },
  {
    part: 'cold-start',
    subject: 'client',
    id: 'cold-start',
    title: 'A program’s first response',
    unit: 'Milliseconds from a program’s first line to the end of its first response; less is better.',
    columns: ['no certificate', 'by hand', 'clientcert'].flatMap((way) => [`${way}, CPU`, `${way}, clock`]),
    rows: (results) =>
      mapValues(results, (client) =>
        ['nothing', 'by hand', 'clientcert'].flatMap((way) => [
          cell(client[way].cpu),
          cell(client[way].clock),
        ]),
      ),
  },
  {
    part: 'imports',
    subject: 'package',
    id: 'imports',
    title: 'Importing',
    unit: 'Milliseconds, core after node:https, and each adapter after core and its client; less is better.',
    columns: ['CommonJS, CPU', 'CommonJS, clock', 'ES module, CPU', 'ES module, clock'],
    rows: ({ commonjs, module }) =>
      mapValues(commonjs, (own, name) =>
        [own, module[name]].flatMap(({ cpu, clock }) => [cell(cpu), cell(clock)]),
      ),
  },
  {
    part: 'loading',
    subject: 'file',
    id: 'loading',
    title: 'Loading a file',
    unit: 'Milliseconds from its bytes to a secure context, and how many of them the event loop did nothing else; less is better. Native is tls.createSecureContext, where it can read the file.',
    columns: [
      'native, CPU',
      'clientcert, CPU',
      'native, clock',
      'clientcert, clock',
      'native, event loop',
      'clientcert, event loop',
    ],
    rows: ({ kinds }) =>
      mapValues(kinds, ({ native, clientcert }) =>
        ['cpu', 'clock', 'loop'].flatMap((what) => [cell(native?.[what]), cell(clientcert[what])]),
      ),
  },
  {
    part: 'memory',
    subject: 'config',
    id: 'memory',
    title: 'Memory',
    unit: 'For each identity (EC, from PEM files) of a config: kilobytes of the process, and milliseconds of CPU time; less is better.',
    columns: ['loaded, kB', 'used, kB', 'loading, ms', 'its context, ms', 'one more in the config, ms'],
    rows: (results) =>
      rename(
        mapValues(results, ({ loaded, used, loading, using, more }) =>
          [loaded, used, loading, using, more].map(cell),
        ),
        (amount) => `${figure(Number(amount))} identities`,
      ),
  },
  {
    part: 'decisions',
    subject: 'asked for',
    id: 'decisions',
    title: 'Decisions',
    unit: 'A second of CPU time, in millions, by the number of rules; more is better.',
    columns: ({ loading }) => Object.keys(loading).map((size) => `${figure(Number(size))} rules`),
    rows: ({ deciding }) =>
      mapValues(deciding, (sizes) => Object.values(sizes).map(({ cpu }) => cell(cpu, 1e-6))),
  },
  {
    part: 'decisions',
    subject: 'call',
    id: 'rules',
    title: 'Loading rules',
    unit: 'Milliseconds of CPU time to read a config with so many rules and one certificate; less is better.',
    columns: ({ loading }) => Object.keys(loading).map((size) => `${figure(Number(size))} rules`),
    rows: ({ loading }) => ({
      loadCredentials: Object.values(loading).map((value) => ({ text: figure(value) })),
    }),
  },
  {
    part: 'rotation',
    subject: 'certificate',
    id: 'rotation',
    title: 'Renewal under load',
    unit: 'Requests over node:https while the file is replaced, against none; more is better.',
    columns: ['requests per CPU second', 'requests per second', 'of those at rest, CPU', 'failed'],
    rows: ({ rates, failed }) =>
      mapValues(rates, ({ cpu, clock, cpuShare }, name) => [
        cell(cpu),
        cell(clock),
        cell(cpuShare),
        { text: name === 'at rest' ? '–' : `${failed}` },
      ]),
  },
];

/**
 * @param {readonly Measurement[]} measurements
 * @returns {Table[]}
 */
export function tablesOf(measurements) {
  return tables.flatMap(({ part, subject, id, title, unit, columns, rows }) => {
    const own = measurements.filter((each) => each.part === part);
    if (own.length === 0) return [];
    const found = own.map(({ node, results }) => ({ node: majorOf(node), rows: rows(results) }));
    const names = [...new Set(found.flatMap((each) => Object.keys(each.rows)))];
    return {
      part,
      subject,
      id,
      title,
      unit,
      columns: typeof columns === 'function' ? columns(own[0]?.results) : columns,
      rows: names.flatMap((name) =>
        found.map((each) => ({ name, node: each.node, cells: each.rows[name] ?? [] })),
      ),
    };
  });
}

/** `24` of `24.22.3`. */
export function majorOf(/** @type {string} */ node) {
  return node.split('.', 1)[0] ?? '';
}

const formats = [0, 1, 2].map(
  (digits) =>
    new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }),
);

/** Three digits, or the whole number. */
export function figure(/** @type {number} */ value) {
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return formats[digits]?.format(value) ?? '';
}

/** @returns {Cell} */
function cell(/** @type {import('./statistics.mjs').Summary | undefined} */ summary, scale = 1) {
  if (!summary) return { text: '–' };
  const [median, low, high] = [summary.median, summary.low, summary.high].map((value) =>
    figure(value * scale),
  );
  return { text: `${median}`, ...(low !== high && { spread: `${low}–${high}` }) };
}

function mapValues(object, map) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value, name)]));
}

function rename(object, map) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [map(name), value]));
}
