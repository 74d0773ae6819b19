export { type Probe, type ProbeOptions, probe } from './probe/probe.ts';
export type { Version } from './tls/client-hello.ts';
export type { Demand, Fit } from './tls/fit.ts';
export type { ServerCertificate, ServerChain } from './tls/server-chain.ts';
