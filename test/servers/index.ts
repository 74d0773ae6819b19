import { apache } from './apache.ts';
import { gnutls } from './gnutls.ts';
import { haproxy } from './haproxy.ts';
import { jsse, tomcat } from './java.ts';
import type { RealServer } from './launch.ts';
import { nginx } from './nginx.ts';
import { node } from './node.ts';
import { python } from './python.ts';
import { sServer } from './s-server.ts';
import { stunnel } from './stunnel.ts';

/** Those that say why by alerts first, then those that answer, then those that do not say why. */
export const servers: readonly RealServer[] = [
  apache,
  haproxy,
  stunnel,
  sServer,
  python,
  nginx,
  tomcat,
  gnutls,
  jsse,
  node,
];

/** Its name, and why it is left out where it is. */
export function titleOf({ name, program }: RealServer): string {
  return program ? name : `${name}, which is not installed`;
}
