import type { NewExpression } from '@babel/types';
import {
  type Code,
  isExported,
  moduleNameOf,
  objectAt,
  propertyOf,
  resolvedObject,
  usesOf,
} from '../code.ts';
import { together } from '../hosts.ts';
import { namesCertificate, readWiring } from '../identity.ts';
import { Refused } from '../refused.ts';
import type { Site } from '../site.ts';
import { bare } from '../syntax.ts';
import { waitFor, wayToLoad } from '../waiting.ts';
import { hostsOfUse } from './https.ts';

const UNDICI = '@clientcert/undici';

/** `new Agent({ connect: { pfx, … } })` of undici. */
export function readDispatcher(code: Code, node: NewExpression): Site | undefined {
  const name = moduleNameOf(code, node.callee)!.slice('undici.'.length);
  for (const given of node.arguments) {
    const connect = ['connect', 'requestTls', 'proxyTls'].map(
      (each) => propertyOf(resolvedObject(code, given), each)?.value,
    );
    const certified = connect.find((each) => each && namesCertificate(code, each));
    if (!certified) continue;
    const [options, object] = [objectAt(code, given), objectAt(code, certified)];
    if (name !== 'Agent')
      throw new Refused(
        `a ${name} of undici has connections of its own`,
        'Use createDispatcher(credentials) of @clientcert/undici in its place.',
      );
    if (!object || !options || bare(given) !== options)
      throw new Refused('its options are written elsewhere', 'Write them out where they are used.');
    const { identity, spent, others } = readWiring(code, object);
    const { uses, binding } = usesOf(code, node);
    const way = wayToLoad(code, node, uses, binding);
    const isShared = binding !== undefined && isExported(code, binding);
    const isLeft = others.length > 0 || options.properties.length > 1;
    return {
      node,
      what: 'new Agent({ connect: { … } })',
      identity,
      hosts: isShared || uses.length === 0 ? undefined : together(uses.map((use) => hostsOfUse(code, use))),
      service: 'at its hosts',
      notes: [],
      change(rewrite, service) {
        const as = service === undefined ? undefined : `service: ${rewrite.quoted(service)}`;
        const create = rewrite.import(UNDICI, 'createDispatcher');
        const [first] = node.arguments;
        if (isLeft) {
          if (others.length === 0) rewrite.removeProperties(options, ['connect'], as);
          else {
            rewrite.removeProperties(object, spent);
            if (as !== undefined) rewrite.edits.insert(options.start! + 1, ` ${as},`);
          }
        }
        const make = (before: string, credentials: string, after: string) => {
          const made = `${before}${create}(${credentials}${isLeft ? ', ' : as === undefined ? '' : `, { ${as} }`}`;
          rewrite.edits.replace(
            { start: node.start!, end: isLeft ? first!.start! : node.end! },
            isLeft ? made : `${made})${after}`,
          );
          if (isLeft && after) rewrite.edits.insert(node.end!, after);
        };
        if (way === 'here') return make('', rewrite.loaded(UNDICI, node)!, '');
        waitFor(rewrite, uses, binding!);
        make(`${rewrite.credentials(UNDICI, node)}.then((loaded) => `, 'loaded', ')');
      },
    };
  }
  return undefined;
}
