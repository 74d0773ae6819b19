import { faultOfSpiffeId } from '../load/spiffe-id.ts';
import type { Issue } from '../pin/issue.ts';

/** Who a server has to be: a SPIFFE ID, or a trust domain. */
export function checkServer(
  text: string,
  path: readonly (string | number)[],
): { value: string } | { issues: readonly Issue[] } {
  const message = faultOfSpiffeId(text);
  return message === undefined
    ? { value: text }
    : { issues: [{ code: 'ERR_CLIENTCERT_CONFIG_INVALID', path, message }] };
}
