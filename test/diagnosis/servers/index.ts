import { startServer } from '@clientcert/testing';
import { findProgram, startApache, startNginx } from '../../docs/webservers.ts';
import { gnutls } from './gnutls.ts';
import { haproxy } from './haproxy.ts';
import { jsse, tomcat } from './java.ts';
import type { RealServer } from './launch.ts';
import { python } from './python.ts';
import { sServer } from './s-server.ts';
import { stunnel } from './stunnel.ts';

const nginx: RealServer = {
  name: 'nginx',
  program: findProgram('nginx'),
  start: (demand) => startNginx(nginx.program!, demand.authority, demand),
};

const apache: RealServer = {
  name: 'Apache',
  program: findProgram('apache2'),
  start: (demand) => startApache(apache.program!, demand.authority, { ...demand, everywhere: true }),
};

const node: RealServer = {
  name: 'Node',
  program: process.execPath,
  start: ({ authority, revoked }) => startServer({ authority, crl: revoked }),
};

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
