import { describe, expect, it } from 'vitest';
import { sameName } from '../src/tls/names.ts';

it('names are the same whatever their case, blanks and form of letters (RFC 5280, section 7.1)', () => {
  expect(sameName('O=Caf\u00e9  NL\nCN=root', 'o=Cafe\u0301 nl\ncn=ROOT')).toBe(true);
  expect(sameName('O=Caf\u00e9\nCN=root', 'O=Cafe\nCN=root')).toBe(false);
});

describe('attack: files that stop the process', () => {
  it('a name that is longer than any is compared as it stands, however many accents are on one letter', () => {
    const name = `CN=${'a\u0301\u0316'.repeat(2000)}`;
    expect(sameName(name, name)).toBe(true);
    expect(sameName(name, name.toUpperCase())).toBe(false);
  });
});
