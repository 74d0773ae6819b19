// Longer than other files: every type that a user writes or is handed, in one place.
import type { KeyObject, X509Certificate } from 'node:crypto';

/**
 * Where bytes come from: a path, a `file:` URL, `{ env: 'NAME' }` (PEM or base64), the bytes themselves,
 * or a PEM string. The content decides the format, never the option's name or the file's extension.
 */
export type Material = string | URL | Uint8Array | { env: string };

/** A truststore with a passphrase of its own. */
export interface Truststore {
  /** Where it comes from, in any of the ways of a {@link Material}. */
  file: Material;
  /** The store's own. A JKS needs none to be read. */
  passphrase?: Passphrase | undefined;
}

/** What `ca` takes: certificates of authorities, in any format, or a truststore with its passphrase. */
export type CaMaterial = Material | Truststore;

/** A passphrase, the environment variable or file that holds it, or a function that returns it. */
export type Passphrase =
  | string
  | { env: string }
  | { file: string | URL }
  | (() => string | undefined | Promise<string | undefined>);

/** What may stand beside `pfx`, `cert` or `dir` in a source. */
export interface SourceOptions {
  /** What opens the file, or the key. */
  passphrase?: Passphrase | undefined;
  /** For Java stores whose key has a passphrase of its own. */
  keyPassphrase?: Passphrase | undefined;
  /** What opens the token that `key` names; of a PIN that is wrong, one try is made. */
  pin?: Passphrase | undefined;
  /**
   * Where OpenSSL has no provider loaded that reaches the token, what does: the path of libp11's engine,
   * `…/engines-3/pkcs11.so`. It signs in TLS alone, and in Node up to 26.
   */
  engine?: string | URL | undefined;
  /** Roots trusted on every connection whose rule names this certificate; intermediates fill gaps in chains. */
  ca?: CaMaterial | readonly CaMaterial[] | undefined;
  /**
   * Roots by the name of a SPIFFE trust domain, `{ 'bank.example': 'bank-bundle.pem' }`: those that a server is verified
   * by where a rule names this certificate and says as `server` an id in that domain. They count for nothing else.
   */
  bundles?: Readonly<Record<string, CaMaterial | readonly CaMaterial[]>> | undefined;
  /** `'only'`: trust nothing but `ca`. */
  trust?: 'only' | undefined;
  /** Which identity to take where a file holds several: a friendlyName, a Java alias, or a SHA-256 fingerprint. */
  alias?: string | undefined;
  /** Rounds of key derivation allowed in total for one file (5,000,000 unless written). */
  maxIterations?: number | undefined;
  /**
   * When the source is read again although no file has changed: after so many seconds or, from a function, at
   * that time.
   */
  refresh?: number | Date | undefined;
}

/** A certificate with its key: one file that holds both, a pair of files, or a mounted secret. */
export type FileSource = SourceOptions &
  (
    | {
        /** A PKCS#12 file or Java keystore, or whatever else holds certificate and key in one; in a list, intermediates beside it. */
        pfx: Material | readonly Material[];
        cert?: undefined;
        key?: undefined;
        dir?: undefined;
      }
    | {
        /** The certificate, with its chain, and even its key where they are in one file; in a list, one file after another. */
        cert: Material | readonly Material[];
        /** The private key, where it is in a file of its own; or on a token: a PKCS#11 URI (RFC 7512), `pkcs11:token=…;object=…`. */
        key?: Material | undefined;
        pfx?: undefined;
        dir?: undefined;
      }
    | {
        /** A mounted secret: a directory with `tls.crt`, `tls.key` and `ca.crt`, a keystore of cert-manager, or SPIFFE helper's files. */
        dir: string | URL;
        pfx?: undefined;
        cert?: undefined;
        key?: undefined;
      }
  );

/**
 * What {@link readCertificate} takes: a {@link FileSource}, or a function that returns one, or an async iterable of them.
 * Each that the iterable yields is the next version; where it ends or fails, the function is called again.
 */
export type CertificateSource =
  | FileSource
  | ((
      call: SourceCall,
    ) => FileSource | AsyncIterable<FileSource> | Promise<FileSource | AsyncIterable<FileSource>>);

/** What a function is called with that returns a source. */
export interface SourceCall {
  /**
   * Aborted where nobody waits for the answer any longer, and where an async iterable is to end: pass it to `fetch` and
   * the like.
   */
  readonly signal: AbortSignal;
  /** Whether it returned one before: that one stays in use where this call fails. */
  readonly isRenewal?: boolean | undefined;
}

/** Every code that a {@link Warning} can carry. */
export type WarningCode =
  | 'EXPIRED'
  | 'NOT_YET_VALID'
  | 'EXPIRING'
  | 'NO_CLIENT_AUTH'
  | 'WEAK_KEY'
  | 'WEAK_SIGNATURE'
  | 'CHAIN_INCOMPLETE'
  | 'CHAIN_REORDERED'
  | 'UNRELATED_DROPPED'
  | 'KEY_NOT_PRESENTABLE'
  | 'KEY_FILE_READABLE'
  | 'KEY_FILE_WRITABLE'
  | 'CA_WITHOUT_ROOT'
  | 'PASSPHRASE_UNUSED'
  | 'IDENTITY_CHOSEN'
  | 'LEGACY_ENCRYPTION'
  // of a config
  | 'RULE_SHADOWED'
  | 'RULE_REDUNDANT'
  | 'CERTIFICATE_UNUSED'
  | 'PINNED_ELSEWHERE'
  | 'SPKI_NO_BACKUP'
  | 'SERVER_UNVERIFIED'
  | 'LEGACY_TLS';

/** Something that does not stop a certificate from being used, and that its owner should know. */
export interface Warning {
  /** Stable: what to branch on. */
  code: WarningCode;
  /** What it is, for people. */
  message: string;
}

/** One checked certificate: the key belongs to the leaf, the chain is in order. */
export interface ClientCertificate<Key extends KeyObject | null = KeyObject> {
  /**
   * The private key of `certificate`; `null` only where `{ key: 'optional' }` allowed it. Of a key that an `engine` reaches
   * its public half: no object of Node's signs with it.
   */
  privateKey: Key;
  /** The leaf. */
  certificate: X509Certificate;
  /** The intermediates, from the leaf's issuer upwards, without the root. */
  chain: X509Certificate[];
  /** The self-signed roots that were found in the file or given as `ca`. */
  ca: X509Certificate[];
  /** The roots of each trust domain, where the source says `bundles`. */
  bundles?: Readonly<Record<string, readonly X509Certificate[]>> | undefined;
  /** What kind of key it is, as Node calls it, with its size or curve: `rsa 2048`, `ec prime256v1`, `ed25519`. */
  keyType: string;
  /** What its owner should know, such as a weak key. */
  warnings: Warning[];
  /** What the file was. */
  format: FileFormat;
}

/** What a certificate file was, for people and for `clientcert inspect`. */
export interface FileFormat {
  /** What holds the identity, e.g. `PKCS#12`, `PEM`, `DER`, `PKCS#7`, `JKS`, `JCEKS`. */
  container: string;
  /** What encrypts key and certificates, and what protects their integrity, e.g. `PBES2 AES-256-CBC, HMAC-SHA256, 2048 rounds`. */
  algorithms: string[];
}

/** A version of TLS, as Node calls it. */
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** The TLS versions allowed on a connection. Below TLS 1.2 only with `legacy`. */
export interface TlsRange {
  /** The oldest version. */
  readonly min: TlsVersion;
  /** The newest. */
  readonly max: TlsVersion;
  /** Whether the ciphers and signatures of TLS 1.0 and 1.1 are taken as well. */
  readonly legacy: boolean;
}

/**
 * The answer for one host, port and service: which certificate, over which TLS versions, trusting whom.
 * Frozen, and the same object whenever the same rules decide.
 */
export interface Resolution {
  /** Name of the certificate that is sent where the server asks for one, or `null` for none. */
  readonly certificate: string | null;
  /**
   * The rule that won, as its place in the config, e.g. `hosts["api.bank.example"]`; `request` where the request
   * said `false`, `none` where no rule names the host.
   */
  readonly rule: string;
  /** The TLS versions allowed on the connection. */
  readonly tls: TlsRange;
  /**
   * Who said so: a `rule` itself, the whole `config`, nobody (`default`), or `node`, which decides alone where no
   * rule names the host and the config says nothing. What the process was hardened with holds but for a `rule`.
   */
  readonly tlsBy: 'rule' | 'config' | 'default' | 'node';
  /** The rules' own extra roots; those of the certificates in `authorities` come beside them. */
  readonly ca: readonly X509Certificate[];
  /** `'only'`: trust nothing but the extra roots. */
  readonly trust: 'system' | 'only';
  /** Accepted `sha256/…` pins on the server's public key; empty for any. */
  readonly spki: readonly string[];
  /** Sent as SNI, and checked in place of the host's name; `null`: the host's own. */
  readonly servername: string | null;
  /** The SPIFFE ID that the server has to prove in place of a name, or the trust domain that it has to be in; `null`: a name. */
  readonly server: string | null;
  /** Whether TLS sessions are resumed: Node offers the last one when it connects again (RFC 8446, section 2.2). */
  readonly resume: boolean;
  /**
   * Whether a connection on which the server does not ask for the certificate, or cannot take it, is an error; each is where
   * there is none.
   */
  readonly required: boolean;
  /** Whether a rule says `false`: no certificate, whatever else names the host. */
  readonly denied: boolean;
  /** The certificates whose `ca`, or with `server` whose `bundles`, are trusted here, whether they are sent or not. */
  readonly authorities: readonly string[];
  /** Whether any server is believed, without a look at its certificate. */
  readonly acceptsAnyServer: boolean;
  /** Whether a redirect to `http:` is followed although a certificate was sent. */
  readonly allowDowngrade: boolean;
  /** Equal for two decisions that may share connections, TLS sessions and secure contexts; never secret. */
  readonly partition: string;
}

/** A TLS version on its own, or a range. Below TLS 1.2 only as a range with `legacy: true`. */
export type TlsPin =
  | 'TLSv1.2'
  | 'TLSv1.3'
  | {
      /** The lowest version (`TLSv1.2` unless written). */
      min?: TlsVersion | undefined;
      /** The highest version (`TLSv1.3` unless written). */
      max?: TlsVersion | undefined;
      /** Allow TLS 1.0 and 1.1, servers without RFC 5746, small keys and SHA-1. */
      legacy?: boolean | undefined;
    };

/** What a rule may say beside the certificate. */
export interface RuleOptions {
  /** The TLS versions allowed on these connections. */
  tls?: TlsPin | undefined;
  /** Roots trusted on these connections, beside Node's own. */
  ca?: CaMaterial | readonly CaMaterial[] | undefined;
  /** `'only'`: trust nothing but the roots given here and with the certificate. */
  trust?: 'only' | undefined;
  /** Pins on the server's public key, `sha256/` and base64; one of them has to match. Give a backup as well. */
  spki?: readonly string[] | undefined;
  /** Sent to the server as SNI, and checked in place of the host's name: for tunnels, private links, addresses. */
  servername?: string | undefined;
  /**
   * Who the server has to be, in place of a name: a SPIFFE ID, `spiffe://bank.example/payments`, or any in a trust domain,
   * `spiffe://bank.example`. Trusted is the rule's `ca`, else the `bundles` of its certificate for that trust domain, else
   * that certificate's `ca`; never Node's roots.
   */
  server?: string | undefined;
  /** `false`: resume no TLS session, so that every connection is a whole handshake. */
  resume?: boolean | undefined;
  /** Make a connection on which the server did not ask for the certificate, or cannot take it, an error. */
  required?: boolean | undefined;
  /**
   * Do not verify the server at all. Whoever answers is believed, so `true` is refused where a certificate
   * would be sent; `'and-present-certificate'` says that this, too, is meant. It turns nothing off that the rule of the
   * host, or the service over it, says of whom to trust (`ca`, `trust`, `spki`, `server`), or the source of its
   * certificate by `trust`.
   */
  dangerouslyAcceptAnyServer?: boolean | 'and-present-certificate' | undefined;
  /** Follow a redirect from `https:` to `http:` although a certificate was sent. */
  allowDowngrade?: boolean | undefined;
}

/** What holds for a host: a certificate's name, `false` for never any, or both and more as an object. */
export type HostPin<CertificateName extends string = string> =
  | CertificateName
  | false
  | (RuleOptions & {
      /** The certificate's name, or `false` for never one. */
      certificate?: CertificateName | false | undefined;
    });

/** What holds for a service. What it does not say, the rule of the host says. */
export type ServicePin<CertificateName extends string = string> =
  | CertificateName
  | false
  | (RuleOptions & {
      /** The certificate's name, or `false` for never one. */
      certificate?: CertificateName | false | undefined;
      /** Where the service applies; without it, at the origin that the caller's own request names. */
      hosts?: readonly string[] | undefined;
    });

/** A proxy with its own credentials. Its certificate is its own, never the target's. */
export interface ProxyOptions<CertificateName extends string = string> {
  /** `http://proxy.example:3128`; a user and a password in it are sent as Basic authorization. */
  url: string | URL;
  /** The certificate for a proxy that asks for one. */
  certificate?: CertificateName | undefined;
  /** Roots trusted for the connection to the proxy. */
  ca?: CaMaterial | readonly CaMaterial[] | undefined;
  /** The value of `Proxy-Authorization`. */
  authorization?: Passphrase | undefined;
}

/** How files are watched. */
export interface WatchOptions {
  /**
   * Seconds between two looks at every file (30 unless written), for what brings no events: network file
   * systems, some container mounts, a directory that was replaced as a whole.
   */
  pollInterval?: number | undefined;
  /** Milliseconds without a further change after which a changed file is read (200 unless written). */
  settle?: number | undefined;
}

/** How long before a certificate's end it is reported: days, or a share of its whole lifetime, such as `'20%'`. */
export type ExpiryThreshold = number | `${number}%`;

/** How far loading has come. */
export interface LoadProgress {
  /** How many certificates are read. */
  readonly loaded: number;
  /** How many there are. */
  readonly total: number;
  /** The certificate that was read last. */
  readonly name: string;
}

/**
 * Which certificates there are and where each is sent.
 *
 * @typeParam CertificateName The names under `certificates`, so that a rule cannot name another.
 * @typeParam ServiceName The names under `services`.
 */
export interface Config<CertificateName extends string = string, ServiceName extends string = string> {
  /** For editors: where the JSON Schema of this file is. */
  $schema?: string | undefined;
  /** The certificates, by a name of your choice. */
  certificates?: Readonly<Record<CertificateName, CertificateSource>> | undefined;
  /** Which certificate goes to which host: `api.bank.example`, `api.bank.example:*`, `*.tax.example:8443`. */
  hosts?: Readonly<Record<string, HostPin<NoInfer<CertificateName>>>> | undefined;
  /** Certificates for calls that are made as a service, by the service's name. */
  services?: Readonly<Record<ServiceName, ServicePin<NoInfer<CertificateName>>>> | undefined;
  /** The rule for every other https host (none unless written). */
  default?: HostPin<NoInfer<CertificateName>> | undefined;
  /** The TLS versions where no rule says otherwise. */
  tls?: TlsPin | undefined;
  /** `'env'`, a URL, an object, or `false` for none; unless written, what the client itself does. */
  proxy?: 'env' | (string & {}) | URL | ProxyOptions<NoInfer<CertificateName>> | false | undefined;
  /** Watch the files and swap what changed (`true` unless written); with `false` they are read by `reload()` alone. */
  watch?: boolean | WatchOptions | undefined;
  /**
   * How long before its end a certificate is reported: days, or a share of its whole lifetime (`'20%'`); with several,
   * once at each. Unless written 30 days, and never more than a third of the lifetime.
   */
  expiryWarningDays?: ExpiryThreshold | readonly ExpiryThreshold[] | undefined;
  /**
   * Load the others where a certificate cannot be read (`false` unless written). Every request to its hosts fails with
   * its error, `health()` is `error`, and it is read again until it can be.
   */
  allowBroken?: boolean | undefined;
  /** Go back to the previous certificate when a verified server refuses a new one after the handshake, as in TLS 1.3. */
  rollback?: boolean | undefined;
  /** Called while certificates are read. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** Where a call goes: a URL, or a host with the name under which the call is made. */
export type Target<ServiceName extends string = string> =
  | string
  | URL
  | {
      /** A host name or an IP address, without scheme and port. */
      host: string;
      /** 443 unless written. */
      port?: number | string | undefined;
      /** The service as which the call is made; `false` for no certificate. */
      service?: ServiceName | false | undefined;
      /** The origin that the caller's own request named, where that is not this target. */
      origin?: string | URL | undefined;
    };

/** What an explanation says of the certificate that is sent. */
export interface ExplainedCertificate {
  /** Its name in the config. */
  readonly name: string;
  /** As Node's `X509Certificate` writes it: one attribute a line. */
  readonly subject: string;
  /** Written like `subject`. */
  readonly issuer: string;
  /** The SPIFFE ID, `spiffe://example.org/payments`, of an X.509-SVID; `null` for any other certificate. */
  readonly spiffeId: string | null;
  /** SHA-256, in hexadecimal with colons. */
  readonly fingerprint256: string;
  /** The last moment at which it is valid. */
  readonly validTo: Date;
  /** Whole days until `validTo`; negative afterwards. */
  readonly daysLeft: number;
  /** Where its private key is: in the process, or on a token. */
  readonly key: 'memory' | 'token';
  /** The token and the key on it, as a PKCS#11 URI without a PIN, or `TPM 2.0`; `null` for a key in memory. */
  readonly token: string | null;
  /** What has that token sign: an OpenSSL provider, or an engine, which does so in TLS alone; `null` for a key in memory. */
  readonly signedBy: 'provider' | 'engine' | null;
}

/** One rule that was looked at for a decision. */
export interface ConsideredRule {
  /** Its place in the config, or `request` where the request itself says `false`. */
  readonly rule: string;
  /** The certificate it names; `false` where it says that none is sent, `null` where it names none. */
  readonly certificate: string | false | null;
  /** What became of it. */
  readonly outcome: 'won' | 'lost';
  /** Why, in a sentence. */
  readonly reason: string;
}

/** A decision with its reasons. `String(explanation)` is a text for a terminal. */
export interface Explanation {
  /** What was asked about: scheme, host and port, normalised. */
  readonly target: string;
  /** The service as which the call was asked about; `null` for none. */
  readonly service: string | null;
  /** The decision itself, as `resolve()` gives it. */
  readonly resolution: Resolution;
  /** The certificate that is sent, or `null` for none. */
  readonly certificate: ExplainedCertificate | null;
  /** What it comes down to, in a few sentences: why this certificate, or why none and what to write instead. */
  readonly summary: readonly string[];
  /** The rules that concern this host, those that nearly do included, the winner first. */
  readonly considered: readonly ConsideredRule[];
  /** The TLS versions allowed on the connection. */
  readonly tls: TlsRange;
  /** Whose servers are believed, in a sentence. */
  readonly trust: string;
  /** The proxy in between, or `null` for none. */
  readonly proxy: string | null;
  /** The same as a text of at most 80 columns. */
  toString(): string;
}
