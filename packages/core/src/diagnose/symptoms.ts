/**
 * What goes wrong with client certificates, by what is seen of it: one table, for people (the page
 * "Troubleshooting" is made from it) and for programs. Longer than other files, because it is data.
 *
 * Recognised by code and alert number: messages changed between OpenSSL 3.0 (Node 20) and 3.5 (Node 22 and newer).
 */
export interface Symptom {
  /** Stable; the anchor on the page. */
  readonly id: string;
  /** What can be wrong, the likeliest first. */
  readonly diagnoses: readonly [DiagnosisName, ...DiagnosisName[]];
  /** Nothing of that is more than a guess. */
  readonly vague?: boolean;
  /** The TLS alert that the server sent (RFC 8446, section 6). */
  readonly alert?: number;
  /** Node's codes of the error. */
  readonly codes?: readonly string[];
  /** The HTTP status of an answer, or those that it comes with. */
  readonly status?: number | readonly number[];
  /** As they are printed, or stand in the body of the answer, by each Node that prints another; `…` for what varies. */
  readonly messages: readonly string[];
  readonly title: string;
  readonly meaning: string;
  /** A command that makes sure. */
  readonly check: string;
  /** What its output means, where that is not plain. */
  readonly tells?: string;
  readonly fix: string;
  /** The fix without this library. */
  readonly byHand: string;
}

/** The name of what is wrong. */
export type DiagnosisName =
  | 'ALPN_MISMATCH'
  | 'BODY_TOO_LARGE_FOR_RENEGOTIATION'
  | 'CLIENT_CERTIFICATE_EXPIRED'
  | 'CLIENT_CERTIFICATE_NOT_YET_VALID'
  | 'CLIENT_CERTIFICATE_PROBABLY_REFUSED'
  | 'CLIENT_CERTIFICATE_REFUSED'
  | 'CLIENT_CERTIFICATE_REFUSED_SILENTLY'
  | 'CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED'
  | 'CLIENT_CERTIFICATE_REVOKED'
  | 'CLIENT_CERTIFICATE_WRONG_PURPOSE'
  | 'CLIENT_CHAIN_INCOMPLETE'
  | 'CLIENT_CREDENTIAL_TOO_WEAK'
  | 'CLIENT_KEY_PROOF_FAILED'
  | 'CONNECTION_DROPPED'
  | 'HTTP_ON_TLS_PORT'
  | 'IIS_SUBSTATUS'
  | 'ISSUER_NOT_TRUSTED_BY_SERVER'
  | 'KEY_DOES_NOT_MATCH'
  | 'KEY_NOT_READABLE'
  | 'LEGACY_TLS_NOT_ENABLED'
  | 'NOT_A_TLS_PORT'
  | 'NOT_PEM'
  | 'NO_CLIENT_CERTIFICATE_SENT'
  | 'NO_COMMON_TLS_PARAMETERS'
  | 'PASSPHRASE_WRONG_OR_MISSING'
  | 'PFX_LEGACY_ALGORITHMS'
  | 'PFX_MALFORMED'
  | 'PFX_PASSPHRASE_WRONG_OR_MISSING'
  | 'PROXY_REFUSED'
  | 'SERVER_CA_UNKNOWN'
  | 'SERVER_CERTIFICATE_EXPIRED'
  | 'SERVER_CLOSED_BEFORE_ITS_FLIGHT'
  | 'SERVER_LACKS_RFC5746'
  | 'SERVER_NAME_MISMATCH'
  | 'SERVER_NOT_REACHED'
  | 'SERVER_ONLY_OFFERS_OLD_TLS'
  | 'SERVER_WANTED_POST_HANDSHAKE_AUTH'
  | 'SERVER_WANTS_RENEGOTIATION_HTTP1_ONLY'
  | 'SNI_UNKNOWN'
  | 'TLS_VERSION_REFUSED'
  | 'UNDICI_AGENT_NOT_FOR_THIS_GLOBAL_FETCH'
  | 'UNKNOWN';

export const symptoms: readonly Symptom[] = [
  {
    id: 'alert-10',
    diagnoses: ['NO_COMMON_TLS_PARAMETERS'],
    vague: true,
    alert: 10,
    codes: ['ERR_SSL_SSLV3_ALERT_UNEXPECTED_MESSAGE', 'ERR_SSL_SSL/TLS_ALERT_UNEXPECTED_MESSAGE'],
    messages: [
      'sslv3 alert unexpected message … SSL alert number 10',
      'ssl/tls alert unexpected message … SSL alert number 10',
    ],
    title: 'SSL alert number 10: unexpected message',
    meaning:
      'The server was sent something that it did not expect at that point: an old server or a box in between that does not know TLS 1.3, or does not know certificates of clients.',
    check: 'openssl s_client -connect api.bank.example:443 -tls1_2 </dev/null',
    fix: "Pin the host to TLS 1.2: `tls: 'TLSv1.2'`. Otherwise it is for the server’s team.",
    byHand: 'maxVersion: TLSv1.2 on the agent.',
  },
  {
    id: 'alert-20',
    diagnoses: ['NO_COMMON_TLS_PARAMETERS'],
    vague: true,
    alert: 20,
    codes: ['ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC', 'ERR_SSL_SSL/TLS_ALERT_BAD_RECORD_MAC'],
    messages: [
      'sslv3 alert bad record mac … SSL alert number 20',
      'ssl/tls alert bad record mac … SSL alert number 20',
    ],
    title: 'SSL alert number 20: bad record mac',
    meaning:
      'The server could not decrypt what arrived: something in between changes it, or the server’s TLS is at fault.',
    check: 'openssl s_client -connect api.bank.example:443 -tls1_2 </dev/null',
    fix: 'Pin the host to the other TLS version; try without the [proxy](/guides/proxies), and from another network.',
    byHand: 'The same, with minVersion and maxVersion on the agent.',
  },
  {
    id: 'alert-40',
    diagnoses: ['NO_CLIENT_CERTIFICATE_SENT', 'NO_COMMON_TLS_PARAMETERS'],
    alert: 40,
    codes: ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'],
    messages: [
      'sslv3 alert handshake failure … SSL alert number 40',
      'ssl/tls alert handshake failure … SSL alert number 40',
    ],
    title: 'SSL alert number 40: handshake failure',
    meaning:
      'Over TLS 1.2: the server wanted a certificate and got none. It also stands for no cipher or version in common.',
    check: 'npx clientcert explain https://api.bank.example',
    fix: 'Look whether a rule names the certificate for this host and port. Node sends none, and says nothing, where key and certificate do not fit; clientcert refuses such a pair when it is loaded.',
    byHand: 'Give both `cert` and `key` (or `pfx`), and check that they belong together.',
  },
  {
    id: 'alert-42',
    diagnoses: ['CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED', 'NO_CLIENT_CERTIFICATE_SENT'],
    alert: 42,
    codes: ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE'],
    messages: [
      'sslv3 alert bad certificate … SSL alert number 42',
      'ssl/tls alert bad certificate … SSL alert number 42',
    ],
    title: 'SSL alert number 42: bad certificate',
    meaning:
      'The server does not take the certificate: not yet valid, signed with SHA-1, a key that is too small. Tomcat says it also when it got none.',
    check: 'npx clientcert inspect bank.pfx',
    fix: 'The warnings of `inspect` name the reason where the file shows it. Otherwise send the public certificate to the server’s team: they see the reason in their log.',
    byHand: 'The same; openssl x509 -in cert.pem -noout -dates -text shows dates, signature and key.',
  },
  {
    id: 'alert-43',
    diagnoses: ['CLIENT_CERTIFICATE_WRONG_PURPOSE'],
    alert: 43,
    codes: ['ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE', 'ERR_SSL_SSL/TLS_ALERT_UNSUPPORTED_CERTIFICATE'],
    messages: [
      'sslv3 alert unsupported certificate … SSL alert number 43',
      'ssl/tls alert unsupported certificate … SSL alert number 43',
    ],
    title: 'SSL alert number 43: unsupported certificate',
    meaning:
      'The certificate’s [extended key usage](/glossary#extended-key-usage), or its [key usage](/glossary#key-usage), does not allow client authentication: often a server certificate.',
    check: 'npx clientcert inspect bank.pfx',
    fix: '`inspect` warns with `NO_CLIENT_AUTH`. Order a certificate for client authentication.',
    byHand: 'Order a certificate with the extended key usage clientAuth.',
  },
  {
    id: 'alert-44',
    diagnoses: ['CLIENT_CERTIFICATE_REVOKED'],
    alert: 44,
    codes: ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED', 'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REVOKED'],
    messages: [
      'sslv3 alert certificate revoked … SSL alert number 44',
      'ssl/tls alert certificate revoked … SSL alert number 44',
    ],
    title: 'SSL alert number 44: certificate revoked',
    meaning: 'The certificate was [revoked](/glossary#revocation) by its issuer.',
    check: 'npx clientcert inspect bank.pfx',
    tells:
      'The file does not know it: ask the issuer, with the [serial number](/glossary#serial-number) that is printed.',
    fix: 'Get a new one. Replace the file: it is picked up without a restart.',
    byHand: 'Get a new one, and restart the process.',
  },
  {
    id: 'alert-45',
    diagnoses: ['CLIENT_CERTIFICATE_EXPIRED'],
    alert: 45,
    codes: ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED'],
    messages: [
      'sslv3 alert certificate expired … SSL alert number 45',
      'ssl/tls alert certificate expired … SSL alert number 45',
    ],
    title: 'SSL alert number 45: certificate expired',
    meaning: 'Your certificate, or an intermediate of it, has expired; or the clock of the server is wrong.',
    check: 'npx clientcert inspect bank.pfx',
    fix: 'Get a new one. `health()` and the event `expiring` tell before the day.',
    byHand: 'openssl x509 -in cert.pem -noout -enddate for each certificate of the chain.',
  },
  {
    id: 'alert-46',
    diagnoses: ['CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED'],
    alert: 46,
    codes: ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', 'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN'],
    messages: [
      'sslv3 alert certificate unknown … SSL alert number 46',
      'ssl/tls alert certificate unknown … SSL alert number 46',
    ],
    title: 'SSL alert number 46: certificate unknown',
    meaning:
      'The server does not take the certificate. Tomcat and Java say this for every reason: untrusted, expired, wrong purpose, revoked.',
    check: 'npx clientcert inspect bank.pfx',
    fix: 'Go through the warnings of `inspect`; `npx clientcert probe https://api.bank.example` tells whether the server takes its issuer. Then ask the server’s team for the reason in their log.',
    byHand: 'The same, with openssl x509 -text.',
  },
  {
    id: 'alert-47',
    diagnoses: ['NO_COMMON_TLS_PARAMETERS'],
    vague: true,
    alert: 47,
    codes: ['ERR_SSL_SSLV3_ALERT_ILLEGAL_PARAMETER', 'ERR_SSL_SSL/TLS_ALERT_ILLEGAL_PARAMETER'],
    messages: [
      'sslv3 alert illegal parameter … SSL alert number 47',
      'ssl/tls alert illegal parameter … SSL alert number 47',
    ],
    title: 'SSL alert number 47: illegal parameter',
    meaning:
      'The server finds something in the handshake out of place: a curve, a signature, or a large ClientHello that it cannot read. Node 24 and newer offer post-quantum key exchange, which some old servers trip over.',
    check: 'openssl s_client -connect api.bank.example:443 -tls1_2 </dev/null',
    fix: "Pin the host to TLS 1.2: `tls: 'TLSv1.2'`; or offer old curves alone, with `ecdhCurve: 'X25519:P-256'` on the request or agent.",
    byHand: 'The same, with maxVersion: TLSv1.2 on the agent.',
  },
  {
    id: 'alert-48',
    diagnoses: ['ISSUER_NOT_TRUSTED_BY_SERVER'],
    alert: 48,
    codes: ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'],
    messages: ['tlsv1 alert unknown ca … SSL alert number 48'],
    title: 'SSL alert number 48: unknown ca',
    meaning:
      'The server does not know who issued your certificate: an [intermediate](/glossary#intermediate) is missing, or the server expects another [issuer](/glossary#issuer).',
    check: 'npx clientcert inspect bank.pfx',
    fix: '`inspect` warns with `CHAIN_INCOMPLETE`: put the intermediate into the file, after the certificate, or get a PFX with the whole [chain](/glossary#chain).',
    byHand: 'Concatenate certificate and intermediates in `cert`; a PFX needs them inside.',
  },
  {
    id: 'alert-49',
    diagnoses: ['CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED'],
    alert: 49,
    codes: ['ERR_SSL_TLSV1_ALERT_ACCESS_DENIED'],
    messages: ['tlsv1 alert access denied … SSL alert number 49'],
    title: 'SSL alert number 49: access denied',
    meaning:
      'The certificate is valid, and whom it names may not come in. GnuTLS servers say it for every reason.',
    check: 'npx clientcert inspect bank.pfx',
    fix: 'Ask the server’s team to let this [subject](/glossary#subject) or [fingerprint](/glossary#fingerprint) in; `inspect` prints both.',
    byHand: 'The same.',
  },
  {
    id: 'alert-50',
    diagnoses: ['NO_CLIENT_CERTIFICATE_SENT'],
    alert: 50,
    codes: ['ERR_SSL_TLSV1_ALERT_DECODE_ERROR'],
    messages: ['tlsv1 alert decode error … SSL alert number 50'],
    title: 'SSL alert number 50: decode error',
    meaning: 'From GnuTLS over TLS 1.2: it wanted a certificate and got none.',
    check: 'npx clientcert explain https://api.bank.example',
    fix: 'Look whether a rule names the certificate for this host and port.',
    byHand: 'Give both `cert` and `key`.',
  },
  {
    id: 'alert-51',
    diagnoses: ['CLIENT_KEY_PROOF_FAILED'],
    alert: 51,
    codes: ['ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR'],
    messages: ['tlsv1 alert decrypt error … SSL alert number 51'],
    title: 'SSL alert number 51: decrypt error',
    meaning: 'The signature made with your key does not fit the certificate.',
    check: 'npx clientcert inspect bank.pfx',
    fix: 'clientcert refuses such a pair when it is loaded (`ERR_CLIENTCERT_KEY_MISMATCH`).',
    byHand: 'Compare the public keys of certificate and key.',
  },
  {
    id: 'alert-70',
    diagnoses: ['TLS_VERSION_REFUSED'],
    alert: 70,
    codes: ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
    messages: ['tlsv1 alert protocol version … SSL alert number 70'],
    title: 'SSL alert number 70: protocol version',
    meaning: 'Client and server have no TLS version in common.',
    check: 'openssl s_client -connect api.bank.example:443 -tls1_2 </dev/null',
    fix: 'Write the version on the host’s rule; below TLS 1.2 with `legacy: true`.',
    byHand: 'minVersion and maxVersion on the agent; below 1.2 also ciphers with @SECLEVEL=0.',
  },
  {
    id: 'alert-71',
    diagnoses: ['NO_COMMON_TLS_PARAMETERS'],
    alert: 71,
    codes: ['ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY'],
    messages: ['tlsv1 alert insufficient security … SSL alert number 71'],
    title: 'SSL alert number 71: insufficient security',
    meaning: 'The server finds the offered ciphers too weak.',
    check: 'openssl s_client -connect api.bank.example:443 </dev/null',
    fix: 'Remove `legacy` or an old TLS version from the host’s rule.',
    byHand: 'Remove ciphers and minVersion from the agent.',
  },
  {
    id: 'alert-80',
    diagnoses: ['SNI_UNKNOWN', 'CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED'],
    vague: true,
    alert: 80,
    codes: ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR'],
    messages: ['tlsv1 alert internal error … SSL alert number 80'],
    title: 'SSL alert number 80: internal error',
    meaning:
      'Something failed within the server: a name that it does not know ([SNI](/glossary#sni)), a list of revoked certificates that it cannot read, a backend of the balancer that is down.',
    check: 'openssl s_client -connect api.bank.example:443 -servername api.bank.example </dev/null',
    tells: 'Where this fails as well, it is not about your certificate.',
    fix: 'Is it the right host? Then ask for the server’s log.',
    byHand: 'The same.',
  },
  {
    id: 'alert-86',
    diagnoses: ['TLS_VERSION_REFUSED'],
    vague: true,
    alert: 86,
    codes: ['ERR_SSL_TLSV1_ALERT_INAPPROPRIATE_FALLBACK'],
    messages: ['tlsv1 alert inappropriate fallback … SSL alert number 86'],
    title: 'SSL alert number 86: inappropriate fallback',
    meaning:
      'Something tries again with an older TLS version than the server has (RFC 7507): a proxy or a filter in between, after a first try failed.',
    check: 'openssl s_client -connect api.bank.example:443 -tls1_2 </dev/null',
    fix: 'Remove a `max` from the host’s rule; look for the box in between.',
    byHand: 'Remove maxVersion from the agent.',
  },
  {
    id: 'alert-109',
    diagnoses: ['SNI_UNKNOWN', 'NO_COMMON_TLS_PARAMETERS'],
    vague: true,
    alert: 109,
    codes: ['ERR_SSL_TLSV13_ALERT_MISSING_EXTENSION'],
    messages: ['tlsv13 alert missing extension … SSL alert number 109'],
    title: 'SSL alert number 109: missing extension',
    meaning:
      'The server misses something in the ClientHello: mostly the name ([SNI](/glossary#sni)), which is not sent where an address is called.',
    check: 'openssl s_client -connect api.bank.example:443 -servername api.bank.example </dev/null',
    fix: 'Call the host by its name; where it has to be an address, `servername` on its rule says the name.',
    byHand: 'servername on the request.',
  },
  {
    id: 'alert-112',
    diagnoses: ['SNI_UNKNOWN'],
    alert: 112,
    codes: ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME'],
    messages: ['tlsv1 unrecognized name … SSL alert number 112'],
    title: 'SSL alert number 112: unrecognized name',
    meaning: 'The server has no certificate for the name that was dialled ([SNI](/glossary#sni)).',
    check: 'openssl s_client -connect api.bank.example:443 -servername api.bank.example </dev/null',
    fix: 'Call the host by the name that the server knows.',
    byHand: 'The same.',
  },
  {
    id: 'alert-116',
    diagnoses: ['NO_CLIENT_CERTIFICATE_SENT'],
    alert: 116,
    codes: ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'],
    messages: ['tlsv13 alert certificate required … SSL alert number 116'],
    title: 'SSL alert number 116: certificate required',
    meaning:
      'Over TLS 1.3: the server wanted a certificate and got none, or Node had one that it could not sign with.',
    check: 'npx clientcert explain https://api.bank.example',
    fix: 'Look whether a rule names the certificate for this host and port. A pair that Node would silently not send is refused when it is loaded.',
    byHand:
      'Give both `cert` and `key`; check that they belong together, and that a proxy or an option did not drop them.',
  },
  {
    id: 'alert-120',
    diagnoses: ['ALPN_MISMATCH'],
    alert: 120,
    codes: ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'],
    messages: ['tlsv1 alert no application protocol … SSL alert number 120'],
    title: 'SSL alert number 120: no application protocol',
    meaning: 'The server speaks neither HTTP/1.1 nor HTTP/2 as offered (by [ALPN](/glossary#alpn)).',
    check: 'openssl s_client -connect api.bank.example:443 -alpn h2,http/1.1 </dev/null',
    fix: 'Turn HTTP/2 on or off in the client.',
    byHand: 'The same.',
  },
  {
    id: 'socket-hang-up',
    diagnoses: ['CLIENT_CERTIFICATE_PROBABLY_REFUSED', 'CONNECTION_DROPPED', 'HTTP_ON_TLS_PORT'],
    codes: ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'],
    messages: ['socket hang up', 'read ECONNRESET', 'other side closed'],
    title: 'socket hang up, read ECONNRESET, other side closed',
    meaning:
      'The server closed the connection without a word. Over TLS 1.3, servers written in Node and Java do so when they do not take a certificate. A crash of the application looks the same, and so does `http:` on a port of Node’s that speaks TLS.',
    check: 'sleep 3 | openssl s_client -connect api.bank.example:443 -cert bank.pfx -cert_chain bank.pfx',
    tells:
      'Nothing is sent to the application here. With `unexpected eof` or an alert at the end, the server does not take the certificate; without, look at the application. (openssl reads no [old PFX](/guides/old-pfx-files).)',
    fix: 'With undici and fetch, look at the `cause`: clientcert puts the server’s alert there, where there was one. Then go through the warnings of `npx clientcert inspect bank.pfx`.',
    byHand: 'undici and fetch hide the alert: call with `node:https` once to see it.',
  },
  {
    id: 'client-network-socket-disconnected',
    diagnoses: ['SERVER_CLOSED_BEFORE_ITS_FLIGHT', 'CLIENT_CERTIFICATE_REFUSED_SILENTLY'],
    codes: ['ECONNRESET'],
    messages: ['Client network socket disconnected before secure TLS connection was established'],
    title: 'Client network socket disconnected before secure TLS connection was established',
    meaning:
      'The connection was closed during the handshake: by a firewall, by a balancer with nothing behind it, by a Java server that has no TLS version in common with you. Over TLS 1.2, also by a Node or Java server that does not take your certificate.',
    check: 'openssl s_client -connect api.bank.example:443 -tls1_2 </dev/null',
    tells:
      'Where it prints the server’s certificate, the network is fine, and it is about yours; or about the size of what is sent: Node 24 and newer begin with 1.5 kB, openssl with less, and some boxes in between drop what does not fit into one packet. Where it prints `no peer certificate available`, ask for the way there.',
    fix: "Offer less: `ecdhCurve: 'X25519:P-256'` on the request or agent, or `tls: 'TLSv1.2'` on the rule. Go through the warnings of `npx clientcert inspect bank.pfx`; try another TLS version on the host’s rule; does a [proxy](/guides/proxies) lead there?",
    byHand: 'Try minVersion and maxVersion; compare from a machine outside the firewall.',
  },
  {
    id: 'connect-econnrefused',
    diagnoses: ['SERVER_NOT_REACHED'],
    codes: ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'],
    messages: [
      'connect ECONNREFUSED …',
      'connect ETIMEDOUT …',
      'getaddrinfo ENOTFOUND …',
      'getaddrinfo EAI_AGAIN …',
      'Connect Timeout Error …',
    ],
    title: 'connect ECONNREFUSED, ETIMEDOUT, getaddrinfo ENOTFOUND',
    meaning: 'Nobody was reached, so it is not about certificates: a wrong name or port, or no way there.',
    check: 'curl -v https://api.bank.example/',
    fix: 'Companies often let nothing out but over a [proxy](/guides/proxies). Where one is named, the message says which of the two was not reached.',
    byHand: 'HTTPS_PROXY, where the client reads it.',
  },
  {
    id: 'proxy-407',
    diagnoses: ['PROXY_REFUSED'],
    status: 407,
    codes: ['ERR_CLIENTCERT_PROXY_FAILED', 'ERR_PROXY_TUNNEL', 'UND_ERR_ABORTED', 'ERR_BAD_REQUEST'],
    messages: [
      'proxy … for …: it answered 407 …',
      'Proxy response (407) !== 200 when HTTP Tunneling',
      'Failed to establish tunnel to … via …: HTTP/1.1 407 …',
      'Request failed with status code 407',
      'Code: 407',
    ],
    title: '407 from a proxy: Proxy response (407) !== 200 when HTTP Tunneling',
    meaning: 'The proxy wants a user and a password. The server was not reached.',
    check: 'curl -v --proxy http://user:password@proxy.example:3128 https://api.bank.example/',
    fix: "A user and a password in the proxy’s URL, or `proxy: { url, authorization: { file: '…' } }`: [proxies](/guides/proxies).",
    byHand: 'A user and a password in the proxy’s URL.',
  },
  {
    id: 'proxy-403',
    diagnoses: ['PROXY_REFUSED'],
    codes: ['ERR_CLIENTCERT_PROXY_FAILED', 'ERR_PROXY_TUNNEL', 'UND_ERR_ABORTED'],
    messages: [
      'proxy … for …: it answered 403 …',
      'proxy … for …: it answered 502 …',
      'Proxy response (403) !== 200 when HTTP Tunneling',
      'Proxy response (502) !== 200 when HTTP Tunneling',
      'Failed to establish tunnel to … via …: HTTP/1.1 403 …',
      'Failed to establish tunnel to … via …: HTTP/1.1 502 …',
    ],
    title: '403 or 502 from a proxy: Proxy response (403) !== 200, Failed to establish tunnel',
    meaning:
      'The proxy does not let you through to this host or port (403), or cannot reach it (502, 503, 504). axios says `Request failed with status code 403`, as if the server had said so: look whose page `error.response.data` is.',
    check: 'curl -v --proxy http://proxy.example:3128 https://api.bank.example/',
    tells: '`CONNECT tunnel failed` is about the proxy; `CONNECT tunnel established` ends its part.',
    fix: 'Have host and port let through. `ERR_CLIENTCERT_PROXY_FAILED` names the proxy, with every client.',
    byHand: 'The same.',
  },
  {
    id: 'unsupported-pkcs12-pfx-data',
    diagnoses: ['PFX_LEGACY_ALGORITHMS'],
    codes: ['ERR_CRYPTO_UNSUPPORTED_OPERATION'],
    messages: ['Unsupported PKCS12 PFX data'],
    title: 'Unsupported PKCS12 PFX data',
    meaning:
      'The PFX is encrypted with RC2, which OpenSSL 3 no longer reads. The file and its password are good.',
    check: 'npx clientcert inspect bank.pfx',
    fix: 'Nothing: clientcert reads it.',
    byHand:
      'Convert it once with openssl pkcs12 -legacy. Not --openssl-legacy-provider, which weakens the whole process.',
  },
  {
    id: 'mac-verify-failure',
    diagnoses: ['PFX_PASSPHRASE_WRONG_OR_MISSING'],
    messages: ['mac verify failure'],
    title: 'mac verify failure',
    meaning: 'The password of the PFX is wrong or missing.',
    check: 'npx clientcert inspect bank.pfx',
    fix: '`ERR_CLIENTCERT_PASSPHRASE_WRONG` or `…_MISSING`, with the file’s name. Is the environment variable set?',
    byHand: 'Try the password with openssl pkcs12 -info -in bank.pfx.',
  },
  {
    id: 'not-enough-data',
    diagnoses: ['PFX_MALFORMED'],
    messages: ['not enough data', 'wrong tag'],
    title: 'not enough data, wrong tag',
    meaning:
      'What was given as `pfx` is no PFX, or not all of one: a PEM file, base64 that was not decoded, a download page.',
    check: 'npx clientcert inspect bank.pfx',
    fix: 'clientcert looks at the content: PEM, DER, PFX and base64 are told apart by themselves. What is none of them is named.',
    byHand: 'Look at the first bytes: 30 82 begins a PFX, ----- a PEM.',
  },
  {
    id: 'key-values-mismatch',
    diagnoses: ['KEY_DOES_NOT_MATCH'],
    codes: ['ERR_OSSL_X509_KEY_VALUES_MISMATCH'],
    messages: ['key values mismatch'],
    title: 'key values mismatch',
    meaning:
      'Key and certificate are not a pair. (Where their types differ, Node does not notice, and sends no certificate.)',
    check: 'npx clientcert check clientcert.json',
    fix: '`ERR_CLIENTCERT_KEY_MISMATCH`, in every case, when it is loaded.',
    byHand: 'Find the key that the request for this certificate was made with.',
  },
  {
    id: 'bad-decrypt',
    diagnoses: ['PASSPHRASE_WRONG_OR_MISSING'],
    codes: ['ERR_OSSL_BAD_DECRYPT', 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED'],
    messages: ['bad decrypt', 'interrupted or cancelled'],
    title: 'bad decrypt, interrupted or cancelled',
    meaning: 'The passphrase of the private key is wrong, or missing.',
    check: 'npx clientcert inspect bank.key',
    fix: 'Give `passphrase`.',
    byHand: 'Give `passphrase` beside `key`.',
  },
  {
    id: 'no-start-line',
    diagnoses: ['NOT_PEM'],
    codes: ['ERR_OSSL_PEM_NO_START_LINE', 'ERR_OSSL_PEM_BAD_END_LINE', 'ERR_OSSL_PEM_BAD_BASE64_DECODE'],
    messages: [
      'PEM routines::no start line',
      'PEM routines::bad end line',
      'PEM routines::bad base64 decode',
    ],
    title: 'PEM routines::no start line, bad end line, bad base64 decode',
    meaning:
      'What was given as `cert` is no PEM: DER, a path instead of the content, or a variable whose line ends became \\n or blanks. Or it was cut off. (In `ca` Node takes anything, and then trusts nothing.)',
    check: 'npx clientcert inspect bank.crt',
    fix: 'clientcert takes paths, PEM and DER, also from variables without line ends. What is damaged is an error with the file’s name.',
    byHand: 'Read the file, and put the line ends back.',
  },
  {
    id: 'decoder-routines-unsupported',
    diagnoses: ['KEY_NOT_READABLE', 'NOT_PEM'],
    codes: ['ERR_OSSL_UNSUPPORTED'],
    messages: ['DECODER routines::unsupported'],
    title: 'DECODER routines::unsupported',
    meaning:
      'What was given as `key` is no private key in PEM: a path instead of the content, a certificate, an SSH key, or a variable whose line ends became \\n or blanks.',
    check: 'npx clientcert inspect bank.key',
    fix: 'clientcert takes paths, PEM and DER, also from variables without line ends, and says what it found instead of a key.',
    byHand:
      'Read the file, and put the line ends back. openssl pkey -in bank.key -noout tells whether it is a key.',
  },
  {
    id: 'digital-envelope-routines-unsupported',
    diagnoses: ['KEY_NOT_READABLE', 'PFX_LEGACY_ALGORITHMS'],
    codes: ['ERR_OSSL_EVP_UNSUPPORTED'],
    messages: ['0308010C:digital envelope routines::unsupported'],
    title: 'error:0308010C:digital envelope routines::unsupported',
    meaning:
      'Something asks for a cipher or digest that OpenSSL 3 no longer has, such as RC2, DES or MD4. It may be an old key; old build tools (webpack 4) have the same message, and that is not about certificates.',
    check: 'npx clientcert inspect bank.key',
    fix: 'Old keys and PFX files are read as they are: [old PFX files](/guides/old-pfx-files).',
    byHand:
      'Convert the key once: openssl pkcs8 -topk8 -provider legacy -provider default -in old.key -out new.key. Not --openssl-legacy-provider, which weakens the whole process.',
  },
  {
    id: 'unable-to-get-local-issuer-certificate',
    diagnoses: ['SERVER_CA_UNKNOWN'],
    codes: [
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    ],
    messages: [
      'unable to get local issuer certificate',
      'unable to verify the first certificate',
      'self-signed certificate in certificate chain',
      'self-signed certificate',
      'unable to get local issuer certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
      'unable to verify the first certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
      'self-signed certificate in certificate chain; if the root CA is installed locally, try running Node.js with --use-system-ca',
    ],
    title:
      'unable to get local issuer certificate, unable to verify the first certificate, self-signed certificate',
    meaning:
      'It is about the server’s certificate: you do not trust its root, or the server forgot an intermediate (`unable to verify the first certificate`, `unable to get local issuer certificate`).',
    check: 'openssl s_client -connect api.bank.example:443 -showcerts </dev/null',
    tells:
      'It prints what the server sends. Where that is one certificate alone, and its issuer (`i:`) is no root, the server forgot the intermediate: browsers fetch it by themselves, Node does not.',
    fix: 'Name the root as `ca` of the rule or of the certificate: [private roots](/guides/private-roots). Where the server forgot its intermediate, the root alone does not cure it: name root and intermediate, `ca: […, …]`, and have the server’s team send it.',
    byHand:
      '`ca` with the root; for the whole process NODE_EXTRA_CA_CERTS, or --use-system-ca where the root is installed. Never rejectUnauthorized: false.',
  },
  {
    id: 'unable-to-get-issuer-certificate',
    diagnoses: ['SERVER_CA_UNKNOWN'],
    codes: ['UNABLE_TO_GET_ISSUER_CERT'],
    messages: [
      'unable to get issuer certificate',
      'unable to get issuer certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
    ],
    title: 'unable to get issuer certificate',
    meaning:
      'It is about the server’s certificate: what was given as `ca` is only an [intermediate](/glossary#intermediate), and its [root](/glossary#root) is not trusted.',
    check: 'npx clientcert inspect root.pem',
    fix: 'Give the root as `ca`, beside the intermediate or in its place; clientcert warns with `CA_WITHOUT_ROOT` when it loads one without.',
    byHand: 'The same.',
  },
  {
    id: 'certificate-signature-failure',
    diagnoses: ['SERVER_CA_UNKNOWN'],
    codes: ['CERT_SIGNATURE_FAILURE'],
    messages: ['certificate signature failure'],
    title: 'certificate signature failure',
    meaning:
      'It is about the server’s certificate: it was not signed by the issuer that you trust. Mostly there are two of the same name, such as a root before and after its renewal, or one that a filtering proxy made; or the certificate is damaged.',
    check: 'openssl s_client -connect api.bank.example:443 -showcerts </dev/null',
    fix: 'Ask for the root that the server’s certificate is from now, and name it as `ca` of the rule.',
    byHand: 'The same, as `ca`.',
  },
  {
    id: 'invalid-purpose',
    diagnoses: ['SERVER_CA_UNKNOWN'],
    codes: ['INVALID_PURPOSE', 'INVALID_CA'],
    messages: ['unsupported certificate purpose', 'unsuitable certificate purpose', 'invalid CA certificate'],
    title: 'unsupported certificate purpose, unsuitable certificate purpose, invalid CA certificate',
    meaning:
      'It is about the server’s certificates: its own is not for servers (the [extended key usage](/glossary#extended-key-usage) says something else, mostly because it was ordered for clients), or one above it is no authority (it lacks `CA:TRUE`, as in home-made chains).',
    check:
      'openssl s_client -connect api.bank.example:443 </dev/null | openssl x509 -noout -ext extendedKeyUsage,basicConstraints',
    fix: 'Nothing here: the server needs a certificate with the usage serverAuth, from a chain of authorities.',
    byHand: 'The same.',
  },
  {
    id: 'hostname-ip-does-not-match',
    diagnoses: ['SERVER_NAME_MISMATCH'],
    codes: ['ERR_TLS_CERT_ALTNAME_INVALID'],
    messages: ["Hostname/IP does not match certificate's altnames: …"],
    title: 'Hostname/IP does not match certificate’s altnames',
    meaning: 'The server’s certificate is for another name than the one you call.',
    check:
      'openssl s_client -connect api.bank.example:443 </dev/null | openssl x509 -noout -ext subjectAltName',
    fix: 'Call the server by a name that is in its certificate. Where that holds a SPIFFE ID in place of names, `server` on its rule says which.',
    byHand: 'The same.',
  },
  {
    id: 'certificate-has-expired',
    diagnoses: ['SERVER_CERTIFICATE_EXPIRED'],
    codes: ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'],
    messages: ['certificate has expired', 'certificate is not yet valid'],
    title: 'certificate has expired, certificate is not yet valid',
    meaning: 'It is the server’s certificate. (If it were yours, the server would say alert 45.)',
    check: 'openssl s_client -connect api.bank.example:443 </dev/null | openssl x509 -noout -dates',
    fix: 'Tell the server’s team. Look at your own clock.',
    byHand: 'The same.',
  },
  {
    id: 'wrong-version-number',
    diagnoses: ['NOT_A_TLS_PORT'],
    codes: ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_DATA_LENGTH_TOO_LONG'],
    messages: ['wrong version number', 'packet length too long', 'data length too long'],
    title: 'wrong version number, packet length too long, data length too long',
    meaning: 'The port speaks no TLS: plain HTTP, or a proxy that was given as https.',
    check: 'openssl s_client -connect api.bank.example:8080 </dev/null',
    fix: 'Check the port, and the scheme of the proxy’s URL.',
    byHand: 'The same.',
  },
  {
    id: 'unsupported-protocol',
    diagnoses: ['SERVER_ONLY_OFFERS_OLD_TLS', 'LEGACY_TLS_NOT_ENABLED'],
    codes: ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'ERR_SSL_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED'],
    messages: ['unsupported protocol', 'legacy sigalg disallowed or unsupported'],
    title: 'unsupported protocol, legacy sigalg disallowed or unsupported',
    meaning: 'The server offers nothing newer than TLS 1.1.',
    check: 'openssl s_client -connect old.tax.example:443 -tls1 -cipher DEFAULT@SECLEVEL=0 </dev/null',
    fix: "`tls: { min: 'TLSv1', legacy: true }` on that host: [TLS 1.0 servers](/guides/old-tls).",
    byHand: 'minVersion and ciphers with @SECLEVEL=0 on an agent for that host alone.',
  },
  {
    id: 'unsafe-legacy-renegotiation-disabled',
    diagnoses: ['SERVER_LACKS_RFC5746'],
    codes: ['ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED'],
    messages: ['unsafe legacy renegotiation disabled'],
    title: 'unsafe legacy renegotiation disabled',
    meaning: 'The server lacks a protection of 2010 for [renegotiation](/glossary#renegotiation) (RFC 5746).',
    check: 'openssl s_client -connect old.tax.example:443 </dev/null',
    fix: '`tls: { legacy: true }` on that host.',
    byHand: 'secureOptions: SSL_OP_LEGACY_SERVER_CONNECT on an agent for that host alone.',
  },
  {
    id: 'key-too-small',
    diagnoses: ['CLIENT_CREDENTIAL_TOO_WEAK'],
    codes: ['ERR_SSL_EE_KEY_TOO_SMALL', 'ERR_SSL_CA_MD_TOO_WEAK'],
    messages: ['ee key too small', 'ca md too weak'],
    title: 'ee key too small, ca md too weak',
    meaning:
      'Your certificate has a key of 1,024 bits, or is signed with SHA-1: OpenSSL refuses to present it.',
    check: 'npx clientcert inspect bank.pfx',
    fix: '`ERR_CLIENTCERT_CERTIFICATE_REFUSED`. Ask for a stronger one, or opt the host in: `tls: { legacy: true }`.',
    byHand: 'ciphers with @SECLEVEL=0, which weakens more than this.',
  },
  {
    id: 'dh-key-too-small',
    diagnoses: ['NO_COMMON_TLS_PARAMETERS'],
    codes: ['ERR_SSL_DH_KEY_TOO_SMALL'],
    messages: ['dh key too small'],
    title: 'dh key too small',
    meaning: 'The server’s key exchange is too weak for OpenSSL.',
    check: 'openssl s_client -connect old.tax.example:443 </dev/null',
    fix: '`tls: { legacy: true }` on that host.',
    byHand: 'ciphers with @SECLEVEL=0 on an agent for that host alone.',
  },
  {
    id: 'no-required-ssl-certificate-was-sent',
    diagnoses: ['NO_CLIENT_CERTIFICATE_SENT'],
    status: 400,
    messages: ['No required SSL certificate was sent'],
    title: '400 No required SSL certificate was sent',
    meaning: 'nginx got no certificate.',
    check: 'npx clientcert explain https://api.bank.example',
    tells:
      'Where a rule presents one, listen to `handshake`: `requested: false` means that what you talk to did not ask for it. Then a proxy that looks into TLS stands in between (its issuer is that of the certificate you see), or it is the wrong port.',
    fix: 'Look whether a rule names the certificate for this host and port.',
    byHand: 'Give both `cert` and `key`.',
  },
  {
    id: 'the-ssl-certificate-error',
    diagnoses: ['CLIENT_CERTIFICATE_REFUSED'],
    status: 400,
    messages: ['The SSL certificate error'],
    title: '400 The SSL certificate error',
    meaning:
      'nginx got a certificate and does not take it: untrusted, expired, wrong purpose. It does not say which.',
    check: 'npx clientcert inspect bank.pfx',
    fix: 'Go through the warnings of `inspect`; `npx clientcert probe https://api.bank.example` tells whether the server takes its issuer. Then ask for the server’s log.',
    byHand: 'The same.',
  },
  {
    id: 'cannot-perform-post-handshake-authentication',
    diagnoses: ['SERVER_WANTED_POST_HANDSHAKE_AUTH'],
    status: 403,
    messages: ['Reason: Cannot perform Post-Handshake Authentication.'],
    title: '403 Cannot perform Post-Handshake Authentication; 403 or 401 while curl works',
    meaning:
      'The server asks for the certificate [after the handshake](/glossary#post-handshake-authentication), for one path. Node cannot do that over TLS 1.3. Apache says so with 403, Tomcat with a bare 401.',
    check: 'curl -v --tls-max 1.2 --cert-type P12 --cert bank.pfx https://api.bank.example/path',
    fix: "Pin the host to TLS 1.2: `tls: 'TLSv1.2'`.",
    byHand: 'maxVersion: TLSv1.2 on the agent.',
  },
  {
    id: 'no-client-certificate-chain',
    diagnoses: [
      'SERVER_WANTED_POST_HANDSHAKE_AUTH',
      'SERVER_WANTS_RENEGOTIATION_HTTP1_ONLY',
      'NO_CLIENT_CERTIFICATE_SENT',
    ],
    status: 401,
    messages: ['No client certificate chain in this request'],
    title: '401 No client certificate chain in this request',
    meaning:
      'From Tomcat, for a path that wants a certificate (`CLIENT-CERT`): it asks for it after the handshake. Node can answer that over TLS 1.2 and HTTP/1.1, and over neither TLS 1.3 nor HTTP/2.',
    check: 'curl -v --http1.1 --tls-max 1.2 --cert-type P12 --cert bank.pfx https://api.bank.example/path',
    fix: 'Does a rule name the certificate? `npx clientcert explain` says so. Then pin the host to TLS 1.2, `tls: \'TLSv1.2\'`, and turn HTTP/2 off in the client. Tomcat asks in the handshake with `certificateVerification="optional"`.',
    byHand: 'maxVersion: TLSv1.2 on the agent.',
  },
  {
    id: 'http-1-1-required',
    diagnoses: ['SERVER_WANTS_RENEGOTIATION_HTTP1_ONLY'],
    codes: ['ERR_HTTP2_STREAM_ERROR'],
    messages: ['Stream closed with error code NGHTTP2_HTTP_1_1_REQUIRED'],
    title: 'Stream closed with error code NGHTTP2_HTTP_1_1_REQUIRED',
    meaning:
      'The server asks for the certificate after the handshake ([renegotiation](/glossary#renegotiation)), for one path, and HTTP/2 allows that in no TLS version (RFC 8740, RFC 9113).',
    check: 'curl -v --http1.1 --tls-max 1.2 --cert-type P12 --cert bank.pfx https://api.bank.example/path',
    fix: "Turn HTTP/2 off in the client, and pin the host to TLS 1.2: `tls: 'TLSv1.2'`.",
    byHand: 'The same, with maxVersion: TLSv1.2 on the agent.',
  },
  {
    id: 'request-entity-too-large',
    diagnoses: ['BODY_TOO_LARGE_FOR_RENEGOTIATION'],
    status: 413,
    messages: ['413 Request Entity Too Large', 'Request failed with status code 413'],
    title: '413 Request Entity Too Large, before the application',
    meaning:
      'Apache asks for the certificate after it has read the request, for one path, and keeps no more than 128 kB of its body meanwhile (`SSLRenegBufferSize`). An ordinary limit says the same.',
    check: 'curl -v --tls-max 1.2 --cert-type P12 --cert bank.pfx https://api.bank.example/path',
    tells: 'With a small request the certificate is taken: then it is this limit.',
    fix: 'Send a GET to the same path first: the connection is kept, and has the certificate from then on. That does not hold for undici and fetch, whose pool may open another one: there, only a smaller body helps. Better, have the server ask in the handshake.',
    byHand: 'The same, with keepAlive: true.',
  },
  {
    id: 'haproxy-403',
    diagnoses: ['NO_CLIENT_CERTIFICATE_SENT', 'CLIENT_CERTIFICATE_REFUSED'],
    vague: true,
    status: 403,
    messages: ['Request forbidden by administrative rules.'],
    title: '403 Request forbidden by administrative rules; the first call works, later ones get 403',
    meaning:
      'A rule of HAProxy says no. Where it asks for `ssl_fc_has_crt`, it says so of every connection that resumes a TLS session: the certificate is not presented again in those. `ssl_c_used` would be right.',
    check: 'npx clientcert explain https://api.bank.example',
    fix: '`resume: false` on the host’s rule, for every client: each connection is a whole handshake then.',
    byHand: 'maxCachedSessions: 0 on the agent; undici: maxCachedSessions: 0 in `connect`.',
  },
  {
    id: 'iis-403',
    diagnoses: ['IIS_SUBSTATUS'],
    status: 403,
    messages: [
      'HTTP Error 403.7 - Forbidden',
      'HTTP Error 403.12 - Forbidden',
      'HTTP Error 403.13 - Forbidden',
      'HTTP Error 403.16 - Forbidden',
      'HTTP Error 403.17 - Forbidden',
    ],
    title: 'HTTP Error 403.7, 403.12, 403.13, 403.16, 403.17 of IIS',
    meaning:
      'IIS got no certificate (403.7), knows no user for it (403.12), finds it revoked or cannot reach the list of those that are (403.13), does not trust its issuer (403.16), or finds it expired (403.17). From [Microsoft’s list](https://learn.microsoft.com/en-us/troubleshoot/iis/http-status-code); not tried here.',
    check: 'curl -v --tls-max 1.2 --cert-type P12 --cert bank.pfx https://api.bank.example/path',
    tells:
      'From outside, often only `403 - Forbidden` is seen: the second number is in the server’s log, as `sc-substatus`.',
    fix: "403.7: does a rule name the certificate? Where it does, try `tls: 'TLSv1.2'`: over TLS 1.3 Node cannot be asked after the handshake. Otherwise `npx clientcert inspect bank.pfx`, and their log.",
    byHand: 'The same, with maxVersion: TLSv1.2 on the agent.',
  },
  {
    id: 'wso2-900901',
    diagnoses: ['NO_CLIENT_CERTIFICATE_SENT', 'CLIENT_CERTIFICATE_REFUSED'],
    vague: true,
    status: 401,
    messages: ['Make sure you have provided the correct security credentials'],
    title: '900901 Invalid Credentials, of WSO2 API Manager',
    meaning:
      'The gateway got no certificate, or one that was not added to this API. A wrong access token gives the same words. From [its source](https://github.com/wso2/carbon-apimgt/blob/master/components/apimgt/org.wso2.carbon.apimgt.gateway/src/main/java/org/wso2/carbon/apimgt/gateway/handlers/security/authenticator/MutualSSLAuthenticator.java); not tried here.',
    check: 'npx clientcert explain https://api.bank.example',
    tells: 'Where the certificate is what is missing, `WWW-Authenticate` says `Mutual SSL`.',
    fix: 'Where a rule presents one, have it added to the API, in the Publisher under Runtime Configurations, Mutual SSL.',
    byHand: 'The same.',
  },
  {
    id: 'axway-fault',
    diagnoses: ['NO_CLIENT_CERTIFICATE_SENT', 'CLIENT_CERTIFICATE_REFUSED'],
    vague: true,
    status: [401, 403, 500],
    messages: [
      'soapfaults…fault:MessageBlocked',
      'policy failed….com/soapfaults',
      '"reasons"…"message"…"details"…"msgId"',
    ],
    title: 'fault:MessageBlocked, policy failed, or "reasons" with a msgId, of Axway API Gateway',
    meaning:
      'A filter of the gateway’s policy blocked the message. That is `SSL Authentication` where it got no certificate, or the step after it where it knows no application for the one it got; any other filter says the same. The bodies are those of [its documentation](https://axway-open-docs.netlify.app/docs/apim_policydev/apigw_polref/fault_filters/); not tried here.',
    check: 'npx clientcert explain https://api.bank.example',
    tells:
      'Which filter it was stands in the gateway’s traffic monitor, under the `msgId` or the `X-CorrelationID` of the answer.',
    fix: 'Where a rule presents one, ask for it to be added to the application in API Manager. Where none does, map the host, and its port: another port of the same host may ask for none.',
    byHand: 'The same.',
  },
  {
    id: 'http-on-tls-port',
    diagnoses: ['HTTP_ON_TLS_PORT'],
    status: 400,
    messages: [
      'The plain HTTP request was sent to HTTPS port',
      "You're speaking plain HTTP to an SSL-enabled server port",
      'This combination of host and port requires TLS',
    ],
    title: '400 The plain HTTP request was sent to HTTPS port',
    meaning:
      'The address begins with `http:`, and the port speaks TLS. nginx, Apache and Tomcat, in this order.',
    check: 'npx clientcert explain http://api.bank.example:443',
    tells: 'An `http:` address is never presented with a certificate.',
    fix: 'Write `https:`. A proxy’s own `protocol` setting can be at fault as well.',
    byHand: 'The same.',
  },
  {
    id: 'invalid-onrequeststart-method',
    diagnoses: ['UNDICI_AGENT_NOT_FOR_THIS_GLOBAL_FETCH'],
    codes: ['UND_ERR_INVALID_ARG'],
    messages: ['invalid onRequestStart method'],
    title: 'invalid onRequestStart method',
    meaning: 'An Agent of undici 8 was given to the fetch of Node 22 or 24.',
    check: 'node -p process.versions.undici',
    fix: '`createFetch` puts the right wrapper in between.',
    byHand: 'Use the fetch of the undici that the Agent comes from.',
  },
];
