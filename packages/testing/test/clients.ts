import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { ConnectionOptions, SecureContextOptions } from 'node:tls';
import type { Authority, IssuedCertificate } from '../src/index.ts';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

type Options = Omit<https.RequestOptions, 'agent'> & {
  agent?: https.RequestOptions['agent'] | undefined;
} & Pick<ConnectionOptions, 'ALPNProtocols'> & { body?: string | Buffer };

/** One request by Node's own client, over a connection of its own unless an agent is given. */
export async function request(url: string, { body, ...options }: Options = {}): Promise<Answer> {
  const client = url.startsWith('https:') ? https : http;
  const outgoing = client.request(url, { agent: false, ...options });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

/** What makes a client trust the authority and present the certificate. */
export function as(client: IssuedCertificate | undefined, authority: Authority): SecureContextOptions {
  const ca = authority.certificate;
  return client ? { ca, cert: client.fullChain, key: client.key } : { ca };
}
