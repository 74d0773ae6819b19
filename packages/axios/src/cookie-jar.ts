import { ClientCertificateError } from '@clientcert/core';

/**
 * What to do where axios-cookiejar-support, whose interceptor runs after ours, meets the agent that brings the
 * certificate: its own message has one remove an agent that nobody set.
 */
export function conflictOfJar(error: unknown): ClientCertificateError | undefined {
  // The message of an aborted call is what it was aborted with, of whichever kind.
  const message: unknown = error instanceof Error ? error.message : undefined;
  if (typeof message !== 'string' || !message.startsWith('axios-cookiejar-support')) return undefined;
  if (!message.includes('Agent')) return undefined;
  return new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    'the cookie jar of axios-cookiejar-support is an agent, and so is what brings the certificate: a request has one',
    { hint: 'Take the jar off, and keep its cookies in interceptors instead.', cause: error },
  );
}
