import type { ExplainedCertificate, Explanation, Target } from '../types.ts';
import { considerRules } from './considered.ts';
import { describeTrust, formatExplanation } from './explanation.ts';
import { resolve } from './resolve.ts';
import { createScene, formatTarget } from './scene.ts';
import { summarise } from './summary.ts';
import type { Table } from './table.ts';
import { parseTarget } from './target.ts';

/** What an explanation needs to know beside the rules. */
export interface ExplainContext {
  /** What there is to say about a certificate. */
  certificate(name: string): ExplainedCertificate | undefined;
  /** The proxy on the way to a host, without its credentials; `null` for none. */
  proxy(host: string, port: number): string | null;
}

/**
 * The decision of `resolve`, with every rule that concerns the host and why it won or lost.
 *
 * @throws `ERR_CLIENTCERT_HOST_INVALID`, `ERR_CLIENTCERT_SERVICE_UNKNOWN`
 */
export function explain(table: Table, target: Target, context: ExplainContext): Explanation {
  const resolution = resolve(table, target);
  const checked = parseTarget(target);
  const scene = createScene(table, checked, resolution);
  const certificate =
    resolution.certificate === null ? undefined : context.certificate(resolution.certificate);
  const explanation = {
    target: formatTarget(checked),
    service: typeof checked.service === 'string' ? checked.service : null,
    resolution,
    certificate: certificate ?? null,
    summary: summarise(scene, certificate),
    considered: considerRules(scene),
    tls: resolution.tls,
    trust: describeTrust(resolution),
    proxy: checked.secure ? context.proxy(checked.host, checked.port) : null,
  };
  return Object.defineProperty(explanation, 'toString', { value: () => formatExplanation(explanation) });
}
