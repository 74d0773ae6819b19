import { once } from 'node:events';
import WebSocket from 'ws';

/** A WebSocket, over the agent; `wss:` is decided like `https:`. */
/** @param {import('@clientcert/core').Credentials} credentials @param {string} url */
export async function openWebSocket(credentials, url) {
  const socket = new WebSocket(url, { agent: credentials.agent() });
  await once(socket, 'open');
  return socket;
}
