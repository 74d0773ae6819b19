import type { Node } from '@babel/types';
import { readHttpsOption } from './clients/got.ts';
import { readAgent, readRequest } from './clients/https.ts';
import { readSecurity } from './clients/soap.ts';
import { readDispatcher } from './clients/undici.ts';
import { type Code, moduleNameOf } from './code.ts';
import { findElsewhere } from './elsewhere.ts';
import { namesCertificate } from './identity.ts';
import { Refused } from './refused.ts';
import type { Left, Site } from './site.ts';
import { keyOf, walk } from './syntax.ts';

/**
 * Every place of a file where a certificate is wired by hand: those that can change, those that are left, and those
 * of which no client is known.
 */
export function findSites(code: Code): { sites: Site[]; left: Left[]; elsewhere: Left[] } {
  const sites: Site[] = [];
  const left: Left[] = [];
  walk(code.program, (node) => {
    const found = KINDS.find((kind) => kind.is(code, node));
    if (!found) return;
    try {
      const site = found.read(code, node);
      if (site) sites.push(site);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      left.push({ node, what: found.what(code, node), reason: error.message, hint: error.hint });
    }
  });
  const known = new Set([...sites, ...left].map(({ node }) => node));
  return { sites, left, elsewhere: findElsewhere(code, known) };
}

interface Kind {
  is(code: Code, node: Node): boolean;
  read(code: Code, node: Node): Site | undefined;
  what(code: Code, node: Node): string;
}

function kind<Type extends Node['type']>(
  type: Type,
  is: (code: Code, node: Extract<Node, { type: Type }>) => boolean,
  read: (code: Code, node: Extract<Node, { type: Type }>) => Site | undefined,
  what: string,
): Kind {
  type Its = Extract<Node, { type: Type }>;
  return {
    is: (code, node) => node.type === type && is(code, node as Its),
    read: (code, node) => read(code, node as Its),
    what: () => what,
  };
}

const named = (code: Code, node: { callee: Node }) => moduleNameOf(code, node.callee) ?? '';

const KINDS: readonly Kind[] = [
  kind(
    'NewExpression',
    (code, node) => named(code, node) === 'https.Agent' && namesCertificate(code, node.arguments[0]),
    readAgent,
    'new https.Agent(…)',
  ),
  kind(
    'NewExpression',
    (code, node) => /^soap\.ClientSSLSecurity(PFX)?$/.test(named(code, node)),
    readSecurity,
    'new ClientSSLSecurity(…)',
  ),
  kind(
    'NewExpression',
    (code, node) => /^undici\.\w+$/.test(named(code, node)),
    readDispatcher,
    'a dispatcher of undici',
  ),
  kind(
    'CallExpression',
    (code, node) => /^https\.(request|get)$/.test(named(code, node)),
    readRequest,
    'https.request(…)',
  ),
  kind('ObjectProperty', (_, node) => keyOf(node) === 'https', readHttpsOption, 'got’s https option'),
];
