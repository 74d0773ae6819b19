import { types } from 'node:util';
import * as v from 'valibot';
import type { Config } from '../types.ts';
import { isUrl } from '../url.ts';
import { isRecord, PROMISE } from './shape.ts';

/** For completion in editors: what an option is, in one sentence. */
const described = <Schema extends v.GenericSchema>(schema: Schema, description: string) =>
  v.pipe(schema, v.description(description));

/** To valibot URLs and bytes are objects too, as which they would say nothing, and a rule would be lost in silence. */
const plain = <Schema extends v.GenericSchema>(schema: Schema): Schema => ({
  ...schema,
  '~run': (dataset, config) =>
    schema['~run'](
      isRecord(dataset.value) || dataset.value === PROMISE ? dataset : { value: undefined },
      config,
    ),
});

/** valibot walks over inherited names as well, so that a polluted `Object.prototype` would be part of the schema. */
const object = <Entries extends v.ObjectEntries>(entries: Entries, message = 'must be an object') =>
  plain(v.strictObject(Object.assign(Object.create(null), entries) as Entries, message));

const record = <Schema extends v.GenericSchema>(schema: Schema, message: string) =>
  plain(v.record(v.string(), schema, message));

const text = v.pipe(v.string('must be a string'), v.nonEmpty('is empty'));
const flag = v.boolean('must be true or false');
const callback = v.function('must be a function');
const url = v.custom<URL>(isUrl, 'must be a URL');
const bytes = v.custom<Uint8Array>((value) => types.isUint8Array(value), 'must be a Buffer or Uint8Array');
const fromVariable = object({ env: described(text, 'The name of an environment variable.') });

const material = v.union(
  [text, fromVariable, url, bytes],
  'must be a path, a file: URL, { env: "NAME" }, PEM text or bytes',
);
/** Each is a file that is read and watched, and there are some 150 public authorities. */
const fewFiles = <Listed extends unknown[]>() =>
  v.maxLength<Listed, 1000, string>(1000, 'lists more than 1,000 files');
const materials = v.union(
  [material, v.pipe(v.array(material), v.minLength(1, 'is an empty list'), fewFiles())],
  'must be a path, a file: URL, { env: "NAME" }, PEM text or bytes, or a list of these',
);
const location = v.union([text, url], 'must be a path or a file: URL');
const passphrase = v.union(
  [
    v.string('must be a string'),
    v.pipe(
      object({
        env: v.optional(described(text, 'The name of the environment variable that holds it.')),
        file: v.optional(described(location, 'The file that holds it; one trailing newline is dropped.')),
      }),
      v.minEntries(1, 'must say either env or file'),
      v.maxEntries(1, 'must say either env or file, not both'),
    ),
    callback,
  ],
  'must be a string, { env: "NAME" }, { file: "path" } or a function',
);
const caMaterial = v.union(
  [
    text,
    fromVariable,
    url,
    bytes,
    object({
      file: described(material, 'The truststore.'),
      passphrase: v.optional(described(passphrase, 'Its passphrase; a JKS one is read without.')),
    }),
  ],
  'must be a path, a file: URL, { env: "NAME" }, { file, passphrase }, PEM text or bytes',
);
const authorities = v.union(
  [caMaterial, v.pipe(v.array(caMaterial), v.minLength(1, 'is an empty list'), fewFiles())],
  'must be a path, a file: URL, { env: "NAME" }, { file, passphrase }, PEM text or bytes, or a list of these',
);
const trust = v.literal('only', 'must be "only", or be left out to trust Node\'s roots as well');

const source = object({
  pfx: v.optional(
    described(
      materials,
      'A PKCS#12 file or Java keystore: certificate and key in one; in a list, intermediates beside it.',
    ),
  ),
  cert: v.optional(
    described(
      materials,
      'The certificate, with its chain and even its key where they are in one file; in a list, one file after another.',
    ),
  ),
  key: v.optional(
    described(material, 'The private key; or, on a token, a PKCS#11 URI: pkcs11:token=bank;object=client.'),
  ),
  dir: v.optional(described(location, 'A mounted secret: a directory with tls.crt, tls.key and ca.crt.')),
  passphrase: v.optional(described(passphrase, 'The passphrase of the file or of the key.')),
  keyPassphrase: v.optional(described(passphrase, 'For Java stores whose key has a passphrase of its own.')),
  pin: v.optional(described(passphrase, 'The PIN of the token that `key` names.')),
  engine: v.optional(
    described(
      location,
      "The path of libp11's engine, for where OpenSSL has no provider loaded that reaches the token.",
    ),
  ),
  ca: v.optional(
    described(authorities, 'Roots trusted on every connection whose rule names this certificate.'),
  ),
  bundles: v.optional(
    described(
      v.pipe(
        record(authorities, 'must be an object of roots by trust domain'),
        v.minEntries(1, 'is empty: name a trust domain'),
      ),
      'Roots by the name of a SPIFFE trust domain: what a server is verified by whose rule says, as `server`, an id in it.',
    ),
  ),
  trust: v.optional(described(trust, '"only": trust nothing but `ca`.')),
  alias: v.optional(
    described(text, 'Which identity to take where a file holds several: a name or a SHA-256 fingerprint.'),
  ),
  maxIterations: v.optional(
    described(
      v.pipe(
        v.number('must be a number'),
        v.integer('must be a whole number'),
        v.minValue(1, 'must be at least 1'),
      ),
      'Rounds of key derivation allowed in total for one file (5,000,000 unless written).',
    ),
  ),
  refresh: v.optional(
    described(
      v.pipe(
        v.number('must be a number of seconds'),
        v.finite('must be finite'),
        v.minValue(1, 'must be at least 1 second'),
      ),
      'Seconds after which the source is read again although no file has changed.',
    ),
  ),
});

const version = v.picklist(
  ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'],
  'must be "TLSv1.2" or "TLSv1.3", or, with legacy: true, "TLSv1" or "TLSv1.1"',
);
const tls = described(
  v.union(
    [
      v.picklist(['TLSv1.2', 'TLSv1.3']),
      object({
        min: v.optional(described(version, 'The lowest version (TLSv1.2 unless written).')),
        max: v.optional(described(version, 'The highest version (TLSv1.3 unless written).')),
        legacy: v.optional(
          described(flag, 'Allow TLS 1.0 and 1.1, servers without RFC 5746, small keys and SHA-1.'),
        ),
      }),
    ],
    'must be "TLSv1.2", "TLSv1.3" or { min, max, legacy }; below TLS 1.2: { min: "TLSv1", legacy: true }',
  ),
  'The TLS versions allowed: one version, or a range. Below TLS 1.2 only with `legacy`.',
);

const certificateName = v.string("must be a certificate's name");
const certificate = described(
  v.union([certificateName, v.literal(false)], "must be a certificate's name, or false for none"),
  "The certificate's name, or false for never one.",
);
const ruleOptions = {
  certificate: v.optional(certificate),
  tls: v.optional(tls),
  ca: v.optional(described(authorities, "Roots trusted on these connections, beside Node's own.")),
  trust: v.optional(
    described(trust, '"only": trust nothing but the roots given here and with the certificate.'),
  ),
  spki: v.optional(
    described(
      v.pipe(v.array(text, 'must be a list of "sha256/…" pins'), v.minLength(1, 'is an empty list')),
      "Pins on the server's public key, `sha256/` and base64. Give a backup as well.",
    ),
  ),
  servername: v.optional(
    described(text, "Sent to the server as SNI, and checked in place of the host's name."),
  ),
  server: v.optional(
    described(
      text,
      'Who the server has to be, in place of a name: a SPIFFE ID, "spiffe://bank.example/payments", or any in a trust domain, "spiffe://bank.example".',
    ),
  ),
  resume: v.optional(described(flag, 'With false, resume no TLS session (true unless written).')),
  required: v.optional(
    described(flag, 'Make a connection on which the server did not ask for the certificate an error.'),
  ),
  dangerouslyAcceptAnyServer: v.optional(
    described(
      v.union(
        [flag, v.literal('and-present-certificate')],
        'must be true, false or "and-present-certificate"',
      ),
      'Do not verify the server at all. With a certificate, "and-present-certificate" has to be said.',
    ),
  ),
  allowDowngrade: v.optional(
    described(flag, 'Follow a redirect from https: to http: although a certificate was presented.'),
  ),
};
const hostPin: v.GenericSchema = v.union(
  [certificateName, v.literal(false), object(ruleOptions)],
  "must be a certificate's name, false, or an object such as { certificate, tls }",
);
const servicePin = v.union(
  [
    certificateName,
    v.literal(false),
    object({
      ...ruleOptions,
      hosts: v.optional(
        described(
          v.pipe(
            v.array(v.string('must be a host'), 'must be a list of hosts'),
            v.minLength(1, 'is an empty list'),
          ),
          "Where the service applies; without it, at the origin that the caller's own request names.",
        ),
      ),
    }),
  ],
  "must be a certificate's name, false, or an object such as { certificate, hosts }",
);

const proxy = v.union(
  [
    text,
    v.literal(false),
    url,
    object({
      url: described(v.union([text, url], 'must be a URL'), "The proxy's URL."),
      certificate: v.optional(described(certificateName, 'The certificate for a proxy that asks for one.')),
      ca: v.optional(described(authorities, 'Roots trusted for the connection to the proxy.')),
      authorization: v.optional(described(passphrase, 'The value of Proxy-Authorization.')),
    }),
  ],
  'must be "env", a URL, { url, certificate, ca, authorization }, or false',
);

const days = v.pipe(
  v.number('must be a number of days'),
  v.finite('must be finite'),
  v.minValue(0, 'must not be negative'),
);
const threshold = v.union(
  [days, v.pipe(v.string(), v.regex(/^(?:\d{1,2}(?:\.\d+)?|100)%$/, 'must be a share such as "20%"'))],
  'must be a number of days, or a share of the lifetime such as "20%"',
);

const watch = v.union(
  [
    flag,
    object({
      pollInterval: v.optional(
        described(
          v.pipe(
            v.number('must be a number of seconds'),
            v.finite('must be finite'),
            v.minValue(0.1, 'must be at least 0.1 seconds'),
          ),
          'Seconds between two looks at every file, for what brings no events (30 unless written).',
        ),
      ),
      settle: v.optional(
        described(
          v.pipe(
            v.number('must be a number of milliseconds'),
            v.finite('must be finite'),
            v.minValue(0, 'must not be negative'),
          ),
          'Milliseconds without a further change after which a changed file is read (200 unless written).',
        ),
      ),
    }),
  ],
  'must be true, false or { pollInterval, settle }',
);

const certificateSource = v.union(
  [source, callback],
  'must be { pfx }, { cert, key }, { dir } or a function',
);

/**
 * What stands under each name of a section.
 *
 * @public imported late, as a whole module
 */
export const entrySchemas: Readonly<Record<'certificates' | 'hosts' | 'services', v.GenericSchema>> = {
  certificates: certificateSource,
  hosts: hostPin,
  services: servicePin,
};

/** What a config looks like. Names that refer to others, hosts and the like are looked at by `checkConfig`. */
export const configSchema: v.GenericSchema<Config> = object(
  {
    $schema: v.optional(v.string('must be a string')),
    certificates: v.optional(
      described(
        record(certificateSource, 'must be an object of certificates by name'),
        'The certificates, by a name of your choice.',
      ),
    ),
    hosts: v.optional(
      described(
        record(hostPin, 'must be an object of rules by host'),
        'Which certificate goes to which host: "api.bank.example", "api.bank.example:*", "*.tax.example:8443".',
      ),
    ),
    services: v.optional(
      described(
        record(servicePin, 'must be an object of rules by service'),
        "Certificates for calls that are made as a service, by the service's name.",
      ),
    ),
    default: v.optional(described(hostPin, 'The rule for every other https host (none unless written).')),
    tls: v.optional(tls),
    proxy: v.optional(described(proxy, '"env", a URL, an object, or false for none.')),
    watch: v.optional(described(watch, 'Watch the files and swap what changed (true unless written).')),
    expiryWarningDays: v.optional(
      described(
        v.union(
          [threshold, v.pipe(v.array(threshold), v.minLength(1, 'is an empty list'))],
          'must be a number of days, a share of the lifetime such as "20%", or a list of these',
        ),
        'How long before its end a certificate is reported: days, or a share of its lifetime such as "20%"; with several, once at each. Unless written 30 days, and never more than a third of the lifetime.',
      ),
    ),
    allowBroken: v.optional(
      described(
        flag,
        'Load the others where a certificate cannot be read: requests to its hosts fail with its error.',
      ),
    ),
    rollback: v.optional(
      described(
        flag,
        'Go back to the previous certificate when a verified server refuses a new one after the handshake, as in TLS 1.3.',
      ),
    ),
    onProgress: v.optional(callback),
  },
  'must be an object with certificates, hosts and services',
) as unknown as v.GenericSchema<Config>;
