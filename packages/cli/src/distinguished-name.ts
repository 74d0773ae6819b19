import { quote } from '@clientcert/core/adapter';
import { der, oid, sequence } from '@clientcert/core/enrolment';
import { UsageError } from './command.ts';

/** RFC 4514 section 3, and what authorities ask for. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  C: '2.5.4.6',
  ST: '2.5.4.8',
  L: '2.5.4.7',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  CN: '2.5.4.3',
  SERIALNUMBER: '2.5.4.5',
  ORGANIZATIONIDENTIFIER: '2.5.4.97',
  EMAILADDRESS: '1.2.840.113549.1.9.1',
  UID: '0.9.2342.19200300.100.1.1',
  DC: '0.9.2342.19200300.100.1.25',
};

/** RFC 5280, appendix A: all others are UTF8String. */
const PRINTABLE = new Set(['C', 'SERIALNUMBER']);
const IA5 = new Set(['EMAILADDRESS', 'DC']);

/** `C=NL, O=Example BV, CN=client` in DER, in the order written; a backslash stands before a comma that belongs to a value. */
export function parseSubject(text: string): Buffer {
  const parts = text.match(/(?:\\.|[^,\\])+/g) ?? [];
  if (parts.length === 0)
    throw new UsageError('--subject is empty', 'Write it as "C=NL, O=Example BV, CN=client".');
  return sequence(
    ...parts.map((part) => {
      const [, name = '', written = ''] = /^\s*([^=]+?)\s*=\s*(.*?)\s*$/s.exec(part) ?? [];
      const value = written.replace(/\\(.)/g, '$1');
      const type = ATTRIBUTES[name.toUpperCase()];
      if (type === undefined || value === '')
        throw new UsageError(
          `--subject: ${quote(name || part.trim(), 'option')} is not one of ${Object.keys(ATTRIBUTES).join(', ')} with a value`,
          'Write it as "C=NL, O=Example BV, CN=client"; a comma in a value as \\,',
        );
      if (name.toUpperCase() === 'C' && !/^[A-Za-z]{2}$/.test(value))
        throw new UsageError(`--subject: a country has two letters, and not ${quote(value, 'option')}`);
      const tag = PRINTABLE.has(name.toUpperCase()) ? 0x13 : IA5.has(name.toUpperCase()) ? 0x16 : 0x0c;
      return der(0x31, sequence(oid(type), der(tag, Buffer.from(value))));
    }),
  );
}
