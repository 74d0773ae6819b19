// Requests over the routing agent, against Node's own agent with one prebuilt secure context (the limit) and
// with `pfx` on it (what people wire by hand).
//
//   npm run build && node test/bench/agent.mjs [rounds] [requests]
//
// Requests per second by the clock and by the client's own CPU time: on shared machines the latter is steadier.
import https from 'node:https';
import { createSecureContext } from 'node:tls';
import { loadCredentials } from '@clientcert/core';
import { byHand, compare, limit, startPeer } from './compare.mjs';

const peer = await startPeer();
const { url, ca, cert, key, pfx, passphrase } = peer;
const credentials = await loadCredentials({
  certificates: { alice: { cert, key, ca } },
  hosts: { [new URL(url).host]: 'alice' },
});
const senders = (options) => ({
  [byHand]: over(new https.Agent({ ...options, pfx, passphrase, ca })),
  [limit]: over(new https.Agent({ ...options, secureContext: createSecureContext({ cert, key, ca }) })),
  clientcert: over(credentials.agent(options)),
});
await compare('keep-alive', senders({ keepAlive: true }));
await compare('new connections', senders({ keepAlive: false, maxCachedSessions: 0 }), 1 / 15);
peer.close();
await credentials.close();
process.exit(); // the agents' own idle connections

function over(agent) {
  return () =>
    new Promise((resolve, reject) => {
      https.get(url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
    });
}
