// Loaded before an example: the names it calls are servers of the test on loopback. An address stands for each
// name, because gRPC looks names up by itself; a connection to any other example host fails.
import dns from 'node:dns';
import { Socket } from 'node:net';

/** @type {Record<string, number>} Ports on loopback by `name:port`. */
const servers = JSON.parse(process.env.EXAMPLE_SERVERS ?? '{}');
const names = [...new Set(Object.keys(servers).map((key) => key.slice(0, key.lastIndexOf(':'))))];
/** From TEST-NET-1 (RFC 5737), which leads nowhere. */
const addresses = new Map(names.map((name, index) => [name, `192.0.2.${index + 1}`]));
const byAddress = new Map([...addresses].map(([name, address]) => [address, name]));

const { lookup } = dns;
dns.lookup = (name, options, done = options) => {
  const address = addresses.get(name);
  if (address === undefined) return lookup(name, options, done);
  if (options.all) process.nextTick(done, null, [{ address, family: 4 }]);
  else process.nextTick(done, null, address, 4);
};
const { lookup: lookupPromise } = dns.promises;
dns.promises.lookup = async (name, options) => {
  const address = addresses.get(name);
  if (address === undefined) return await lookupPromise(name, options);
  return options?.all ? [{ address, family: 4 }] : { address, family: 4 };
};

const { connect } = Socket.prototype;
Socket.prototype.connect = function (...args) {
  const [first, ...rest] = args;
  if (Array.isArray(first)) first[0] = redirect(first[0]);
  else if (typeof first === 'object') return connect.call(this, redirect(first), ...rest);
  else if (typeof rest[0] === 'string') {
    const { host, port } = redirect({ port: first, host: rest[0] });
    return connect.call(this, port, host, ...rest.slice(1));
  }
  return connect.apply(this, args);
};

function redirect(options) {
  const { host = 'localhost', port } = options;
  const name = byAddress.get(host) ?? host;
  const server = servers[`${name}:${port}`];
  if (server !== undefined) return { ...options, host: '127.0.0.1', port: server };
  if (/\.example$|^192\.0\.2\./.test(host)) throw new Error(`no test server is ${name}:${port}`);
  return options;
}
