// What a process does that reaches a token: every client makes calls with a key that is on it. What it found goes to
// standard output, as JSON.
import { ClientCertificateError, type Config, loadCredentials } from '@clientcert/core';
import { ClientCertificateSecurity, soapOptions } from '@clientcert/soap';
import * as soap from 'soap';
import { wsdl } from '../adapters/soap.ts';
import { clients } from '../leaks/clients.ts';

/** What adapters.slow.test.ts asks for. */
export interface Task {
  readonly config: Config;
  readonly url: string;
}

/** What each call came to: a status, or a code. */
export interface Found {
  readonly calls: Readonly<Record<string, readonly (number | string)[]>>;
  readonly signed: number | string;
  readonly health: string;
}

const { config, url } = JSON.parse(process.argv[2] ?? '{}') as Task;
const credentials = await loadCredentials(config);
const calls: Record<string, (number | string)[]> = {};
for (const [index, client] of clients.entries()) {
  const sender = client.create(credentials);
  const call = () => sender.send(`${url}/${index}`, { timeout: 60_000 }).then(({ status }) => status, codeOf);
  calls[client.name] = [await call(), await call()];
  await sender.close?.();
}
const signed = await sign().catch(codeOf);
const health = credentials.health().status;
await credentials.close();
console.log(JSON.stringify({ calls, signed, health } satisfies Found));

async function sign(): Promise<number> {
  const client = await soap.createClientAsync(wsdl, soapOptions(credentials), `${url}/signed`);
  client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true }));
  let status = 0;
  client.on('response', (_, response: { status?: number } | undefined) => {
    status = response?.status ?? 0;
  });
  await client.SayAsync!({ text: 'hello' });
  return status;
}

function codeOf(error: unknown): string {
  return ClientCertificateError.from(error)?.code ?? String((error as Error).message);
}
