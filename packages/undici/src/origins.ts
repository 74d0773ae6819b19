/**
 * The origins that a request is known by: the one that is dialled and, where `interceptors.dns` has put an address in
 * the place of its name, the one that was asked for.
 */
export function originsOf(dialled: string | URL, name: string | null | undefined): string[] {
  const url = new URL(dialled);
  const { origin } = url;
  if (name) url.hostname = name;
  return [origin, url.origin];
}
