// What the server sends, as JSON: dates are texts.

export interface Failure {
  code?: string;
  message: string;
  hint?: string;
  issues?: Issue[];
}

export interface Issue {
  path: (string | number)[];
  message: string;
}

export interface Warning {
  code: string;
  message: string;
  advice?: string;
}

export interface Certificate {
  name: string;
  version: number;
  subject: string;
  issuer: string;
  issuers: string[];
  chainLength: number;
  serialNumber: string;
  fingerprint256: string;
  'x5t#S256': string;
  validFrom: string;
  validTo: string;
  daysLeft: number;
  keyType: string;
  key: 'memory' | 'token';
  token: string | null;
  source: string;
  pinnedAt: string[];
  status: 'valid' | 'expiring' | 'expired' | 'not yet valid';
  error: { message: string; hint?: string } | null;
  failedSince: string | null;
  readAt?: string;
  warnings: Warning[];
}

export type Entry = [name: string, value: unknown];

export interface Draft {
  certificates: Entry[];
  hosts: Entry[];
  services: Entry[];
  default?: unknown;
}

export interface State {
  path: string;
  write: boolean;
  version: string;
  exists: boolean;
  draft?: Draft;
  certificates?: Certificate[];
  broken?: { name: string; message: string }[];
  warnings?: Warning[];
  errors?: Failure[];
}

export interface Checked {
  json: string;
  diff: string[];
  errors: Failure[];
  warnings: Warning[];
  /** What is not there to be read, and no mistake in the config. */
  broken: { name?: string; message: string; hint?: string }[];
}

export interface Explanation {
  target: string;
  service: string | null;
  summary: string[];
  considered: { rule: string; certificate: string | false | null; outcome: 'won' | 'lost'; reason: string }[];
  certificate: { name: string; subject: string; validTo: string; daysLeft: number } | null;
  tls: { min: string; max: string; legacy: boolean };
  trust: string;
  proxy: string | null;
  rule: string;
}

export interface FoundCertificate {
  alias?: string;
  subject: string;
  issuer: string;
  serialNumber: string;
  validFrom: string;
  validTo: string;
  daysLeft: number;
  keyType: string;
  usages: string[];
  fingerprint256: string;
}

export interface Identity extends FoundCertificate {
  chain: { subject: string; sent: boolean }[];
  missingIssuer: string | null;
  warnings: Warning[];
  notes: { code: string; message: string }[];
}

export interface Report {
  file: string;
  halfOf?: string[];
  /** The number of its first identity. */
  first?: number;
  verdict: 'good' | 'warning' | 'refused' | 'unusable';
  format?: string;
  algorithms?: string[];
  opensIn?: number[];
  identities?: Identity[];
  certificates?: FoundCertificate[];
  keys?: { type: string; encrypted: boolean }[];
  skipped?: string[];
  error?: Failure;
}

export interface Look {
  handle: string;
  reports: Report[];
  asks?: { what: 'passphrase' | 'keyPassphrase'; file: string; wrong: boolean };
  imported?: {
    tool: string;
    config: Record<string, unknown>;
    variables: string[];
    omitted: { what: string; why: string }[];
    notes?: string[];
  };
}

export interface Probe {
  url: string;
  ok: boolean;
  unreachable: string | null;
  versions: Record<string, boolean | null>;
  clientCertificate: { requested: boolean; when: string; required: boolean | null; issuers: string[] };
  server: { distrust?: string | null };
  presented: {
    certificate: string;
    accepted: boolean | null;
    status: number | null;
    diagnosis: Diagnosis | null;
  } | null;
  notes: string[];
}

export interface Diagnosis {
  code: string;
  title: string;
  cause: string;
  fix: string;
  confidence: string;
}

export interface Tried {
  handshakes: {
    host: string;
    port: number;
    rule: string;
    protocol: string | null;
    requested: boolean | null;
    presented: { name: string } | null;
    resumed: boolean;
  }[];
  answer?: { status: number; type: string | null; text: string; length: number };
  milliseconds: number;
  error?: string;
  diagnosis?: Diagnosis;
}
