/** As whom, and through which proxy, an agent or a connection connects. */
export interface ConnectIdentity<ServiceName extends string = string> {
  /** Call as this service of the config; with `false`, send no certificate. */
  service?: ServiceName | false | undefined;
  /** The origin that the caller's own request names: where a service without `hosts` applies. */
  origin?: string | URL | undefined;
  /** `'env'`, a proxy's URL, or `false`; in place of what the config says. */
  proxy?:
    | 'env'
    | (string & {})
    | URL
    | { url: string | URL; authorization?: string | undefined }
    | false
    | undefined;
  /** What holds where neither `proxy` nor the config says: `'env'` for clients that read the environment. */
  defaultProxy?: 'env' | undefined;
}
