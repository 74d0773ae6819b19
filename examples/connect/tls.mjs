import { once } from 'node:events';
import { connect } from 'node:tls';

/** Any protocol of your own over TLS. */
/** @param {import('@clientcert/core').Credentials} credentials @param {string} url */
export async function openConnection(credentials, url) {
  const { hostname, port } = new URL(url);
  const socket = connect({ ...credentials.connectOptions(url), host: hostname, port: Number(port) });
  await once(socket, 'secureConnect');
  return socket;
}
