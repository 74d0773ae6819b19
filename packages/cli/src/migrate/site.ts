import type { Node } from '@babel/types';
import type { Hosts } from './hosts.ts';
import type { Identity } from './identity.ts';
import type { Rewrite } from './rewrite.ts';

/** One place where a certificate is wired by hand, and how it changes. */
export interface Site {
  readonly node: Node;
  readonly what: string;
  readonly identity: Identity;
  readonly hosts: Hosts;
  /** Whether its calls can be made as a service: also as one without hosts, where no host is known. */
  readonly service: ServiceUse;
  /** What its reader should know of it. */
  readonly notes: readonly string[];
  /** Nothing stands in the way any more. @param service As which calls are made; else hosts decide. */
  change(rewrite: Rewrite, service: string | undefined): void;
}

export type ServiceUse = 'anywhere' | 'at its hosts' | 'never';

/** Where something looks like one, and is left alone, with the reason. */
export interface Left {
  readonly node: Node;
  readonly what: string;
  readonly reason: string;
  readonly hint?: string | undefined;
}
