import { describe, expect, it } from 'vitest';
import { folded } from '../src/tls/names.ts';

it('names are the same whatever their case, blanks and form of letters (RFC 5280, section 7.1)', () => {
  expect(folded('O=Caf\u00e9  NL\nCN=root') === folded('o=Cafe\u0301 nl\ncn=ROOT')).toBe(true);
  expect(folded('O=Caf\u00e9\nCN=root') === folded('O=Cafe\nCN=root')).toBe(false);
});

describe('attack: files that stop the process', () => {
  it('a name that is longer than any is compared as it stands, however many accents are on one letter', () => {
    const name = `CN=${'a\u0301\u0316'.repeat(2000)}`;
    expect(folded(name)).toBe(name);
    expect(folded(name.toUpperCase())).not.toBe(name);
  });
});
