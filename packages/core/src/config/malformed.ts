import type { GenericSchema, SafeParseResult } from 'valibot';
import { entriesInTurns } from '../load/turn.ts';
import type { Issue } from '../pin/issue.ts';
import { readIssues } from './config-error.ts';
import { findUnknownKeys, isRecord, SECTIONS } from './shape.ts';

/** What checks a value against a schema, and the schemas. They are loaded when there is a config to check. */
export interface Shapes {
  safeParse(schema: GenericSchema, value: unknown): SafeParseResult<GenericSchema>;
  readonly configSchema: GenericSchema;
  readonly entrySchemas: Readonly<Record<(typeof SECTIONS)[number], GenericSchema>>;
}

/**
 * What of a config is no option, or of the wrong form. Of what stands under a name of the user's choice each entry is
 * checked by itself, so that a hundred thousand of them leave the event loop its turns.
 *
 * @param config A copy (see `copyOwn`).
 */
export async function findMalformed(config: unknown, shapes: Shapes): Promise<Issue[]> {
  const { safeParse, configSchema, entrySchemas } = shapes;
  const frame = isRecord(config) ? emptied(config) : config;
  const unknown = findUnknownKeys(configSchema, frame);
  const issues = readIssues(safeParse(configSchema, frame).issues ?? []);
  if (!isRecord(config)) return [...unknown, ...issues];
  for (const section of SECTIONS) {
    const schema = entrySchemas[section];
    const entries = config[section];
    if (!isRecord(entries)) continue;
    await entriesInTurns(entries, (name, entry) => {
      const path = [section, name];
      if (RESERVED.has(name) && section !== 'hosts') unknown.push(unusable(path));
      // One by one: a call takes no hundred thousand arguments.
      for (const issue of findUnknownKeys(schema, entry, path)) unknown.push(issue);
      for (const issue of readIssues(safeParse(schema, entry).issues ?? [], path)) issues.push(issue);
    });
  }
  return [...unknown, ...issues];
}

/** The config without what its sections hold. */
function emptied(config: Record<string, unknown>): Record<string, unknown> {
  const frame: Record<string, unknown> = Object.assign(Object.create(null), config);
  for (const section of SECTIONS) if (isRecord(frame[section])) frame[section] = Object.create(null);
  return frame;
}

/** Names that mean something to every JavaScript object. A host may be called so. */
const RESERVED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

function unusable(path: Issue['path']): Issue {
  return {
    code: 'ERR_CLIENTCERT_CONFIG_INVALID',
    path,
    message: 'this name has a meaning of its own in JavaScript: choose another',
  };
}
