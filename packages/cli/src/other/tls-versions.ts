const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

/** `tls` of a config or rule for a lowest and a highest version. */
export function tlsOf(min: string | undefined, max: string | undefined): unknown {
  if (min === undefined && max === undefined) return undefined;
  const legacy = [min, max].some((each) => each !== undefined && VERSIONS.indexOf(each) < 2);
  if (legacy) return { min: min ?? 'TLSv1', ...(max !== undefined && { max }), legacy: true };
  if (min === max) return min;
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}
