/** What follow-redirects hands out of the next hop, to be changed. */
export interface Redirect extends Record<string, unknown> {
  href: string;
  agents?: Record<string, unknown> | undefined;
  agent?: unknown;
}
export type BeforeRedirect = (to: Redirect, ...details: unknown[]) => void;

/** The agent for a hop to https, as follow-redirects chooses it. */
export function agentOf({ agents, agent }: Redirect): unknown {
  return agents ? agents.https : agent;
}

/** Undoes what axios has just set for a hop to https through a proxy: the agent tunnels. */
export function goDirect(to: Redirect, agent: unknown): void {
  const { protocol, host, hostname, port, pathname, search } = new URL(to.href);
  Object.assign(to, {
    protocol,
    host,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    path: pathname + search,
  });
  to.agents = { ...to.agents, https: agent };
  to.agent = undefined;
  const headers = (to.headers ?? {}) as Record<string, unknown>;
  for (const name of Object.keys(headers)) if (/^proxy-authorization$/i.test(name)) delete headers[name];
}
