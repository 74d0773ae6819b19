/** A class of agents, as far as it is used here. */
type AgentClass = new () => object;

/**
 * Whether a dispatcher of undici's may lead elsewhere than to the host itself: all but an `Agent` do, as far as anybody
 * sees, and one that connects by a function as those for SOCKS proxies are, by a factory of other dispatchers, or to a
 * socket; nor is anything seen of what a class that dispatches by itself does.
 *
 * @param known The class, of the undici at hand: a bundler may have given it another name. Those of other copies, the one in
 *   Node included, are known by theirs; all keep their options in the same places.
 */
export function connectsOtherwise(agent: object, known?: new () => object): boolean {
  const kind = known && agent instanceof known ? known : classOf(agent);
  if (!kind || dispatchesItself(agent, kind)) return true;
  const { options, factory } = partsOf(agent);
  if (!options || !factory || factory !== factoryOf(kind)) return true;
  const { connect, tls, socketPath } = ownOf(options);
  return socketPath != null || leadsElsewhere(connect) || leadsElsewhere(tls);
}

function leadsElsewhere(connect: unknown): boolean {
  if (typeof connect === 'function') return true;
  const { socketPath, path } = ownOf(connect);
  return socketPath != null || path != null;
}

/** Without what every object inherits. */
function ownOf(options: unknown): Record<string, unknown> {
  return Object.assign(Object.create(null), options);
}

/** The class of another copy: the last of that name, as others may have been made of it. */
function classOf(agent: object): AgentClass | undefined {
  const found = prototypesOf(agent).findLast((each) => each.constructor?.name === 'Agent');
  return found?.constructor as AgentClass | undefined;
}

function dispatchesItself(agent: object, kind: AgentClass): boolean {
  const all = [agent, ...prototypesOf(agent)];
  const made = all.slice(0, all.indexOf(kind.prototype));
  return made.some((each) =>
    Reflect.ownKeys(each).some((key) => (typeof key === 'symbol' ? key.description : key) === 'dispatch'),
  );
}

function prototypesOf(agent: object): object[] {
  const found: object[] = [];
  for (let each = Object.getPrototypeOf(agent); each; each = Object.getPrototypeOf(each)) found.push(each);
  return found;
}

const factories = new WeakMap<AgentClass, unknown>();

/** What agents of a class make their connections with, unless told otherwise. */
function factoryOf(kind: AgentClass): unknown {
  if (!factories.has(kind)) factories.set(kind, partsOf(new kind()).factory);
  return factories.get(kind);
}

function partsOf(agent: object): Record<string, unknown> {
  const parts: Record<string, unknown> = Object.create(null);
  for (const symbol of Object.getOwnPropertySymbols(agent)) {
    if (symbol.description) parts[symbol.description] = (agent as Record<symbol, unknown>)[symbol];
  }
  return parts;
}
