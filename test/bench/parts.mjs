/**
 * Each a file of this folder that exports its `settings`, full and quick, and `measure`, which resolves to its results. Where it
 * is measured in several processes it exports what is `alone` in one, and `combine` for what came of all.
 */
export const parts = ['clients', 'cold-start', 'imports', 'loading', 'memory', 'decisions', 'rotation'];
