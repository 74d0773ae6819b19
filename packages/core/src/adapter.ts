/**
 * For people who write an adapter: what brings credentials and an HTTP client together. None of it is needed to use
 * one.
 *
 * @module
 */
export { checkAgent } from './agent/agent-check.ts';
export { agentPresents, agentService, isCallersAgent, isRoutingAgent } from './agent/brand.ts';
export type { ConnectCallback, Connector, ConnectTarget } from './agent/connector.ts';
export {
  type Decider,
  type DispatcherKind,
  Dispatchers,
  decides,
  type Identity,
  type Pool,
  type Route,
} from './agent/dispatchers.ts';
export { nodeUsesProxies } from './agent/node-proxies.ts';
export { connectsOtherwise } from './agent/own-connections.ts';
export type { AdapterView } from './credentials/adapter-view.ts';
export type { Retirable } from './credentials/connections.ts';
export {
  acceptCredentials,
  adapterOf,
  type CallSignal,
  type Loading,
  loadedOf,
  whileWanted,
} from './credentials/loading.ts';
export { checkFetchRuntime } from './credentials/runtime.ts';
export { withDiagnosis } from './diagnose/diagnose.ts';
export { acceptOptions, fixedProxy, snapshot, variable, written } from './own.ts';
export { type Kind, quote, quoteOrigin, show } from './quote.ts';
export { isUrl, originOf } from './url.ts';
