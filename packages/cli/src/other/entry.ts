/** What every tool says of a certificate: where it goes, and which files it is in. */
export interface Entry {
  /** What it is called there, if anything. */
  readonly name?: string | undefined;
  /** `https://host:port`, a host with a port, or a pattern of the tool's own. */
  readonly hosts: readonly string[];
  readonly pfx?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Whether the tool has a passphrase written down; which one is nobody's business. */
  readonly protected: boolean;
}

/** The name of the environment variable for a certificate's passphrase. */
export function variableOf(name: string): string {
  return `${name
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^(?=\d)/, '_')}_PASSPHRASE`;
}
