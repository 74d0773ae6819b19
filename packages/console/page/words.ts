/** A distinguished name on one line, most specific part first; Node writes a part a line, the widest first. */
export function nameOf(distinguishedName: string): string {
  return distinguishedName.trim().split('\n').reverse().join(', ');
}

/** The common name, where there is one. */
export function commonNameOf(distinguishedName: string): string {
  return /^CN=(.+)$/m.exec(distinguishedName)?.[1] ?? nameOf(distinguishedName);
}

/** In pieces between which a line may end: a host name has no spaces. */
export function piecesOf(name: string): string[] {
  return name.split(/(?<=[.@_/-])(?=.)/);
}

export function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}

/** Days are whole, rounded down, and negative from the first moment after the end. */
export function daysLeft(days: number): string {
  if (days >= 0) return days === 0 ? 'ends today' : `${count(days, 'day')} left`;
  return days === -1 ? 'expired today' : `expired ${count(-days - 1, 'day')} ago`;
}

export function dayOf(date: string): string {
  return new Date(date).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
}

export function timeOf(date: string): string {
  return new Date(date).toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}

/** With a capital and a full stop; what is a name and no word begins as it is. */
export function sentence(text: string): string {
  const first = /^[a-z’']+[ ,]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?:]$/.test(first) ? first : `${first}.`;
}

export function sizeOf(bytes: number): string {
  return bytes < 1000 ? count(bytes, 'byte') : `${Math.round(bytes / 100) / 10} kB`;
}

/** A version of TLS, which Node calls `TLSv1.2`. */
export function versionOf(name: string): string {
  return name.replace(/^TLSv1$/, 'TLSv1.0').replace('TLSv', 'TLS ');
}
