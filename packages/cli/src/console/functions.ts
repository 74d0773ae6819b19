import { type ConsoleFunctions, Download } from '@clientcert/console';
import type { CertificateInfo, Credentials } from '@clientcert/core';
import { warnOfRules } from '../check-rules.ts';
import { advised } from './advice.ts';
import { installedClients } from './clients.ts';
import { merge, readDraft } from './draft.ts';
import { DroppedFiles } from './dropped.ts';
import { withoutDirectory } from './explained.ts';
import { HeldConfig } from './held-config.ts';
import { Input, isRecord } from './input.ts';
import { pickExplanation, tryOut } from './try.ts';

/** What the console can do: each is what the command or the API does, over a config that is held. */
export function consoleFunctions(
  path: string,
  write: boolean,
): { functions: ConsoleFunctions; close: () => Promise<void> } {
  const config = new HeldConfig(path);
  const dropped = new DroppedFiles();
  const reading: ConsoleFunctions['reading'] = {
    state: async () => {
      const base = { path: config.file.path, write, ...(await config.begin()) };
      try {
        const { credentials, readAt } = await config.current();
        return { ...base, ...withoutDirectory(describe(credentials, readAt), config.file.directory) };
      } catch (error) {
        return { ...base, errors: config.failures(error) };
      }
    },
    explain: async (value) => {
      const input = new Input(value);
      const { credentials, unread } = await config.drafted(readDraft(input.get('draft')));
      if (credentials === undefined) throw unread;
      return pickExplanation(credentials, input.text('url'), input.optionalText('service'));
    },
    check: async (value) => {
      const draft = readDraft(new Input(value).get('draft'));
      const compared = await config.compare(draft);
      try {
        const { credentials, unread } = await config.drafted(draft);
        if (credentials === undefined)
          return { ...compared, errors: [], warnings: [], broken: config.failures(unread) };
        const said = { warnings: warningsOfRules(credentials), broken: brokenIn(credentials) };
        return { ...compared, errors: [], ...withoutDirectory(said, config.file.directory) };
      } catch (error) {
        return { ...compared, errors: config.failures(error), warnings: [], broken: [] };
      }
    },
    look: async (value, tell) => {
      const { imported, reports, ...look } = await dropped.look(value, tell);
      return {
        ...look,
        reports: reports.map(({ identities, ...report }) => ({
          ...report,
          ...(identities && {
            identities: identities.map((each) => ({ ...each, warnings: advised(each.warnings) })),
          }),
        })),
        ...(imported && { imported: { ...imported, config: config.secrets.conceal(imported.config) } }),
      };
    },
    forget: async (value) => {
      dropped.forget(value);
      return {};
    },
    convert: async (value) => {
      const { name, content } = await dropped.convert(value);
      return new Download(name, content);
    },
    merge: async (value) => {
      const input = new Input(value);
      const given = input.get('config');
      return merge(readDraft(input.get('draft')), isRecord(given) ? given : {});
    },
    clients: async () => ({ clients: await installedClients() }),
    try: async (value, tell, signal) => {
      const { credentials } = await config.current();
      return await tryOut(new Input(value), credentials, tell, signal);
    },
  };
  const writing: ConsoleFunctions['writing'] = {
    add: (value) => dropped.add(value, config.file.directory),
    save: async (value) => {
      const input = new Input(value);
      await config.save(readDraft(input.get('draft')), input.text('version'));
      return {};
    },
  };
  return {
    functions: { reading, writing, explain: (error) => config.failures(error) },
    close: async () => {
      dropped.clear();
      await config.close();
    },
  };
}

function describe(credentials: Credentials, readAt: ReadonlyMap<string, Date>): object {
  return {
    certificates: credentials
      .certificates()
      .map(({ error, ...info }: CertificateInfo) => ({
        ...info,
        error: error && { message: error.message, hint: (error as { hint?: string }).hint },
        readAt: readAt.get(info.name),
        warnings: advised(info.warnings),
      }))
      .sort((one, other) => one.validTo.getTime() - other.validTo.getTime()),
    broken: brokenIn(credentials),
    warnings: warningsOfRules(credentials),
    rules: credentials.rules(),
  };
}

/** What is said of the config itself; what is said of a certificate stands with it. */
function warningsOfRules(credentials: Credentials): object[] {
  const all = [...credentials.warnings(), ...warnOfRules(credentials)];
  return advised(all.filter(({ message }) => !message.startsWith('certificate "')));
}

/** Those that could not be read, and why. */
function brokenIn(credentials: Credentials): object[] {
  return credentials
    .health()
    .reasons.filter(({ code }) => code === 'LOAD_FAILED')
    .map(({ certificate, message }) => ({ name: certificate, message }));
}
