import type { CaMaterial, TlsRange } from '../types.ts';
import type { HostPattern } from './pattern.ts';

/** What one rule of a config says, checked. `undefined` throughout: the rule does not say. */
export interface PinRule {
  /** The rule's place in the config, as {@link Resolution.rule} shows it. */
  readonly label: string;
  readonly path: readonly (string | number)[];
  /** A certificate's name; `false`: never one. */
  readonly certificate: string | false | undefined;
  readonly tls: TlsRange | undefined;
  readonly ca: readonly CaMaterial[] | undefined;
  readonly trust: 'only' | undefined;
  readonly spki: readonly string[] | undefined;
  readonly servername: string | undefined;
  readonly server: string | undefined;
  readonly resume: boolean | undefined;
  readonly required: boolean | undefined;
  readonly dangerouslyAcceptAnyServer: boolean | 'and-present-certificate' | undefined;
  readonly allowDowngrade: boolean | undefined;
}

export interface HostRule extends PinRule {
  readonly pattern: HostPattern;
}

export interface ServiceRule extends PinRule {
  readonly name: string;
  /** Where the service applies; `undefined`: at the origin that the caller's own request names. */
  readonly hosts: readonly HostPattern[] | undefined;
}

/** Every rule of one config. */
export interface Pins {
  readonly hosts: readonly HostRule[];
  readonly services: readonly ServiceRule[];
  readonly default: PinRule | undefined;
  /** The TLS versions where no rule says otherwise. */
  readonly tls: TlsRange;
  /** Whether the config wrote them. */
  readonly saysTls: boolean;
  /** Certificates whose source says `trust: 'only'`. */
  readonly trustOnly: ReadonlySet<string>;
}

/** All of them, in the order of the config. */
export function rulesOf(pins: Pick<Pins, 'hosts' | 'services' | 'default'>): PinRule[] {
  return [...pins.hosts, ...pins.services, ...(pins.default ? [pins.default] : [])];
}

/** A rule that says nothing, to be spread under one that says something. */
export const SILENT: Omit<PinRule, 'label' | 'path'> = Object.freeze({
  certificate: undefined,
  tls: undefined,
  ca: undefined,
  trust: undefined,
  spki: undefined,
  servername: undefined,
  server: undefined,
  resume: undefined,
  required: undefined,
  dangerouslyAcceptAnyServer: undefined,
  allowDowngrade: undefined,
});
