import { existsSync } from 'node:fs';
import { ClientCertificateError, type Credentials, loadCredentials } from '@clientcert/core';
import { show } from '@clientcert/core/adapter';
import type { Command } from 'commander';
import { during } from './progress.ts';

export interface ConfigOptions {
  config?: string;
}

export function addConfigOption(command: Command): Command {
  return command.option(
    '--config <file>',
    'the config (CLIENTCERT_CONFIG, else clientcert.json in the working directory)',
  );
}

/** Loads the config that is named, else that of `CLIENTCERT_CONFIG`, else `clientcert.json`. Watches nothing. */
export async function loadConfig(file: string | undefined): Promise<Credentials> {
  const credentials = await during(`Reading ${show(configFile(file), 'path')}`, () => load(file));
  // The commands print warnings where they belong.
  return credentials.on('warning', () => {});
}

/** The same; `undefined` where none was named and none is there. */
export async function findConfig(file: string | undefined): Promise<Credentials | undefined> {
  const named = file ?? process.env.CLIENTCERT_CONFIG;
  return named || existsSync('clientcert.json') ? await loadConfig(file) : undefined;
}

/** Which file that is. */
export function configFile(file: string | undefined): string {
  return file ?? (process.env.CLIENTCERT_CONFIG || 'clientcert.json');
}

async function load(file: string | undefined): Promise<Credentials> {
  if (file !== undefined) return loadCredentials(file);
  if (process.env.CLIENTCERT_CONFIG) return loadCredentials();
  if (existsSync('clientcert.json')) return loadCredentials('clientcert.json');
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_NOT_FOUND',
    `no config was named, CLIENTCERT_CONFIG is not set, and there is no clientcert.json in ${process.cwd()}`,
    { hint: 'Name one with --config FILE.' },
  );
}
