/** What a user named to choose one identity of several: a name, or a SHA-256 fingerprint. */
export interface Alias {
  readonly name: string;
  /** In upper-case hexadecimal without colons, where the name is one. */
  readonly fingerprint: string | undefined;
}

/** `SHA256:AB:CD…` and the like are fingerprints, with or without colons; anything else is a name. */
export function readAlias(name: string): Alias {
  const hex = name
    .replace(/^sha-?256[:=\s/]*/i, '')
    .replace(/[\s:-]/g, '')
    .toUpperCase();
  return { name, fingerprint: /^[0-9A-F]{64}$/.test(hex) ? hex : undefined };
}

/** Those that go by this name: as it is written, or else as Java compares aliases, without case. */
export function findByName<Item>(
  items: readonly Item[],
  { name }: Alias,
  namesOf: (item: Item) => readonly (string | undefined)[],
): readonly Item[] {
  const exact = items.filter((item) => namesOf(item).includes(name));
  if (exact.length > 0) return exact;
  const folded = name.toLowerCase();
  return items.filter((item) => namesOf(item).some((each) => each?.toLowerCase() === folded));
}

export function hasFingerprint(
  { fingerprint256 }: { readonly fingerprint256: string },
  { fingerprint }: Alias,
): boolean {
  return fingerprint256.replaceAll(':', '') === fingerprint;
}
