import { tablesOf } from './tables.mjs';
import { verdictsOf } from './targets.mjs';

/** Prints what was measured as tables, and the targets with what came of each. */
export function print(measurements) {
  for (const { subject, title, unit, columns, rows } of tablesOf(measurements)) {
    const lines = rows.map(({ name, node, cells }) => [
      name,
      node,
      ...cells.map(({ text, spread }) => (spread ? `${text} (${spread})` : text)),
    ]);
    console.log(`${title}\n${unit}`);
    printLines([[subject, 'Node', ...columns], ...lines]);
  }
  console.log('Targets');
  printLines(
    verdictsOf(measurements).map(({ title, bound, node, met, said }) => [
      `${title}: ${bound}`,
      `Node ${node}`,
      met ? `met, ${said}` : `MISSED, ${said}`,
    ]),
  );
}

function printLines(lines) {
  const widths = lines.reduce(
    (known, line) => line.map((text, index) => Math.max(known[index] ?? 0, text.length)),
    [],
  );
  for (const line of lines) {
    console.log(`  ${line.map((text, index) => text.padEnd(widths[index])).join('  ')}`.trimEnd());
  }
  console.log();
}
