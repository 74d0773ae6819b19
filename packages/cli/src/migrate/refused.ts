/** Why something is left as it is. It quotes no value from the code: that may be a passphrase. */
export class Refused extends Error {
  readonly hint: string | undefined;

  constructor(reason: string, hint?: string) {
    super(reason);
    this.hint = hint;
  }
}
