/**
 * Whether an `Agent` of undici's connects in a way of the caller's own, by a function as those for SOCKS proxies are, a
 * factory of other dispatchers, or a socket: nobody sees where that leads to. Of whichever copy of undici, also the one in
 * Node, which all keep their options in the same places.
 */
export function connectsOtherwise(agent: object): boolean {
  const { connect, factory } = partsOf(agent);
  if (typeof connect === 'function') return true;
  const { socketPath, path } = (connect ?? {}) as { socketPath?: unknown; path?: unknown };
  return socketPath != null || path != null || (factory !== undefined && factory.name !== 'defaultFactory');
}

function partsOf(agent: object): { connect?: unknown; factory?: { readonly name: string } | undefined } {
  const parts: Record<string, unknown> = Object.create(null);
  for (const symbol of Object.getOwnPropertySymbols(agent)) {
    if (symbol.description) parts[symbol.description] = (agent as Record<symbol, unknown>)[symbol];
  }
  const { connect } = (parts.options ?? {}) as { connect?: unknown };
  return { connect, factory: parts.factory as { readonly name: string } | undefined };
}
