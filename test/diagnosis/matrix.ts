import { type Diagnosis, diagnose } from '@clientcert/core';

import { nameFromDer } from '../../packages/cli/src/tls/names.ts';
import { readServerFlight } from '../../packages/cli/src/tls/server-flight.ts';
import { observe } from '../../packages/core/src/diagnose/observation.ts';
import type { Listening, RealServer } from '../servers/launch.ts';
import { waitForLog } from '../servers/waiting.ts';
import { type Call, type Client, clients } from './clients.ts';
import { type Kind, kinds, load, revoked, root, type Version } from './credentials.ts';
import { reasons } from './reasons.ts';
import type { Cell, Grade, Said } from './table.ts';

/** What is the matter with each. */
const truths: Readonly<Record<Kind, Diagnosis['code']>> = {
  right: 'UNKNOWN',
  none: 'NO_CLIENT_CERTIFICATE_SENT',
  untrusted: 'ISSUER_NOT_TRUSTED_BY_SERVER',
  expired: 'CLIENT_CERTIFICATE_EXPIRED',
  'not yet valid': 'CLIENT_CERTIFICATE_NOT_YET_VALID',
  'wrong usage': 'CLIENT_CERTIFICATE_WRONG_PURPOSE',
  revoked: 'CLIENT_CERTIFICATE_REVOKED',
  'missing intermediate': 'CLIENT_CHAIN_INCOMPLETE',
  weak: 'CLIENT_CREDENTIAL_TOO_WEAK',
};

/** What of every credential, over every version of TLS, through every client is tried. */
export interface Trial {
  readonly versions: readonly Version[];
  /** Versions before 1.2 as well: the server is told to speak them. */
  readonly legacy?: boolean;
  readonly includes: (credential: Kind, client: Client) => boolean;
}

const whole: Trial = { versions: ['TLSv1.2', 'TLSv1.3'], includes: () => true };

/**
 * Calls a server, and looks up in what it wrote whom it served, or why it refused.
 *
 * @throws Error where it wrote anything else.
 */
export async function tryServer(
  server: RealServer,
  { versions, legacy = false, includes }: Trial = whole,
): Promise<Cell[]> {
  await using running = await server.start({ authority: root, revoked, legacy });
  const cells: Cell[] = [];
  for (const tls of versions) {
    const issuers = await issuersOf(running.port, tls);
    for (const credential of kinds) {
      for (const client of Object.keys(clients) as Client[]) {
        if (!includes(credential, client)) continue;
        const before = running.log().length;
        const outcome = await tryClient(client, credential, running.port, tls, issuers);
        await checkLog(server, running, before, { credential, tls, saw: outcome.saw });
        cells.push({ server: server.name, credential, tls, client, ...outcome });
      }
    }
  }
  return cells;
}

/** Waits until it has written of a call what came of it. */
async function checkLog(
  server: RealServer,
  running: Listening,
  before: number,
  { credential, tls, saw }: Pick<Cell, 'credential' | 'tls' | 'saw'>,
): Promise<void> {
  if (saw.startsWith('ERR_CLIENTCERT_')) return; // nothing was sent
  const kind = credential as Kind;
  const isThere = (log: string) =>
    saw === 'served' || kind === 'right'
      ? server.read(log).some((seen) => seen.name === 'bank' && seen.tls === tls)
      : reasons[kind].test(log);
  await waitForLog(running, before, isThere, `${server.name}, ${credential}, ${tls}`);
}

/** What `clientcert probe` prints of them. */
async function issuersOf(port: number, tls: Version): Promise<string[]> {
  const { request } = await readServerFlight({ host: '127.0.0.1', port }, undefined, tls, 20_000);
  return request!.authorities.map((name) => nameFromDer(name)!);
}

async function tryClient(
  client: Client,
  credential: Kind,
  port: number,
  tls: Version,
  issuers: readonly string[],
): Promise<Pick<Cell, 'saw' | 'said' | 'informed'>> {
  await using credentials = await load(credential, port, tls);
  const url = `https://127.0.0.1:${port}/private/index.html`;
  const answer: unknown = await (clients[client] as Call)(credentials, url).catch((error: unknown) => error);
  if (isServed(answer)) return { saw: 'served' };
  const diagnosis = diagnose(answer, { credentials, url });
  const saw = sightOf(answer);
  const carried = carriedBy(answer);
  if (isCarrier(client, saw) && carried !== diagnosis.code) {
    throw new Error(`${client}’s error for ${saw} carries ${carried}, and not ${diagnosis.code}`);
  }
  const said = summarise(credential, diagnosis);
  const informed = summarise(credential, diagnose(answer, { credentials, url, issuers }));
  return { saw, said, ...(JSON.stringify(informed) !== JSON.stringify(said) && { informed }) };
}

function carriedBy(answer: unknown): string | undefined {
  return (answer as { clientCertificate?: Diagnosis }).clientCertificate?.code;
}

/** Whether the error passes through an adapter: not that of the agent alone, of undici, or for an answer that is none. */
function isCarrier(client: Client, saw: string): boolean {
  if (client === 'https' || client === 'undici') return false;
  return !saw.startsWith('HTTP') || client === 'axios' || client === 'got';
}

/** Of axios, got, and of those whose answers are no errors. */
function isServed(answer: unknown): boolean {
  const { status, statusCode } = answer as { status?: number; statusCode?: number };
  return status === 200 || statusCode === 200;
}

function summarise(credential: Kind, { code, confidence, alternatives }: Diagnosis): Said {
  const others = alternatives.map((each) => each.code);
  return {
    code,
    confidence,
    alternatives: others,
    grade: grade(truths[credential], code, confidence, others),
  };
}

function grade(truth: string, code: string, confidence: string, others: readonly string[]): Grade {
  if (code === truth) return 'named';
  if (confidence === 'certain') return 'wrong';
  return others.includes(truth) ? 'ranked' : 'missed';
}

function sightOf(answer: unknown): string {
  const { own, alert, answer: http, codes, text } = observe(answer);
  if (own) return own.code;
  if (alert !== null) return `alert ${alert}`;
  if (http) return `HTTP ${http.status}`;
  // node-soap's error for an answer to its request for a WSDL holds the text alone.
  const [, status] = /^Invalid WSDL URL: .*\s+Code: (\d{3})$/m.exec(text) ?? [];
  if (status) return `HTTP ${status}`;
  const code = codes.at(-1) ?? text;
  return closings.has(code) ? 'closed' : code;
}

/** One end of a connection, as it is met at different moments. */
const closings: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);
