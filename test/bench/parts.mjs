/** Each a file of this folder that exports its `settings`, full and quick, and `measure`, which resolves to its results. */
export const parts = ['clients', 'cold-start', 'imports', 'loading', 'memory', 'decisions', 'rotation'];
