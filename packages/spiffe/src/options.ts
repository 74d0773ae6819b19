import { isIP } from 'node:net';
import { variable } from '@clientcert/core/adapter';
import { faultOfSpiffeId, OptionCheck, parseSpiffeId } from '@clientcert/core/enrolment';

/** Where X.509-SVIDs come from, and which of them is meant. */
export interface WorkloadApiOptions {
  /**
   * Where the agent listens: `unix:///run/spire/agent.sock`, `tcp://127.0.0.1:8000`, or on Windows
   * `npipe:spire-agent\public\api`. The environment variable `SPIFFE_ENDPOINT_SOCKET` unless written.
   */
  address?: string | URL | undefined;
  /** The SPIFFE ID of the SVID to present, `spiffe://example.org/payments`; the first that the agent names unless written, for as long as it names it. */
  id?: string | undefined;
  /** The hint that the operator gave the SVID to present, such as `internal`. */
  hint?: string | undefined;
}

export interface CheckedOptions {
  /** As messages call it. */
  readonly address: string;
  readonly endpoint: Endpoint;
  readonly id: string | undefined;
  readonly hint: string | undefined;
}

/** What a socket is connected to. */
export type Endpoint = { readonly path: string } | { readonly host: string; readonly port: number };

const check = new OptionCheck('fromWorkloadApi()');

/** @throws ERR_CLIENTCERT_CONFIG_INVALID */
export function checkOptions(given: WorkloadApiOptions): CheckedOptions {
  const { address, id, hint } = check.known(given, ['address', 'id', 'hint']);
  const fault = id === undefined ? undefined : faultOfSpiffeId(check.text(id, 'id'));
  if (fault !== undefined) throw check.invalid(`id ${fault}`);
  if (id !== undefined && !parseSpiffeId(id)?.path)
    throw check.invalid(
      'id is that of a trust domain',
      `No SVID has it. Write the whole ID: ${id}/payments.`,
    );
  return {
    ...locate(address ?? variable('SPIFFE_ENDPOINT_SOCKET')),
    id,
    hint: hint === undefined ? undefined : check.text(hint, 'hint'),
  };
}

/**
 * @param platform That of Node unless given.
 * @see https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Workload_Endpoint.md#4-locating-the-endpoint
 */
export function locate(
  address: string | URL | undefined,
  platform: string = process.platform,
): Pick<CheckedOptions, 'address' | 'endpoint'> {
  const example = platform === 'win32' ? 'npipe:spire-agent\\public\\api' : 'unix:///run/spire/agent.sock';
  const url = check.address(address, example, 'Write address, or set SPIFFE_ENDPOINT_SOCKET.');
  const endpoint = endpointOf(url, platform);
  if (endpoint) return { address: url.href, endpoint };
  if (url.protocol === 'tcp:')
    throw check.invalid(
      'the address is no tcp: with an IP address and a port',
      "Write it as 'tcp://127.0.0.1:8000': without path, and with an IP address in place of a host name.",
    );
  const kind = platform === 'win32' ? 'npipe: with the name of a pipe' : 'unix: with an absolute path';
  throw check.invalid(`the address is no ${kind}`, `Write it as '${example}'.`);
}

function endpointOf(
  { protocol, host, hostname, port, pathname }: URL,
  platform: string,
): Endpoint | undefined {
  if (protocol === 'tcp:') {
    const ip = hostname.replace(/^\[(.*)\]$/, '$1');
    return isIP(ip) !== 0 && Number(port) > 0 && pathname === ''
      ? { host: ip, port: Number(port) }
      : undefined;
  }
  if (host !== '') return undefined;
  if (protocol === 'npipe:' && platform === 'win32')
    return /^[^/]+$/.test(pathname) ? { path: `\\\\.\\pipe\\${pathname}` } : undefined;
  const path = decode(pathname);
  return protocol === 'unix:' && platform !== 'win32' && /^\/.*[^/]$/.test(path) ? { path } : undefined;
}

/** Empty for what is no encoding, or would end a path before its end. */
function decode(path: string): string {
  try {
    const text = decodeURIComponent(path);
    return text.includes('\0') ? '' : text;
  } catch {
    return '';
  }
}
