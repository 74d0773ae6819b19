import { types } from 'node:util';
import { quote } from '../quote.ts';
import type { FileSource } from '../types.ts';
import { hasNames } from './handed-over.ts';
import { Problem } from './problem.ts';
import { faultOfTrustDomain } from './spiffe-id.ts';

/**
 * Checks what a source says, as the config's own check does: what a function returns comes by here alone.
 *
 * @returns a copy of what it says itself, each option read once
 */
export function checkSource(found: unknown): FileSource {
  if (!hasNames(found)) throw new Problem('CONFIG_INVALID', 'the source is not an object', usage);
  const source: FileSource & Record<string, unknown> = Object.assign(Object.create(null), found);
  const unknown = Object.keys(source).find((name) => !Object.hasOwn(faults, name));
  if (unknown !== undefined)
    throw new Problem(
      'CONFIG_INVALID',
      `the source has an unknown option ${quote(unknown, 'option')}`,
      `Known here: ${Object.keys(faults).join(', ')}.`,
    );
  const { pfx, cert, key, dir } = source;
  const named = [pfx, cert ?? key, dir].filter((each) => each !== undefined);
  if (named.length !== 1)
    throw new Problem(
      'CONFIG_INVALID',
      named.length === 0
        ? 'the source names neither pfx, cert nor dir'
        : 'the source names more than one of pfx, cert and dir',
      `${usage} A value that comes from an environment variable may be unset.`,
    );
  for (const [name, faultOf] of Object.entries(faults)) {
    const fault = source[name] === undefined ? undefined : faultOf?.(source[name]);
    if (fault !== undefined) throw new Problem('CONFIG_INVALID', `${name} ${fault[0]}`, fault[1]);
  }
  return source;
}

const usage =
  "Write { pfx: 'client.pfx' }, { cert: 'client.crt', key: 'client.key' } or { dir: '/etc/tls' }.";

type Fault = readonly [what: string, hint: string] | undefined;

/** Every option with what is wrong with its value; where there is nothing, whoever uses it says so. */
const faults: { readonly [Option in keyof Required<FileSource>]: ((value: unknown) => Fault) | undefined } = {
  pfx: undefined,
  cert: undefined,
  key: undefined,
  dir: undefined,
  passphrase: undefined,
  keyPassphrase: undefined,
  pin: undefined,
  engine: undefined,
  ca: undefined,
  bundles: (value) => {
    if (Object.prototype.toString.call(value) !== '[object Object]')
      return ['is not an object of roots by trust domain', "Write { 'bank.example': 'bank-bundle.pem' }."];
    const [fault] = Object.keys(value as object).flatMap((name) => faultOfTrustDomain(name) ?? []);
    return fault === undefined ? undefined : [`has a name that ${fault}`, 'Name the trust domain alone.'];
  },
  trust: (value) =>
    value === 'only'
      ? undefined
      : ['is something else than "only"', 'Write "only", or leave it out to trust Node\'s roots as well.'],
  alias: (value) =>
    typeof value === 'string' && value !== ''
      ? undefined
      : [
          typeof value === 'string' ? 'is empty' : 'is not a string',
          'Name the identity, or give its SHA-256 fingerprint.',
        ],
  maxIterations: (value) =>
    Number.isSafeInteger(value) && (value as number) >= 1
      ? undefined
      : [
          `is ${typeof value === 'number' ? value : 'not a number'}`,
          'Give the rounds of key derivation that are allowed, a whole number, or leave it out.',
        ],
  refresh: (value) => {
    const date = types.isDate(value);
    const time = date ? value.getTime() : value;
    return typeof time === 'number' && !Number.isNaN(time)
      ? undefined
      : [
          `is ${date ? 'a Date that is invalid' : typeof value === 'number' ? value : 'neither a number nor a Date'}`,
          'Return the seconds after which the source is to be read again, or a valid Date. What it is computed from may be missing.',
        ];
  },
};
