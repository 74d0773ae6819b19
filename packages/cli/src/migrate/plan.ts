import { access, lstat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { show } from '@clientcert/core/adapter';
import { readBounded } from '../bounded-file.ts';
import { UsageError } from '../command.ts';
import { isJson } from '../other/settings.ts';
import { type Code, lineOf, readCode } from './code.ts';
import { Draft, type Placed } from './draft.ts';
import { isModule, listCode, readCodeFile, shownPath } from './files.ts';
import { findSites } from './find.ts';
import type { Identity } from './identity.ts';
import { Refused } from './refused.ts';
import { Rewrite } from './rewrite.ts';
import { masker } from './secrets.ts';
import type { Site } from './site.ts';
import { loadParser, type Parser, parse, Unparsable } from './syntax.ts';
import type { Replacement } from './write.ts';

/** What would change, and what would not. */
export interface Plan {
  readonly changes: readonly (Replacement & { file: string; sites: readonly PlannedSite[] })[];
  /** `undefined` where nothing changes. */
  readonly config: (Replacement & { file: string }) | undefined;
  readonly left: readonly PlannedLeft[];
  readonly skipped: readonly { file: string; line?: number; reason: string }[];
  /** Environment variables that passphrases have to be moved to. */
  readonly variables: readonly string[];
  /** Packages that the new code imports. */
  readonly packages: readonly string[];
  readonly filesRead: number;
  /** What is printed of the code, without what is secret in it. */
  readonly mask: (line: string) => string;
}

export interface PlannedSite extends Omit<Placed, 'variable'> {
  readonly line: number;
  readonly what: string;
}

export interface PlannedLeft {
  readonly file: string;
  readonly line: number;
  readonly what: string;
  readonly reason: string;
  readonly hint?: string | undefined;
}

export interface PlanOptions {
  readonly paths: readonly string[];
  /** Where the config is, or will be. */
  readonly config: string;
  readonly hosts: readonly string[];
  readonly from: string;
}

/** What names a certificate in code stands beside the name of a module that takes it; of a PFX it is plain. */
const PFX = /\bpfx\b['"`]?\s*[:,}(=]/;
const CANDIDATE = /\b(pfx|cert|certificate|key|ClientSSLSecurity(PFX)?)\b/;
const MODULE = /['"`](node:)?(https|got|soap|undici|tls|http2|axios|request|superagent|supertest|needle)\b/;

/** Reads a code base, and runs none of it. @throws UsageError */
export async function makePlan({ paths, config, hosts, from }: PlanOptions): Promise<Plan> {
  const files = await listCode(paths, from);
  const skipped: Plan['skipped'][number][] = [];
  const codes: { code: Code; found: ReturnType<typeof findSites> }[] = [];
  const modules = new Map<string, boolean>();
  let parser: Parser | undefined;
  for (const path of files) {
    const shown = shownPath(path, from);
    const read = await readCodeFile(path);
    if (!read) continue;
    if ('reason' in read) {
      skipped.push({ file: shown, reason: read.reason });
      continue;
    }
    if (!PFX.test(read.text) && !(CANDIDATE.test(read.text) && MODULE.test(read.text))) continue;
    parser ??= await loadParser();
    try {
      const code = readCode(parser, { path, shown, text: read.text }, await isModule(path, modules));
      codes.push({ code, found: findSites(code) });
    } catch (error) {
      if (error instanceof Unparsable) skipped.push({ file: shown, line: error.line, reason: error.message });
      else if (error instanceof RangeError) skipped.push({ file: shown, reason: 'it is nested too deeply' });
      else throw error;
    }
  }

  const target = resolve(from, config);
  const named = { path: target, shown: show(shownPath(target, from), 'path', from) };
  const before = await readConfig(target, named.shown);
  let draft = new Draft(before.value, dirname(target), from);
  const changes: Plan['changes'][number][] = [];
  const left: PlannedLeft[] = [];
  const variables = new Set<string>();
  const packages = new Set<string>();
  for (const { code, found } of codes) {
    const leave = ({ node, what }: Pick<Site, 'node' | 'what'>, { message, hint }: Refused) =>
      left.push({ file: code.shown, line: lineOf(node), what, reason: message, hint });
    for (const each of found.left) leave(each, new Refused(each.reason, each.hint));
    const attempt = draft.copy();
    const placed: { site: Site; as: Placed }[] = [];
    for (const site of found.sites) {
      try {
        placed.push({ site, as: attempt.place(site, hosts, `${code.shown}:${lineOf(site.node)}`) });
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        leave(site, error);
      }
    }
    const refusal = left.find(({ file }) => file === code.shown);
    // What nothing here takes stands in the way of nothing.
    for (const each of found.elsewhere) leave(each, new Refused(each.reason, each.hint));
    if (placed.length === 0) continue;
    if (refusal) {
      // Half of a client by hand and half with us would be a conflict.
      const why = new Refused(`it could change, if line ${refusal.line} could: a file changes whole`);
      for (const { site } of placed) leave(site, why);
      continue;
    }
    const rewrite = new Rewrite(code);
    const after = changed(parser!, rewrite, placed, named);
    if (after === undefined) {
      const refused = new Refused('what it would become is not valid code', 'Please report it.');
      for (const { site } of placed) leave(site, refused);
      continue;
    }
    draft = attempt;
    for (const { as } of placed) if (as.variable !== undefined) variables.add(as.variable);
    for (const name of rewrite.packages) packages.add(name);
    const sites = await Promise.all(
      placed.map(async ({ site, as: { variable, ...as } }) => ({
        line: lineOf(site.node),
        what: site.what,
        ...as,
        notes: [
          ...as.notes,
          ...(variable ? [movedNote(variable)] : []),
          ...(await missing(site.identity, from)),
        ],
      })),
    );
    changes.push({ file: code.shown, path: code.path, before: code.text, after, sites });
  }
  const text = `${JSON.stringify(draft.config, null, 2)}\n`.replaceAll('\n', before.eol);
  const isSame =
    before.text !== undefined && JSON.stringify(draft.config) === JSON.stringify(before.original);
  return {
    changes,
    config:
      changes.length === 0 || isSame
        ? undefined
        : { file: named.shown, path: target, before: before.text, after: text },
    left,
    skipped,
    variables: [...variables],
    packages: [...packages].sort(),
    filesRead: files.length,
    mask: masker(codes.map(({ code }) => code)),
  };
}

/** The new text; `undefined` where it would not be code. */
function changed(
  parser: Parser,
  rewrite: Rewrite,
  placed: readonly { site: Site; as: Placed }[],
  config: { path: string; shown: string },
): string | undefined {
  const { code } = rewrite;
  rewrite.besideCode = placed.some(({ site }) => isBesideCode(site.identity));
  for (const { site, as } of placed) site.change(rewrite, as.service);
  try {
    const text = rewrite.finish(config);
    parse(parser, code.path, text);
    return text;
  } catch {
    return undefined;
  }
}

function materials({ pfx, cert = [], key, ca, passphrase }: Identity) {
  return [pfx, ...cert, key, ...ca, passphrase].flatMap((each) =>
    typeof each === 'object' && 'file' in each ? [each] : [],
  );
}

function isBesideCode(identity: Identity): boolean {
  return materials(identity).some(({ besideCode }) => besideCode);
}

async function missing(identity: Identity, from: string): Promise<string[]> {
  const notes = await Promise.all(
    materials(identity).map(({ file }) =>
      access(resolve(from, file)).then(
        () => [],
        () => [`${shownPath(resolve(from, file), from)} is not there: run this where the program is started`],
      ),
    ),
  );
  return notes.flat();
}

function movedNote(variable: string): string {
  return `its passphrase is written in the code: set ${variable} to it, then have it changed, as the history holds it`;
}

async function readConfig(
  path: string,
  shown: string,
): Promise<{ value: Record<string, unknown>; original?: unknown; text?: string; eol: string }> {
  let text: string;
  try {
    if ((await lstat(path)).isSymbolicLink())
      throw new UsageError(`${shown} is a symbolic link`, 'Give what it leads to, with --config.');
    text = (await readBounded(path)).toString();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { value: {}, eol: '\n' };
    throw new UsageError(`${shown} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  try {
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
    const sections = isJson(value) ? [value.certificates, value.hosts, value.services] : [null];
    if (isJson(value) && sections.every((each) => each === undefined || isJson(each)))
      return { value, original: structuredClone(value), text, eol: text.includes('\r\n') ? '\r\n' : '\n' };
  } catch {
    // What a parser says quotes the text.
  }
  throw new UsageError(
    `${shown} is no config in JSON`,
    'clientcert check says what is wrong with it; --config FILE names another.',
  );
}
