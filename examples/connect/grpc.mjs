import { Client, credentials as grpc } from '@grpc/grpc-js';

/**
 * A gRPC channel: hand its credentials to the client that was generated from your .proto. gRPC takes the secure
 * context alone, so a rule's `spki` and `dangerouslyAcceptAnyServer` do not reach it; it checks names itself.
 */
/** @param {import('@clientcert/core').Credentials} credentials @param {{ host: string, port: number }} target */
export function createClient(credentials, target) {
  const { secureContext } = credentials.connectOptions(target);
  return new Client(`${target.host}:${target.port}`, grpc.createFromSecureContext(secureContext));
}
