import { readdirSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const entries = readdirSync(`${root}packages`)
  .filter((name) => name !== 'cli')
  .map((name) => `${root}packages/${name}/src/index.ts`);

/** The types as an editor has them, on the sources. */
const program = ts.createProgram(entries, {
  ...ts.parseJsonConfigFileContent(
    ts.readConfigFile(`${root}tsconfig.base.json`, ts.sys.readFile).config,
    ts.sys,
    root,
  ).options,
  noEmit: true,
});
const checker = program.getTypeChecker();

describe.each(entries)('%s', (entry) => {
  const source = program.getSourceFile(entry)!;
  const exported = checker
    .getExportsOfModule(checker.getSymbolAtLocation(source)!)
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol));

  it('every function and class says what it does', () => {
    const callable = exported.filter(({ flags }) => flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class));
    expect(callable.length).toBeGreaterThan(0);
    expect(callable.filter((symbol) => !isExplained(symbol)).map(nameOf)).toEqual([]);
  });

  it('every type says what it is', () => {
    const types = exported.filter(({ flags }) => flags & ts.SymbolFlags.Type).filter(isOurs);
    expect(types.filter((symbol) => !isExplained(symbol)).map(nameOf)).toEqual([]);
  });

  it('every member that a user reads or writes has a text', () => {
    const members = exported
      .filter(({ flags, name }) => flags & ts.SymbolFlags.Interface && !shapesOfOthers.has(name))
      .flatMap((symbol) => checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)))
      .filter((property) => isOurs(property));
    expect(members.filter((symbol) => !isExplained(symbol)).map(nameOf)).toEqual([]);
  });

  it('every option has a text for whoever points at it', () => {
    const options = exported
      .filter(({ name }) => /(Options|Config|Source|Pin|Range|Settings|Truststore)$/.test(name))
      .flatMap((symbol) => checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)))
      .filter((property) => isOurs(property));
    expect(options.filter((symbol) => !isExplained(symbol)).map(nameOf)).toEqual([]);
  });
});

/** What users bring, described as far as it is used: prom-client's, OpenTelemetry's and got's own. */
const shapesOfOthers = new Set(['PrometheusClient', 'PrometheusRegistry', 'OpenTelemetryMeter', 'Hop']);

function isExplained(symbol: ts.Symbol): boolean {
  return ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() !== '';
}

function isOurs(symbol: ts.Symbol): boolean {
  const file = symbol.declarations?.[0]?.getSourceFile().fileName;
  return file !== undefined && !file.includes('node_modules');
}

function nameOf(symbol: ts.Symbol): string {
  const declaration = symbol.declarations![0]!;
  const parent = ts.isInterfaceDeclaration(declaration.parent) ? `${declaration.parent.name.text}.` : '';
  return `${relative(root, declaration.getSourceFile().fileName)}: ${parent}${symbol.name}`;
}
