import { fromMendixSettings, type MendixSettings } from '@clientcert/core';
import { quote } from '@clientcert/core/adapter';
import { UsageError } from '../command.ts';
import { type Imported, Variables, withoutEmpty } from './assemble.ts';
import type { Omitted } from './entry.ts';
import { isJson, parseJson } from './settings.ts';

/** A Mendix runtime's settings, in JSON, alone or in a file of Mendix's, or as lines `NAME=value`. */
export function importMendix(text: string, rebase: (path: string) => string): Imported {
  const settings = findSettings(parseJson(text) ?? readLines(text));
  const config = fromMendixSettings(settings);
  const variables = new Variables();
  const certificates = Object.entries(config.certificates ?? {}).map(([name, source]) => {
    if (typeof source !== 'object' || !('pfx' in source)) return [name, source];
    const { pfx, passphrase, ca, ...rest } = source;
    return [
      name,
      {
        ...rest,
        pfx: rebase(pfx as string),
        ...(passphrase !== undefined && { passphrase: { env: variables.take(name, 'PASSPHRASE') } }),
        ...(ca !== undefined && { ca: rebaseAll(ca, rebase) }),
      },
    ];
  });
  const rules = (held: object | undefined) =>
    Object.fromEntries(Object.entries(held ?? {}).map(([key, rule]) => [key, rebaseRule(rule, rebase)]));
  const imported = {
    certificates: Object.fromEntries(certificates),
    hosts: rules(config.hosts),
    services: rules(config.services),
    ...(config.default !== undefined && { default: rebaseRule(config.default, rebase) }),
  };
  return { config: withoutEmpty(imported), variables: variables.names, omitted: leftOf(settings) };
}

/** Settings that have to do with certificates, too, and are none of the five. */
function leftOf(settings: object): Omitted[] {
  return Object.keys(settings)
    .filter(
      (key) =>
        /certificate|trust.?store|key.?store|proxy(?:host|port)|ssl|tls/i.test(key) && !KNOWN.test(key),
    )
    .map((key) => ({ what: quote(key, 'option'), why: 'there is nothing like it here, or it is not known' }));
}

const KNOWN =
  /^(?:MXRUNTIME_)?(?:ClientCertificates|ClientCertificatePasswords|ClientCertificateUsages|NoClientCertificateUsages|CACertificates)$/;

function readLines(text: string): object {
  const lines = text.split(/\r?\n/).flatMap((line) => {
    const [, name, value] = /^\s*(?:export\s+)?([A-Za-z_][\w.]*)\s*=(.*)$/s.exec(line) ?? [];
    return name === undefined ? [] : [[name, value!.trim().replace(/^(['"])(.*)\1$/s, '$2')] as const];
  });
  if (lines.length === 0) throw new UsageError('the file is not JSON');
  return Object.fromEntries(lines);
}

/** The settings themselves, or under the name that a file of Mendix's gives them. */
function findSettings(value: unknown): MendixSettings {
  if (!isJson(value)) throw new UsageError('the file holds no settings');
  const known = (held: object) =>
    Object.keys(held).some((key) => /^(?:MXRUNTIME_)?(?:No)?(?:ClientCertificate|CACertificates)/.test(key));
  if (known(value)) return value;
  for (const key of ['CustomSettings', 'MicroflowConstants', 'settings', 'runtime', 'mxruntime']) {
    const inner = value[key];
    if (isJson(inner) && known(inner)) return inner;
  }
  throw new UsageError(
    'the file holds no setting ClientCertificates, ClientCertificateUsages, …',
    'Give the JSON object, or the lines NAME=value, in which these settings stand.',
  );
}

function rebaseRule(rule: unknown, rebase: (path: string) => string): unknown {
  return isJson(rule) && rule.ca !== undefined ? { ...rule, ca: rebaseAll(rule.ca, rebase) } : rule;
}

function rebaseAll(ca: unknown, rebase: (path: string) => string): unknown {
  return [ca].flat().map((each) => (typeof each === 'string' ? rebase(each) : each));
}
