import { bad, dim, good, warning } from '../paint.ts';
import { caution, dayOf, daysLeft, fault, field, heading, nameOf, safe, wrap } from '../text.ts';
import type { Probe } from './probe.ts';

/** More names than this are for `--json`. */
const MOST_NAMES = 12;

/** What a person reads: first whether it works, then why. */
export function printProbe(probe: Probe): string {
  const { clientCertificate, server, presented, unreachable } = probe;
  if (unreachable !== null)
    return [heading(safe(probe.url)), '', fault(safe(unreachable), ''), ...printNotes(probe)].join('\n');
  const lines = [heading(safe(probe.url)), '', ...verdictOf(probe), ''];
  const versions = Object.entries(probe.versions).map(([name, taken]) =>
    taken === null ? warning(`${name} ?`) : taken ? good(`${name} ✓`) : dim(`${name} –`),
  );
  lines.push(field('TLS', versions.join('  ')));
  if (clientCertificate.requested) {
    lines.push(
      field(
        'Issuers',
        clientCertificate.issuers.length > 0 ? 'a certificate of one of these:' : 'it names none',
      ),
    );
    for (const name of clientCertificate.issuers.slice(0, MOST_NAMES))
      lines.push(wrap(nameOf(name), '    - ', '      '));
    const more = clientCertificate.issuers.length - MOST_NAMES;
    if (more > 0) lines.push(dim(`    … and ${more} more: --json`));
    const [first, ...rest] = clientCertificate.byVersion;
    const differ = rest.some(({ issuers }) => issuers.join('\0') !== first!.issuers.join('\0'));
    if (differ) lines.push(caution('it names others in one version than in another: --json has them apart'));
  }
  lines.push(...printServer(server));
  if (probe.certificates.length > 0) lines.push('', heading('Configured certificates'));
  for (const { name, mapped, verdict, reasons } of probe.certificates) {
    const said =
      verdict === 'fits' ? good(verdict) : verdict === 'does not fit' ? bad(verdict) : warning(verdict);
    lines.push(`  ${safe(name)}: ${said}${mapped ? dim(' (the config presents it here)') : ''}`);
    for (const { message } of reasons) lines.push(wrap(safe(message), '    - ', '      '));
  }
  if (presented?.diagnosis) {
    lines.push('', heading(safe(presented.diagnosis.title)));
    lines.push(
      wrap(safe(presented.diagnosis.cause), '  '),
      wrap(safe(presented.diagnosis.fix), '  → ', '    '),
    );
    lines.push(dim(`  (${presented.diagnosis.code}, ${presented.diagnosis.confidence})`));
  }
  return [...lines, ...printNotes(probe)].join('\n');
}

function printNotes({ notes }: Probe): string[] {
  return notes.length > 0 ? ['', ...notes.map((note) => caution(safe(note)))] : [];
}

function verdictOf({ ok, presented, clientCertificate, server, versions }: Probe): string[] {
  if (!Object.values(versions).includes(true))
    return [fault('the server did not answer in any version of TLS', '')];
  const asks = {
    'in every handshake': 'it asks for a client certificate in every handshake',
    'for this path': 'it asks for a client certificate for this path, after it has the request',
    'not seen': 'it does not ask for a client certificate',
  }[clientCertificate.when];
  const needs =
    clientCertificate.required === true
      ? ', and answers nothing without one'
      : clientCertificate.requested && clientCertificate.required === false
        ? ', and answers without one too'
        : '';
  const lines = [wrap(`${asks}${needs}`, '  ')];
  if (presented) {
    const certificate = `certificate "${safe(presented.certificate)}"`;
    const status = presented.status === null ? '' : ` (HTTP ${presented.status})`;
    if (presented.accepted === null && server.distrust)
      lines.unshift(fault(`Node does not trust the server: no request was made with ${certificate}`, ''));
    else if (presented.accepted === null)
      lines.unshift(caution(`whether it takes ${certificate} is not known: it did not answer in time`, ''));
    else if (!presented.accepted) lines.unshift(fault(`it does not take ${certificate}${status}`, ''));
    else if (clientCertificate.requested) lines.unshift(`${good('✓')} it takes ${certificate}${status}`);
    else lines.unshift(caution(`it answers${status}, and did not ask for ${certificate}`, ''));
  } else if (clientCertificate.required)
    lines.unshift(caution('it wants a client certificate, and was shown none: none is mapped to it', ''));
  else if (!ok) lines.unshift(fault('not good', ''));
  return lines;
}

function printServer(server: Probe['server']): string[] {
  const lines = ['', heading('The server')];
  for (const [
    index,
    { subject, issuer, validFrom, validTo, daysLeft: days, names },
  ] of server.chain.entries()) {
    const indent = `  ${'   '.repeat(Math.min(Math.max(index - 1, 0), 6))}${index > 0 ? '└─ ' : ''}`;
    lines.push(wrap(nameOf(subject), indent, ' '.repeat(indent.length)));
    const rest = ' '.repeat(indent.length);
    const soon = `${dayOf(validFrom)} to ${dayOf(validTo)}, ${daysLeft(days)}`;
    lines.push(wrap(days < 0 ? bad(soon) : days < 30 ? warning(soon) : dim(soon), rest));
    if (index === 0)
      lines.push(
        wrap(`for ${safe((names ?? 'no names').slice(0, 500)).replace(/\b(?:DNS|IP Address):/g, '')}`, rest),
      );
    if (index === server.chain.length - 1 && server.chain.length > 0)
      lines.push(wrap(`issued by ${nameOf(issuer)}`, rest));
  }
  if (server.chain.length === 0) lines.push('  showed no certificate');
  if (server.unreadable > 0) lines.push(fault(`${server.unreadable} of its certificates cannot be parsed`));
  if (server.nameMatches === false)
    lines.push(
      fault(
        server.expectedId === null
          ? 'its certificate is for other names than this host'
          : `its certificate is not that of ${safe(server.expectedId)}`,
      ),
    );
  if (server.nameMatches === false && server.expectedId === null && server.spiffeId !== null)
    lines.push(
      '  → it is a SPIFFE workload; write in a rule for this host:',
      `    server: '${safe(server.spiffeId)}'`,
    );
  if (server.forgotIntermediate)
    lines.push(fault(`it forgot to send an intermediate: ${nameOf(server.missingIssuer!)}`));
  else if (server.missingIssuer !== null && server.distrust)
    lines.push(
      caution(
        `its issuer ${nameOf(server.missingIssuer)} is not sent and no root of Node's: if it is a private root, name it as "ca"; if an intermediate, the server forgot it`,
      ),
    );
  if (server.distrust) lines.push(fault(`Node does not trust it: ${safe(server.distrust)}`));
  else if (server.distrust === null) lines.push(`  ${good('✓')} trusted`);
  else if (server.chain.length > 0)
    lines.push(wrap('whether Node trusts it is not known: the handshake ended before that was told', '  '));
  if (server.secureRenegotiation === false)
    lines.push(
      fault(
        'it does not know RFC 5746 (secure renegotiation): OpenSSL 3, and so Node, refuses to talk to it under TLS 1.2 without legacy: true',
      ),
    );
  return lines;
}
