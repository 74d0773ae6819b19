import type { Seen } from './launch.ts';

/** Of lines such as `seen TLSv1.3 "CN=bank" HTTP/1.1 200`, which is how servers write that can be told how. */
export function read(log: string): Seen[] {
  const lines = log.matchAll(/^seen (\S+) "(.*?)" (HTTP\/\S+)(?: (\d+))?/gm);
  return [...lines].flatMap(([, tls, subject, http, status = '200']) =>
    status.startsWith('2') ? [{ tls: tls!, name: nameOf(subject!), http: http! }] : [],
  );
}

/** The common name in a subject, however it is written; empty for `-` and for nothing. */
export function nameOf(subject: string): string {
  const [, name = ''] = /(?:^|[,/\s])CN\s?=\s?([^,/+]+)/.exec(subject) ?? [];
  return name.trim();
}

/** `TLSv1.3` of `1.3`, and `TLSv1` of `1.0`, as OpenSSL and Node call them. */
export function versionOf(number: string): string {
  return `TLSv${number.replace(/\.0$/, '')}`;
}
