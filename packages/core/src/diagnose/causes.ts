// Longer than other files, because it is data.
import type { DiagnosisName } from './symptoms.ts';

/** What a diagnosis says to a person; `{certificate}` and `{place}` stand for those of the call. */
export interface Cause {
  /** A line of it. */
  readonly title: string;
  /** What is wrong, in a sentence or two. */
  readonly cause: string;
  /** What to do. */
  readonly fix: string;
}

/** `certain`: nothing else does this; `likely`: other causes were not ruled out; `guess`: one of several. */
export type Confidence = 'certain' | 'likely' | 'guess';

/** What may be wrong, and what speaks for it. */
export interface PossibleCause {
  readonly code: DiagnosisName;
  readonly confidence: Confidence;
  readonly evidence: readonly string[];
}

export function possible(code: DiagnosisName, confidence: Confidence, ...evidence: string[]): PossibleCause {
  return { code, confidence, evidence };
}

export const causes: Readonly<Record<DiagnosisName, Cause>> = {
  ALPN_MISMATCH: {
    title: 'No HTTP version in common',
    cause: '{place} speaks neither HTTP/1.1 nor HTTP/2 as it was offered.',
    fix: 'Turn HTTP/2 on, or off, in the client.',
  },
  BODY_TOO_LARGE_FOR_RENEGOTIATION: {
    title: 'The body is too large to be kept while the certificate is asked for',
    cause:
      '{place} asks for the certificate after it has read the request, and keeps only so much of the body meanwhile.',
    fix: 'Have the server ask in the handshake, or raise its limit (Apache: SSLRenegBufferSize). A small request before it helps where the same connection is used again.',
  },
  CLIENT_CERTIFICATE_EXPIRED: {
    title: 'The client certificate has expired',
    cause: '{certificate}, or an intermediate of it, is past its end; or the clock of the server is wrong.',
    fix: 'Get a new one and replace the file: it is picked up without a restart.',
  },
  CLIENT_CERTIFICATE_NOT_YET_VALID: {
    title: 'The client certificate is not valid yet',
    cause: '{certificate} begins in the future, by the clock of the server or by yours.',
    fix: 'Wait for its day, or put the clock right.',
  },
  CLIENT_CERTIFICATE_PROBABLY_REFUSED: {
    title: 'The server ended the connection, probably because of the client certificate',
    cause:
      '{place} asked for a certificate, and closed without a word once it had it. Servers written in Node and Java refuse so; a crash of the application looks the same.',
    fix: 'Look at the certificate with: clientcert inspect FILE. Whether the server takes its issuer: clientcert probe URL. Then ask for the log of the server.',
  },
  CLIENT_CERTIFICATE_REFUSED: {
    title: 'The server refuses the client certificate',
    cause: '{place} got {certificate} and does not take it. It does not say why.',
    fix: 'Look at the certificate with: clientcert inspect FILE. Whether the server takes its issuer: clientcert probe URL. Then ask for the log of the server: nginx writes the reason there.',
  },
  CLIENT_CERTIFICATE_REFUSED_SILENTLY: {
    title: 'The server ended the handshake, probably because of the client certificate',
    cause:
      '{place} closed once it had the certificate, without an alert. Servers written in Node and Java refuse so; a fault of the network looks the same.',
    fix: 'Look at the certificate with: clientcert inspect FILE. Whether the server takes its issuer: clientcert probe URL. Then ask for the log of the server.',
  },
  CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED: {
    title: 'The server does not take the client certificate',
    cause:
      '{place} refuses {certificate} and does not say why: it may be its issuer, its dates, its purpose, or a rule of the server.',
    fix: 'Look at the certificate with: clientcert inspect FILE. Whether the server takes its issuer: clientcert probe URL. Then send its public half to those who run the server, and ask which reason their log names.',
  },
  CLIENT_CERTIFICATE_REVOKED: {
    title: 'The client certificate was revoked',
    cause: 'The issuer of {certificate} has withdrawn it.',
    fix: 'Get a new one, and ask the issuer why, with the serial number.',
  },
  CLIENT_CERTIFICATE_WRONG_PURPOSE: {
    title: 'The client certificate is not for clients',
    cause:
      'The key usage of {certificate} does not allow client authentication: often it is a server certificate.',
    fix: 'Order one with the extended key usage clientAuth (1.3.6.1.5.5.7.3.2).',
  },
  CLIENT_CHAIN_INCOMPLETE: {
    title: 'An intermediate of the client certificate is missing',
    cause:
      '{certificate} is sent without the intermediate that issued it, so the server cannot get to a root that it knows.',
    fix: 'Put the intermediate into the file, after the certificate, or get a PFX with the whole chain.',
  },
  CLIENT_CREDENTIAL_TOO_WEAK: {
    title: 'The client certificate is too weak',
    cause: 'The key of {certificate} is too small, or it is signed with a digest that is no longer taken.',
    fix: 'Order one with RSA 2048, EC P-256 or better, signed with SHA-256.',
  },
  CLIENT_KEY_PROOF_FAILED: {
    title: 'The server could not verify the signature of the key',
    cause: 'What was signed with the private key does not fit {certificate}.',
    fix: 'Check that key and certificate belong together: clientcert inspect CERTIFICATE KEY.',
  },
  CONNECTION_DROPPED: {
    title: 'The server dropped the connection',
    cause: '{place} closed the connection before it answered. That says nothing of certificates by itself.',
    fix: 'Look at the log of the server, and of what stands before it.',
  },
  HTTP_ON_TLS_PORT: {
    title: 'Plain HTTP on a port that speaks TLS',
    cause: '{place} speaks TLS, and the address begins with http:.',
    fix: 'Write https:.',
  },
  IIS_SUBSTATUS: {
    title: 'IIS refuses the client certificate',
    cause:
      'IIS got none (403.7), knows no user for it (403.12), finds it revoked or cannot reach the list (403.13), does not trust its issuer (403.16), or finds it outside its dates (403.17).',
    fix: "403.7 although a rule names one: pin the host to TLS 1.2, tls: 'TLSv1.2'. Otherwise: clientcert inspect FILE.",
  },
  ISSUER_NOT_TRUSTED_BY_SERVER: {
    title: 'The server does not trust who issued the client certificate',
    cause:
      '{place} does not know the issuer of {certificate}: it expects another one, or an intermediate is missing.',
    fix: 'See which issuers the server takes: clientcert probe URL. Where yours is one of them, send the whole chain: clientcert inspect FILE says whether it is there.',
  },
  KEY_DOES_NOT_MATCH: {
    title: 'Key and certificate do not belong together',
    cause: 'The private key is not that of the certificate: they come from different orders or renewals.',
    fix: 'Find the key that the request for this certificate was made with.',
  },
  KEY_NOT_READABLE: {
    title: 'The key cannot be read',
    cause: 'OpenSSL does not know the format or the encryption of the key.',
    fix: 'Load it with loadCredentials, which reads more, or convert it: openssl pkcs8 -topk8 -in old.key -out new.key.',
  },
  LEGACY_TLS_NOT_ENABLED: {
    title: 'The server speaks an old TLS version that is switched off here',
    cause: '{place} wants TLS 1.0 or 1.1, or signs with SHA-1.',
    fix: "Opt this one host in: tls: { min: 'TLSv1', legacy: true } on its rule.",
  },
  NOT_A_TLS_PORT: {
    title: 'What answers is not TLS',
    cause: 'The port of {place} speaks something else: plain HTTP, a proxy, another protocol.',
    fix: 'Check host and port; for plain HTTP write http:.',
  },
  NOT_PEM: {
    title: 'What was given is not PEM',
    cause:
      'OpenSSL found no PEM block: it is DER or PFX, a path instead of the content, or its line ends were lost in a variable.',
    fix: 'Load it with loadCredentials, which goes by the content, or see what it is: clientcert inspect FILE.',
  },
  NO_CLIENT_CERTIFICATE_SENT: {
    title: 'The server wants a client certificate and got none',
    cause: 'No certificate was presented to {place}.',
    fix: 'See why: clientcert explain URL. Name the certificate for this very host and port.',
  },
  NO_COMMON_TLS_PARAMETERS: {
    title: 'No cipher, curve or signature in common',
    cause: 'Client and {place} found no TLS parameters that both take.',
    fix: 'Where the server is old: tls: { legacy: true } on its rule. Where it is strict, remove ciphers of your own.',
  },
  PASSPHRASE_WRONG_OR_MISSING: {
    title: 'The passphrase of the key is wrong or missing',
    cause: 'The private key is encrypted, and what was given does not open it.',
    fix: 'Check the passphrase: case, blanks, characters that a shell swallows.',
  },
  PFX_LEGACY_ALGORITHMS: {
    title: 'The PFX is encrypted with algorithms that Node no longer has',
    cause: 'It uses RC2 or RC4, which OpenSSL 3 moved into its legacy provider.',
    fix: 'Load it with loadCredentials, which reads it, or make it modern: clientcert convert FILE --to pfx.',
  },
  PFX_MALFORMED: {
    title: 'The PFX is damaged or none',
    cause: 'The bytes are not PKCS#12: cut off, text, or base64.',
    fix: 'Compare its size with the original, and look at it: clientcert inspect FILE.',
  },
  PFX_PASSPHRASE_WRONG_OR_MISSING: {
    title: 'The passphrase of the PFX is wrong or missing',
    cause: 'The integrity of the file cannot be checked with what was given.',
    fix: 'Check the passphrase: case, blanks, characters that a shell swallows.',
  },
  PROXY_REFUSED: {
    title: 'The proxy does not let the call through',
    cause: 'The proxy on the way to {place} answered with a refusal.',
    fix: '407: it wants a user and password. Otherwise ask its operators for this host and port.',
  },
  SERVER_CA_UNKNOWN: {
    title: 'The server’s root is not trusted here',
    cause:
      'The certificate of {place} leads to no root that is trusted: it is a private one, or the server forgot its intermediate.',
    fix: 'Name the root, and where the server forgot it the intermediate too, as ca of the rule. Never switch verification off.',
  },
  SERVER_CERTIFICATE_EXPIRED: {
    title: 'The server’s certificate is outside its dates',
    cause:
      'The certificate of {place} has expired or is not valid yet, or the clock here is wrong. It is not about yours.',
    fix: 'Look at the clock; then those who run the server have to renew.',
  },
  SERVER_CLOSED_BEFORE_ITS_FLIGHT: {
    title: 'The connection was closed in the handshake',
    cause:
      'Something closed it before TLS stood: a firewall, a balancer with nothing behind it, or a server with no TLS version in common.',
    fix: 'Try from another network; pin another TLS version on the rule; is a proxy needed to get there?',
  },
  SERVER_LACKS_RFC5746: {
    title: 'The server lacks secure renegotiation',
    cause: '{place} does not know RFC 5746, and OpenSSL 3 refuses such servers.',
    fix: 'Opt this one host in: tls: { legacy: true } on its rule.',
  },
  SERVER_NAME_MISMATCH: {
    title: 'The server’s certificate is for another name',
    cause: 'The name in the certificate of {place} is not the one that was called.',
    fix: 'Call it by a name that is in its certificate.',
  },
  SERVER_NOT_REACHED: {
    title: 'The server was not reached',
    cause: 'No connection to {place} came about: its name, its port, or the way there.',
    fix: 'Check host and port, DNS, and whether a proxy is needed.',
  },
  SERVER_ONLY_OFFERS_OLD_TLS: {
    title: 'The server offers only an old TLS version',
    cause: '{place} speaks TLS 1.0 or 1.1.',
    fix: "Opt this one host in: tls: { min: 'TLSv1', legacy: true } on its rule.",
  },
  SERVER_WANTED_POST_HANDSHAKE_AUTH: {
    title: 'The server asks for the certificate after the handshake',
    cause: '{place} asks for one path only, after the handshake. Over TLS 1.3 Node cannot answer that.',
    fix: "Pin the host to TLS 1.2: tls: 'TLSv1.2' on its rule.",
  },
  SERVER_WANTS_RENEGOTIATION_HTTP1_ONLY: {
    title: 'The server asks for the certificate after the handshake, and not over HTTP/2',
    cause: '{place} asks for one path only, which HTTP/2 does not allow.',
    fix: "Turn HTTP/2 off in the client, and pin the host to TLS 1.2: tls: 'TLSv1.2' on its rule.",
  },
  SNI_UNKNOWN: {
    title: 'The server knows no such name',
    cause: 'No site of that name is behind {place}.',
    fix: 'Check the host; through a tunnel or an address, name the real host.',
  },
  TLS_VERSION_REFUSED: {
    title: 'No TLS version in common',
    cause: '{place} speaks none of the TLS versions that were offered.',
    fix: 'Look at tls of its rule and of the config.',
  },
  UNDICI_AGENT_NOT_FOR_THIS_GLOBAL_FETCH: {
    title: 'An Agent of undici 8 in the fetch of Node 22 or 24',
    cause: 'The handlers of the two versions do not fit.',
    fix: 'Use createFetch of @clientcert/undici, or the fetch of the undici that the Agent comes from.',
  },
  UNKNOWN: {
    title: 'Nothing is known that looks like this',
    cause: 'The failure fits no case that is known to come from client certificates.',
    fix: 'Look at the error itself, and at the log of the server.',
  },
};
