import { describe, expect, it } from 'vitest';
import { normaliseHost } from '../../src/pin/host.ts';

describe('normaliseHost', () => {
  it.each([
    ['api.bank.example', 'api.bank.example'],
    ['API.Bank.Example', 'api.bank.example'],
    ['api.bank.example.', 'api.bank.example'],
    ['ａｐｉ.bank.example', 'api.bank.example'],
    ['api。bank．example', 'api.bank.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['a\u00adpi.example', 'api.example'],
    ['under_score.example', 'under_score.example'],
    ['r3---sn.example', 'r3---sn.example'],
    ['localhost', 'localhost'],
    ['corp', 'corp'],
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['0x7f000001', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0177.0.0.1', '127.0.0.1'],
    ['１２７.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8::0:1', '2001:db8::1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['[::ffff:7f00:1]', '127.0.0.1'],
    ['::FFFF:C0A8:0001', '192.168.0.1'],
    ['::ffff:ffff:ffff', '255.255.255.255'],
    ['::127.0.0.1', '::7f00:1'],
    ['64:ff9b::127.0.0.1', '64:ff9b::7f00:1'],
    ['FE80::1%eth0', 'fe80::1'],
  ])('reads %s as %s', (text, host) => {
    expect(normaliseHost(text)).toBe(host);
    expect(normaliseHost(host)).toBe(host);
  });

  it.each([
    '',
    '.',
    '..',
    '.example',
    'a..example',
    'example..',
    'user@api.bank.example',
    'api.bank.example@evil.example',
    'evil.example/api.bank.example',
    'evil.example\\api.bank.example',
    'evil.example?api.bank.example',
    'evil.example#api.bank.example',
    'api.bank\t.example',
    'api.bank.example\n',
    'api.bank.example ',
    'api bank.example',
    'api%2ebank.example',
    '%61pi.bank.example',
    'api.bank.example\0',
    'api.bank.example:443',
    '[api.bank.example]',
    '[::1',
    '::1]',
    '[::1]:443',
    '[127.0.0.1]',
    '1.2.3.4.5',
    '256.1.1.1',
    '4294967296',
    'foo.09',
    ':::1',
    '::ffff:1.2.3.256',
    '\u00ad',
    'a\u2100b.example', // ℀ is a/c to IDNA
    'a\uff0fb.example', // full-width solidus
    'a\uff20b.example', // full-width @
    'a\uff1a443', // full-width colon
    `${'a'.repeat(254)}`,
    `${'a.'.repeat(130)}example`,
  ])('refuses %j', (text) => {
    expect(normaliseHost(text)).toBeUndefined();
  });

  it('keeps no zone of an IPv4 address, which has none: it is the same host', () => {
    expect(normaliseHost('::ffff:10.0.0.1%eth0')).toBe('10.0.0.1');
    expect(normaliseHost('[::ffff:a00:1%1]')).toBe('10.0.0.1');
  });

  it('keeps no zone of any address: a rule for it holds in each', () => {
    expect(normaliseHost('fe80::1%eth0')).toBe('fe80::1');
    expect(normaliseHost('[FE80:0::1%1]')).toBe('fe80::1');
    expect(normaliseHost('fe80::1%a/b')).toBeUndefined();
  });
});
