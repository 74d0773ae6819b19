import { connectAsync } from 'mqtt';

/** An MQTT broker; `target` is its host and port, because `mqtts:` is no scheme that a rule is written for. */
/** @param {import('@clientcert/core').Credentials} credentials @param {{ host: string, port: number }} target */
export async function connectToBroker(credentials, target) {
  return connectAsync({ protocol: 'mqtts', ...target, ...credentials.connectOptions(target) });
}
