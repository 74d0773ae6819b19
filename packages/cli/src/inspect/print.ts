import { bad, dim, good, warning } from '../paint.ts';
import { caution, dayOf, daysLeft, failure, field, heading, nameOf, safe, wrap } from '../text.ts';
import { type CertificateReport, type IdentityReport, type Report, refusalOf } from './report.ts';
import type { Statements } from './statements.ts';

/** What a person reads: first what it comes to, then what it is, then the lines for the config. */
export function printReport(report: Report): string {
  const lines = [heading(safe(report.file))];
  if (report.error) return [...lines, '', failure(report.error)].join('\n');
  const {
    format,
    algorithms = [],
    opensIn,
    identities = [],
    certificates = [],
    keys = [],
    skipped = [],
  } = report;
  if (!report.halfOf) lines.push(...identities.map(verdictOf));
  if (format !== undefined) {
    lines.push('', field('File', [format, ...algorithms].join('; ')));
    if (opensIn !== undefined)
      lines.push(
        field(
          'Node itself',
          opensIn.length > 0 ? `opens it in ${opensIn.join(', ')}` : 'does not open it; clientcert does',
        ),
      );
  }
  if (skipped.length > 0) lines.push(field('Skipped', skipped.join(', ')));
  for (const identity of identities) lines.push('', ...printIdentity(identity));
  for (const certificate of certificates) lines.push('', '  Certificate', ...printCertificate(certificate));
  for (const { type, encrypted } of keys) {
    const where = encrypted === null ? 'on a token' : encrypted ? 'encrypted' : 'not encrypted';
    lines.push('', field('Private key', `${type}, ${where}`));
  }
  if (report.halfOf) {
    lines.push('', wrap(`Looked at together: ${report.halfOf.map(safe).join(' + ')}`, '  ', '    '));
  } else if (identities.length === 0) {
    lines.push('', caution(whatIsMissing(certificates.length, keys.length)));
  } else {
    lines.push('', '  To use it', '    certificates: {');
    for (const { config } of identities) lines.push(...config.map((line) => `      ${safe(line)}`));
    lines.push('    },');
  }
  return lines.join('\n');
}

function printIdentity(identity: IdentityReport): string[] {
  const title = wrap(`Identity${identity.alias ? ` "${safe(identity.alias)}"` : ''}`, '  ');
  const links = [
    [identity.subject, ''],
    ...identity.chain.map(
      ({ subject, sent }) => [subject, sent ? '' : ' (root: trusted, not sent)'] as const,
    ),
    ...(identity.missingIssuer === null ? [] : [[identity.missingIssuer, ' (not in the file)'] as const]),
  ] as const;
  const chain = links.map(([name, note], depth) => {
    const indent = `    ${'   '.repeat(Math.max(depth - 1, 0))}${depth > 0 ? '└─ ' : ''}`;
    return wrap(`${nameOf(name)}${note}`, indent, ' '.repeat(indent.length));
  });
  const warnings = [...identity.warnings, ...identity.notes].flatMap(({ code, message }) => [
    '',
    caution(`${safe(message)} (${code})`),
  ]);
  return [title, ...printCertificate(identity), dim('  Chain'), ...chain, ...warnings];
}

function whatIsMissing(certificates: number, keys: number): string {
  if (keys > 0) return 'A key without its certificate: give it as "key", beside the certificate as "cert".';
  if (certificates > 0)
    return 'No private key: it can be trusted as "ca", or be "cert" beside its own "key"; it cannot be presented alone.';
  return 'Nothing that can be used.';
}

function printCertificate(certificate: CertificateReport): string[] {
  const { subject, issuer, serialNumber, validFrom, validTo, usages } = certificate;
  return [
    field('Subject', nameOf(subject)),
    field('Issuer', nameOf(issuer)),
    field('Serial', serialNumber),
    field('Valid', `${dayOf(validFrom)} to ${dayOf(validTo)}, ${daysLeft(certificate.daysLeft)}`),
    field('Key', certificate.keyType),
    field('Usage', usages.length > 0 ? usages.join(', ') : 'not restricted'),
    // In two halves, so that a line breaks between bytes.
    field('SHA-256', certificate.fingerprint256.replace(/^(?:..:){16}/, '$& ')),
    field('SHA-1', certificate.fingerprint),
    field('x5t#S256', certificate['x5t#S256']),
    ...printStatements(certificate.statements),
  ];
}

/** One line: whether it would do, who it is, and for how long. */
function verdictOf(identity: IdentityReport): string {
  const { subject, daysLeft: days, warnings } = identity;
  const [first] = nameOf(subject).split(', ');
  const text = `${first}, ${daysLeft(days)}`;
  if (refusalOf(identity)) return wrap(`servers will refuse it: ${text}`, `${bad('✗')} `, '  ');
  if (warnings.length > 0)
    return wrap(
      `would work, with ${warnings.length === 1 ? 'a warning' : `${warnings.length} warnings`}: ${text}`,
      `${warning('!')} `,
      '  ',
    );
  return wrap(`would work: ${text}`, `${good('✓')} `, '  ');
}

function printStatements(statements: Statements | undefined): string[] {
  if (!statements) return [];
  const { types, qualified, device, psd2 } = statements;
  const kind = [
    ...(types.length > 0 ? types : ['of no stated type']),
    ...(device ? ['key in a device (QSCD)'] : []),
  ];
  return [
    field('Qualified', `${qualified ? 'it says so' : 'it does not say so'}: ${kind.join(', ')}`),
    ...(psd2
      ? [
          field('PSD2', psd2.roles.map(safe).join(', ')),
          field('Supervised', `${safe(psd2.authority)} (${safe(psd2.authorityId)})`),
        ]
      : []),
  ];
}
