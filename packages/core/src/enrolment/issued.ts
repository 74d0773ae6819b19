/** A certificate that was issued, with its chain, and its key: each in PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}
