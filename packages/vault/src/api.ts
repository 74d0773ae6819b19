import { ClientCertificateError } from '@clientcert/core';
import { snapshot } from '@clientcert/core/adapter';
import { failure, parseObject, sayings, untilAborted, withTimeout } from '@clientcert/core/enrolment';
import type { CheckedOptions } from './options.ts';

/** A call of Vault's HTTP API. */
export interface Call {
  /** Behind `/v1/`. */
  readonly path: string;
  readonly body?: object | undefined;
  readonly token?: string | undefined;
  /** What it is for, as messages say it. */
  readonly what: string;
  /** What may not show in an error, should Vault repeat it. */
  readonly secrets?: readonly string[] | undefined;
}

/** What Vault answers where all is well. */
export interface Answer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly auth?: {
    readonly client_token?: unknown;
    readonly lease_duration?: unknown;
    readonly renewable?: unknown;
  } | null;
}

/**
 * Calls Vault, and says what is wrong where it refuses.
 *
 * @throws ERR_CLIENTCERT_FILE_UNREADABLE where Vault is away, sealed or refuses; ERR_CLIENTCERT_CONFIG_INVALID where what
 *   was asked for can never be had
 * @see https://developer.hashicorp.com/vault/api-docs#http-status-codes
 */
export async function callVault(
  { api, namespace, fetch }: CheckedOptions,
  call: Call,
  signal: AbortSignal,
): Promise<Answer> {
  const { path, body, token, what, secrets = [] } = snapshot(call);
  const url = new URL(path, api);
  const place = `Vault (${api.host})`;
  const ending = withTimeout(signal);
  let response: Response;
  let text: string | undefined;
  try {
    // Without a prototype: what every object may inherit is nobody's request.
    const init: RequestInit & { __proto__: null } = {
      __proto__: null,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'x-vault-request': 'true',
        ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
        ...(token !== undefined && { 'x-vault-token': token }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // A header of Vault's own would be sent on to wherever it leads.
      redirect: 'manual',
      signal: ending,
    };
    // A `fetch` of the caller's may not heed the signal.
    response = await untilAborted(fetch(url, init), ending);
    text = await untilAborted(readText(response), ending);
  } catch (cause) {
    signal.throwIfAborted();
    const code = codeOf(cause);
    throw failure(
      `${what}: ${place} cannot be reached${code === undefined ? '' : ` (${code})`}`,
      'Is it running, and is this its address? Where its certificate is from a private root: NODE_EXTRA_CA_CERTS, or `fetch`.',
      cause,
    );
  }
  const { status } = response;
  if (status >= 300 && status < 400)
    throw failure(
      `${what}: ${place} answers with a redirect`,
      'Tokens are sent to the address that is written and to no other: write that of the active node, or let Vault forward requests.',
    );
  if (text === undefined)
    throw failure(
      `${what}: ${place} answers with more than ${largest / 2 ** 20} MiB`,
      'Is the address that of Vault?',
    );
  const answer = parseObject(text);
  if (status === 204) return Object.create(null);
  if (response.ok && answer) return answer as Answer;
  const said = sayings(errorsOf(answer), secrets.concat(token ?? []));
  const reason = (path.endsWith('/login') && loginReasons[status]) || reasons[status];
  const message = `${what}: ${place} ${reason?.[0] ?? `answers ${status}`}${said && `: ${said}`}`;
  throw status === 400 && path.includes('/sign/')
    ? new ClientCertificateError('ERR_CLIENTCERT_CONFIG_INVALID', message, { hint: reason![1] })
    : failure(message, reason?.[1] ?? 'The log of Vault says more.');
}

/** The text of an answer; `undefined` where it is larger than any of Vault's, unpacked, and so read no further. */
async function readText({ body }: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > largest) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Bytes. */
const largest = 2 ** 20;

const reasons: Readonly<Record<number, readonly [what: string, hint: string]>> = {
  400: [
    'does not accept the request',
    'Is there such a role at this mount? Compare names, ttl and keyType with what it allows: allowed_domains, allow_subdomains, allowed_uri_sans, key_type, key_bits.',
  ],
  403: [
    'refuses it (403)',
    'The token has ended, or its policy does not allow it: it needs "update" on MOUNT/sign/ROLE.',
  ],
  404: [
    'does not know the path (404)',
    'Is "mount" written as in Vault, and "namespace" where there is one?',
  ],
  429: ['says that it is asked too often (429)', 'It is asked again later by itself.'],
  472: ['is a standby for disaster recovery (472)', 'Write the address of the active cluster.'],
  473: ['is a performance standby (473)', 'Write the address of the active node.'],
  500: ['fails (500)', 'The log of Vault says more.'],
  503: ['is sealed or in maintenance (503)', 'Unseal it. It is asked again by itself.'],
};

const notLetIn =
  'Compare the values of login with those of its role. A secret id may have ended, or have been used as often as it may.';
/** Where nobody is logged in yet. */
const loginReasons: typeof reasons = {
  400: ['does not accept the login', notLetIn],
  403: ['refuses the login (403)', notLetIn],
  404: ['does not know the path (404)', 'Is the method enabled at `mount` of login?'],
};

/** Of the connection, which `fetch` fails with the error of as the cause. */
function codeOf(error: unknown): string | undefined {
  const { code } = ((error as Error | undefined)?.cause ?? error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^[A-Z][A-Z\d_]+$/.test(code) ? code : undefined;
}

function errorsOf(answer: Record<string, unknown> | undefined): string {
  const errors = Array.isArray(answer?.errors) ? answer.errors : [];
  return errors.filter((each) => typeof each === 'string').join('; ');
}
