import fc from 'fast-check';

/**
 * Of any code points, halves of pairs too. fast-check's own `binary`, which its URLs and authorities with a user need as
 * well, makes a map of them all first: a second of processor time in each process.
 */
export const anyString = fc.string({
  unit: fc.integer({ min: 0, max: 0x10_ff_ff }).map((point) => String.fromCodePoint(point)),
});
