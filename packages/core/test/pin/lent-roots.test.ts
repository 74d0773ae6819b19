import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Lender, lentRoots } from '../../src/pin/lent-roots.ts';
import { extensions, makeSvid, uri } from '../load/made-svid.ts';

/** Of no trust domain, and of one of two each. */
const leaves = [undefined, 'a.example', 'b.example'].map((trustDomain) => ({
  trustDomain,
  certificate: new X509Certificate(
    makeSvid(...(trustDomain ? [extensions.names(uri(`spiffe://${trustDomain}/x`))] : [])).raw,
  ),
}));

interface Drawn {
  leaf: (typeof leaves)[number];
  ca: boolean;
  bundles: string[] | undefined;
}

const lender: fc.Arbitrary<Drawn> = fc.record({
  leaf: fc.constantFrom(...leaves),
  ca: fc.boolean(),
  bundles: fc.option(fc.uniqueArray(fc.constantFrom('a.example', 'b.example', 'constructor')), {
    nil: undefined,
  }),
});

/** Each root is the text that says whose it is. */
const root = (name: string) => [name] as unknown as X509Certificate[];

function make({ leaf, ca, bundles }: Drawn, name: string): Lender {
  const entries = bundles?.map((each) => [each, root(`${name}'s ${each}`)]);
  return {
    certificate: leaf.certificate,
    ca: ca ? root(`${name}'s own`) : [],
    ...(entries && { bundles: Object.assign(Object.create(null), Object.fromEntries(entries)) }),
  };
}

it('lends a server with an id the roots of its own trust domain, of one source', () => {
  let lent = 0;
  fc.assert(
    fc.property(
      fc.array(lender, { maxLength: 3 }),
      fc.constantFrom('a.example', 'b.example', 'c.example', 'constructor'),
      fc.constantFrom('', '/payments'),
      (drawn, trustDomain, path) => {
        const authorities = drawn.map((_, index) => `${index}`);
        const server = `spiffe://${trustDomain}${path}`;
        const lenderOf = (name: string) => make(drawn[Number(name)]!, name);
        const { roots, from } = lentRoots({ server, ca: [], authorities }, lenderOf);
        const first = drawn.findIndex(({ bundles }) => bundles?.includes(trustDomain));
        const others = authorities.filter((name) => {
          const { leaf, ca, bundles } = drawn[Number(name)]!;
          return ca && !bundles && (leaf.trustDomain ?? trustDomain) === trustDomain;
        });
        const isBundled = first !== -1;
        expect(from).toEqual(isBundled ? [`${first}`] : others);
        expect(roots).toEqual(
          isBundled ? [`${first}'s ${trustDomain}`] : others.map((name) => `${name}'s own`),
        );
        // What a rule says itself is all there is.
        expect(lentRoots({ server, ca: root('of the rule'), authorities }, lenderOf).roots).toEqual([]);
        // And for a name no bundle counts.
        const byName = lentRoots({ server: null, ca: [], authorities }, lenderOf);
        expect(byName.roots).toEqual(
          authorities.filter((name) => drawn[Number(name)]!.ca).map((name) => `${name}'s own`),
        );
        if (roots.length > 0) lent++;
      },
    ),
    { numRuns: 500 },
  );
  expect(lent).toBeGreaterThan(100);
});
