import { describe, expect, it } from 'vitest';
import { formatPattern, parsePattern } from '../../src/pin/pattern.ts';
import { findPublicSuffixes } from '../../src/pin/public-suffix.ts';

const read = (text: string) => {
  const { pattern, problem } = parsePattern(text);
  return pattern === undefined ? problem : formatPattern(pattern);
};

describe('parsePattern', () => {
  it.each([
    ['api.bank.example', 'api.bank.example:443'],
    ['API.bank.example.', 'api.bank.example:443'],
    ['api.bank.example:443', 'api.bank.example:443'],
    ['api.bank.example:8443', 'api.bank.example:8443'],
    ['api.bank.example:*', 'api.bank.example:*'],
    ['*.bank.example', '*.bank.example:443'],
    ['*.BANK.example:8443', '*.bank.example:8443'],
    ['*.bank.example:*', '*.bank.example:*'],
    ['*.corp', '*.corp:443'],
    ['bücher.example', 'xn--bcher-kva.example:443'],
    ['*.bücher.example', '*.xn--bcher-kva.example:443'],
    ['127.1', '127.0.0.1:443'],
    ['127.0.0.1:8443', '127.0.0.1:8443'],
    ['::1', '[::1]:443'],
    ['[::1]', '[::1]:443'],
    ['[0:0::1]:8443', '[::1]:8443'],
    ['[::1]:*', '[::1]:*'],
    ['[::1:8443]', '[::1:8443]:443'],
    ['2001:db8::1', '[2001:db8::1]:443'],
    ['constructor', 'constructor:443'],
    ['[::ffff:10.0.0.1]:8443', '10.0.0.1:8443'],
    ['under_score', 'under_score:443'],
  ])('reads %s as %s', (text, normalised) => expect(read(text)).toBe(normalised));

  it.each([
    ['https://api.bank.example', 'write "api.bank.example"'],
    ['spiffe://bank.example/payments', 'in its rule, as `server`'],
    ['https://api.bank.example:8443/v1?x#y', 'write "api.bank.example:8443"'],
    ['https://*.bank.example/', 'write "*.bank.example"'],
    ['HTTPS://user:secret@api.bank.example', 'write "api.bank.example"'],
    ['https:\\\\api.bank.example', 'write "api.bank.example"'],
    ['api.bank.example/v1', 'write "api.bank.example"'],
    ['api.bank.example?x', 'write "api.bank.example"'],
    ['api.bank.example#x', 'write "api.bank.example"'],
    ['api.bank.example\\v1', 'write "api.bank.example"'],
    ['user@api.bank.example', 'such as "api.bank.example"'],
    ['::1:8443', 'write "[::1]:8443" or "[::1:8443]"'],
    ['2001:db8::a:80', 'write "[2001:db8::a]:80" or "[2001:db8::a:80]"'],
    ['example!.org', 'none has a "!" in it'],
    ['exa~mple.org', 'none has a "~" in it'],
    ['', 'the host is empty'],
    ['  ', 'the host is empty'],
    ['a.example, b.example', 'one entry for each'],
    ['a.example;b.example', 'one entry for each'],
    [' api.bank.example', 'without spaces'],
    ['*', '`default`'],
    ['*:8443', '`default`'],
    ['*:*', '`default`'],
    ['.bank.example', 'write "*.bank.example"'],
    ['api.*.example', 'write "*.example"'],
    ['api*.bank.example', 'write "*.bank.example"'],
    ['*api.bank.example', 'write "*.bank.example"'],
    ['**.bank.example', 'write "*.bank.example"'],
    ['*.*.example', 'write "*.example"'],
    ['bank.*', 'one whole label'],
    ['*.1.2.3.4', 'cannot stand before an IP address'],
    ['*.127.1', 'cannot stand before an IP address'],
    ['*.0x7f000001', 'cannot stand before an IP address'],
    ['*.[::1]', 'cannot stand before an IP address'],
    ['*.', 'this is not a host name'],
    ['api.bank.example:', 'the port'],
    ['api.bank.example:0', 'the port'],
    ['api.bank.example:65536', 'the port'],
    ['api.bank.example:https', 'the port'],
    ['api.bank.example:443*', 'the port'],
    ['api.bank.example:-1', 'the port'],
    ['[::1]8443', 'neither a host with a port nor an IPv6 address'],
    ['1:2:3', 'neither a host with a port nor an IPv6 address'],
    ['a..example', 'empty label'],
    ['1.2.3.4.5', 'IPv4'],
    ['fe80::1%eth0', 'write "fe80::1"'],
    ['[fe80::1%eth0]:8443', 'zone id'],
    ['api%2ebank.example', 'not a host name'],
    ['a'.repeat(300), 'longer than 253'],
  ])('refuses %j and says what to write', (text, advice) => expect(read(text)).toContain(advice));

  it('never repeats credentials', () => {
    for (const text of ['https://user:hunter2@api.bank.example', 'user:hunter2@api.bank.example']) {
      expect(read(text)).not.toContain('hunter2');
    }
  });

  it('takes another port for what has none', () => {
    expect(parsePattern('status.bank.example', '*')).toEqual({
      problem: undefined,
      pattern: { host: 'status.bank.example', port: '*', wildcard: false },
    });
  });
});

describe('findPublicSuffixes', () => {
  const isRefused = async (text: string) => {
    const { pattern } = parsePattern(text);
    return pattern !== undefined && (await findPublicSuffixes([pattern])).size === 1;
  };

  it.each([
    '*.com',
    '*.co.uk',
    '*.github.io',
    '*.kawasaki.jp',
    '*.ck',
    '*.公司.cn',
    '*.s3.amazonaws.com:8443',
  ])('finds %s', async (text) => expect(await isRefused(text)).toBe(true));

  it.each(['*.corp', '*.local', '*.bank.co.uk', '*.me.github.io', '*.bank.example', 'github.io', 'co.uk'])(
    'leaves %s',
    async (text) => expect(await isRefused(text)).toBe(false),
  );
});
