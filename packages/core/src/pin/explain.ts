import { inspect } from 'node:util';
import type { ExplainedCertificate, Explanation, Resolution, Target } from '../types.ts';
import { considerRules } from './considered-rules.ts';
import { decisionOf, formatTarget } from './decision.ts';
import { describeTrust, formatExplanation } from './format-explanation.ts';
import { handOut, resolve } from './resolve.ts';
import { advisePort, summarise } from './summary.ts';
import type { Table } from './table.ts';
import { parseTarget } from './target.ts';

/** What an explanation needs to know beside the rules. */
export interface ExplainContext {
  /** What there is to say about a certificate. */
  certificate(name: string): ExplainedCertificate | undefined;
  /** The certificates that lend a decision roots: those in their files, their `ca`, or a bundle. */
  lending(resolution: Resolution): readonly string[];
  /** Why a certificate could not be loaded, where it could not. */
  broken(name: string): string | undefined;
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
  const decision = decisionOf(table, checked, resolution);
  const certificate =
    resolution.certificate === null ? undefined : context.certificate(resolution.certificate);
  const explanation = {
    target: formatTarget(checked),
    service: typeof checked.service === 'string' ? checked.service : null,
    resolution: handOut(resolution),
    certificate: certificate ?? null,
    summary: [...summarise(decision, certificate), ...describeBroken(resolution, context)],
    considered: considerRules(decision),
    tls: resolution.tls,
    trust: describeTrust(resolution, context),
    proxy: checked.secure ? context.proxy(checked.host, checked.port) : null,
  };
  const toText = { value: () => formatExplanation(explanation) };
  return Object.defineProperties(explanation, { toString: toText, [inspect.custom]: toText }) as Explanation;
}

/** Why a connection that no rule names may have failed: its host is pinned, but for another port. */
export function explainOtherPort(table: Table, host: string, port: number): string | undefined {
  const target = { host, port };
  const resolution = resolve(table, target);
  const lines = advisePort(decisionOf(table, parseTarget(target), resolution));
  return resolution.rule === 'none' && lines.length > 0 ? lines.join(' ') : undefined;
}

function describeBroken({ certificate, authorities }: Resolution, { broken }: ExplainContext): string[] {
  return [...new Set([certificate, ...authorities])].flatMap((name) => {
    const reason = name === null ? undefined : broken(name);
    return reason === undefined ? [] : [`Requests fail, because it could not be loaded: ${reason}.`];
  });
}
