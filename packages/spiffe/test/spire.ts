import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { engines } from '../../../scripts/engines.mjs';
import { freePort, untilSaid } from '../../../test/spawned.ts';

/** A registration entry: what processes of this user are. */
export interface Entry {
  readonly path: string;
  /** Seconds. */
  readonly ttl: number;
  readonly dns?: string | undefined;
  readonly hint?: string | undefined;
  /** A foreign trust domain whose roots the process is told. */
  readonly federatesWith?: string | undefined;
}

/** SPIRE's own server and agent, on loopback, in a throwaway directory. */
export interface Spire extends AsyncDisposable {
  /** As `SPIFFE_ENDPOINT_SOCKET` has it. */
  readonly address: string;
  /** @returns its id */
  register(entry: Entry): Promise<string>;
  remove(id: string): Promise<void>;
  /** The roots of the trust domain, in PEM. */
  roots(): Promise<string>;
  /** Says what the roots of a foreign trust domain are, in PEM. */
  setFederated(trustDomain: string, roots: string): Promise<void>;
  /** Any other command of the server. */
  server(...command: string[]): Promise<string>;
  stopAgent(): Promise<void>;
  startAgent(): Promise<void>;
  /** Its process stands still, and its connections stay. */
  freezeAgent(): void;
  thawAgent(): void;
}

export const trustDomain = 'example.org';

export async function startSpire(): Promise<Spire> {
  // Paths of sockets have some hundred characters at most.
  const folder = await mkdtemp(join(tmpdir(), 'spire-'));
  const place = (name: string) => join(folder, name);
  await Promise.all([mkdir(place('server')), mkdir(place('agent'))]);
  const port = await freePort();
  await writeFile(place('server.conf'), serverConfig(port, folder));
  await writeFile(place('agent.conf'), agentConfig(port, folder));
  const run = (binary: string, part: string, ...more: string[]) =>
    spawn(binary, ['run', '-config', place(`${part}.conf`), ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  const server = run(engines.spireServer, 'server');
  let agent: ReturnType<typeof spawn> | undefined;
  const socket = place('server.sock');
  const command = async (...args: string[]) => {
    const [name = '', ...rest] = args;
    const words = rest.filter((each) => !each.startsWith('-')).slice(0, name === 'localauthority' ? 2 : 1);
    const options = rest.slice(words.length);
    const { stdout } = await promisify(execFile)(engines.spireServer, [
      name,
      ...words,
      '-socketPath',
      socket,
      ...options,
    ]);
    return stdout;
  };
  await untilSaid(server, /Starting Server APIs/);
  let isThere = false;
  while (!isThere) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    isThere = await command('healthcheck').then(
      () => true,
      () => false,
    );
  }
  const [token = ''] = /[\da-f-]{36}/.exec(await command('token', 'generate')) ?? [];
  const spire: Spire = {
    address: `unix://${place('agent.sock')}`,
    async register({ path, ttl, dns, hint, federatesWith }) {
      const optional = Object.entries({ dns, hint, federatesWith }).flatMap(([name, value]) =>
        value === undefined ? [] : [`-${name}`, value],
      );
      const said = await command(
        'entry',
        'create',
        ...['-parentID', `spiffe://${trustDomain}/spire/agent/join_token/${token}`],
        ...['-spiffeID', `spiffe://${trustDomain}${path}`],
        ...['-selector', `unix:uid:${process.getuid!()}`],
        ...['-x509SVIDTTL', String(ttl)],
        ...optional,
      );
      return /Entry ID\s*: (\S+)/.exec(said)![1]!;
    },
    async remove(id) {
      await command('entry', 'delete', '-entryID', id);
    },
    roots: () => command('bundle', 'show'),
    async setFederated(domain, roots) {
      await writeFile(place('foreign.pem'), roots);
      await command('bundle', 'set', '-id', `spiffe://${domain}`, '-path', place('foreign.pem'));
    },
    server: command,
    async stopAgent() {
      agent!.kill('SIGTERM');
      await once(agent!, 'exit');
    },
    async startAgent() {
      agent = run(engines.spireAgent, 'agent', '-joinToken', token);
      await untilSaid(agent, /Starting Workload and SDS APIs/);
    },
    freezeAgent: () => void agent!.kill('SIGSTOP'),
    thawAgent: () => void agent!.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await spire.stopAgent();
      server.kill('SIGTERM');
      await once(server, 'exit');
      await rm(folder, { recursive: true });
    },
  };
  await spire.startAgent();
  return spire;
}

/** What is new reaches agents within a second in place of five. */
function serverConfig(port: number, folder: string): string {
  return `
server {
  bind_address = "127.0.0.1"
  bind_port = "${port}"
  socket_path = "${folder}/server.sock"
  trust_domain = "${trustDomain}"
  data_dir = "${folder}/server"
  log_level = "INFO"
  experimental {
    cache_reload_interval = "1s"
  }
}
plugins {
  DataStore "sql" {
    plugin_data {
      database_type = "sqlite3"
      connection_string = "${folder}/server/data.sqlite3"
    }
  }
  NodeAttestor "join_token" {
    plugin_data {}
  }
  KeyManager "memory" {
    plugin_data {}
  }
}
`;
}

function agentConfig(port: number, folder: string): string {
  return `
agent {
  server_address = "127.0.0.1"
  server_port = "${port}"
  socket_path = "${folder}/agent.sock"
  trust_domain = "${trustDomain}"
  data_dir = "${folder}/agent"
  insecure_bootstrap = true
  log_level = "INFO"
  experimental {
    sync_interval = "1s"
  }
}
plugins {
  NodeAttestor "join_token" {
    plugin_data {}
  }
  KeyManager "disk" {
    plugin_data {
      directory = "${folder}/agent"
    }
  }
  WorkloadAttestor "unix" {
    plugin_data {}
  }
}
`;
}
