import type { ExplainedCertificate } from '../types.ts';
import {
  type Decision,
  describeMatch,
  describeNearWildcard,
  formatTarget,
  NO_HANDSHAKE,
  nearWildcards,
  portWithTls,
  shorten,
} from './decision.ts';
import { formatHost, parentOf } from './host.ts';
import { RANK, singlePorts } from './lookup.ts';
import { formatPattern } from './pattern.ts';
import type { HostRule } from './rule.ts';
import { findSimilarHosts } from './similar-hosts.ts';
import { wildcardOf } from './table.ts';

/** The decision in a few sentences, the advice included. */
export function summarise(decision: Decision, certificate: ExplainedCertificate | undefined): string[] {
  const { resolution, target, entry } = decision;
  const lines = target.secure ? describeDecision(decision) : describeInsecure(decision);
  if (certificate && certificate.daysLeft < 0) lines.push('The certificate has expired.');
  if (resolution.acceptsAnyServer) {
    lines.push(`The server is not verified: ${entry.rule.label} accepts any.`);
  }
  return lines;
}

function describeDecision(decision: Decision): string[] {
  const { resolution, target, match, service, entry } = decision;
  const lines: string[] = [];
  if (match !== undefined && match !== 'applies' && service !== undefined) {
    const why = describeMatch(service, match, target, entry);
    lines.push(`The service ${JSON.stringify(target.service)} does not apply: ${why}.`);
  }
  if (resolution.certificate !== null) {
    return [...lines, `${JSON.stringify(resolution.certificate)} is presented, by ${resolution.rule}.`];
  }
  if (target.service === false) return [...lines, 'No certificate: the request asks for none.'];
  const rule = match === 'applies' ? service?.rule : entry.rule;
  if (rule?.certificate === false) {
    const fails = resolution.required ? ['Requests fail, because the service says `required`.'] : [];
    return [...lines, `No certificate: ${resolution.rule} says that none is ever presented here.`, ...fails];
  }
  if (entry.rank < RANK.none || match === 'applies') {
    const fails = resolution.required ? ['Requests fail, because it says `required`.'] : [];
    return [...lines, `No certificate: ${resolution.rule} holds here and names none.`, ...fails];
  }
  return [
    ...lines,
    `No certificate: no rule names ${formatHost(target.host)} with port ${target.port}.`,
    ...advise(decision),
  ];
}

/** Where a host is pinned, but for other ports than this: which, and what to write. */
export function advisePort({ table, located, target }: Decision): string[] {
  const pinned = [...singlePorts(located.exact), ...singlePorts(wildcardOf(table, located))].map(
    ([port]) => port,
  );
  if (pinned.length === 0) return [];
  const shown = formatHost(target.host);
  const list = shorten(pinned.map(String));
  return [
    `${shown} is pinned for port ${list} only, and this is port ${target.port}.`,
    `Write "${shown}:${target.port}" for this port, or "${shown}:*" for every port.`,
  ];
}

/** What the author of the config may have meant. */
function advise(decision: Decision): string[] {
  const { table, target } = decision;
  const otherPort = advisePort(decision);
  if (otherPort.length > 0) return otherPort;
  const [near] = nearWildcards(table, target.host);
  if (near !== undefined) {
    const { pattern } = near.rule as HostRule;
    const reason = describeNearWildcard(near.rule as HostRule, target.host).replace(
      /^it/,
      formatPattern(pattern),
    );
    const above = parentOf(target.host);
    const wildcard =
      pattern.host === target.host || above === '' ? '' : `, or "*.${above}" for every host beside it`;
    return [`${reason}.`, `Write "${target.host}"${wildcard}.`];
  }
  const names = findSimilarHosts(table, target.host).map(({ rule }) =>
    formatPattern((rule as HostRule).pattern),
  );
  return names.length === 0 ? [] : [`Did you mean ${names.join(' or ')}?`];
}

function describeInsecure({ target, entry }: Decision): string[] {
  const lines = [`No certificate: ${NO_HANDSHAKE}.`];
  const { certificate } = entry.rule;
  if (typeof certificate === 'string') {
    const url = formatTarget({ host: target.host, port: portWithTls(target), secure: true });
    lines.push(`With ${url} it would be ${JSON.stringify(certificate)}, by ${entry.rule.label}.`);
  }
  return lines;
}
