/**
 * What many measurements come to.
 *
 * @typedef {object} Summary
 * @property {number} median
 * @property {number} low A tenth of the measurements lie below.
 * @property {number} high A tenth lie above.
 */

/**
 * @param {readonly number[]} values
 * @returns {Summary}
 */
export function summarize(values) {
  const [median, low, high] = [0.5, 0.1, 0.9].map((share) => round(quantile(values, share)));
  return /** @type {Summary} */ ({ median, low, high });
}

/**
 * The value that a share of all lie below, between two neighbours where it falls between them.
 *
 * @param {readonly number[]} values
 * @param {number} share 0.5 for the median
 * @returns {number}
 */
export function quantile(values, share) {
  if (values.length === 0) throw new RangeError('nothing was measured');
  const sorted = values.toSorted((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
  return below + (above - below) * (position % 1);
}

/**
 * Each measurement over the one of the same round: what slows a whole round slows both.
 *
 * @param {readonly number[]} values
 * @param {readonly number[]} bases
 * @returns {Summary}
 */
export function summarizeRatios(values, bases) {
  return summarize(values.map((value, index) => value / bases[index]));
}

/** Four digits: no measurement here is better than that. */
function round(value) {
  return Number(value.toPrecision(4));
}
