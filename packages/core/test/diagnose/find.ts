import { type Symptom, symptoms } from '../../src/diagnose/symptoms.ts';

/** The symptoms one of whose messages is in a text. */
export function findSymptoms(text: string): Symptom[] {
  return symptoms.filter(({ messages }) => messages.some((message) => toPattern(message).test(text)));
}

function toPattern(message: string): RegExp {
  const parts = message.split('…').map((part) => part.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(parts.join('[^]*'));
}

/** What needs an HTTP client or a web server to be seen: test/docs/symptoms.test.ts provokes these. */
export const seenWithClients = [
  'proxy-407',
  'proxy-403',
  'http-1-1-required',
  'http-on-tls-port',
  'no-required-ssl-certificate-was-sent',
  'the-ssl-certificate-error',
  'cannot-perform-post-handshake-authentication',
  'request-entity-too-large',
] as const;

/**
 * undici 8 in the fetch of Node 22 and 24: test/adapters/undici.test.ts, by the version matrix.
 * IIS: no test, for there is none on Linux. HAProxy: its words are those of its source (src/http.c), and what they come
 * from where a session was resumed is tested in possible-causes.test.ts. WSO2: its words are those of its source.
 * Axway: its bodies are those of its documentation. Tomcat: test/servers/by-path.slow.test.ts.
 */
export const seenElsewhere: readonly string[] = [
  'invalid-onrequeststart-method',
  'iis-403',
  'haproxy-403',
  'wso2-900901',
  'axway-fault',
  'no-client-certificate-chain',
];
