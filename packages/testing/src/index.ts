export {
  type Authority,
  type AuthorityOptions,
  createAuthority,
  createSelfSigned,
  type IssueOptions,
} from './authority.ts';
export type { DistinguishedName, NameAttribute, Usage } from './certificate.ts';
export type { CertificateFiles, CertificateFilesOptions, IssuedCertificate } from './issued.ts';
export type { KeyType, SignatureHash } from './keys.ts';
export type {
  ClientCertificateDemand,
  ListenerOptions,
  ListenerServer,
  ListenerTlsOptions,
  Refusal,
} from './listener.ts';
export type { PeerCertificate } from './peer.ts';
export { type PfxEncryption, type PfxOptions, writePfx } from './pfx.ts';
export {
  type ProxiedRequest,
  type ProxyOptions,
  type ProxyTarget,
  startProxy,
  type TestProxy,
} from './proxy.ts';
export type { SeenRequest } from './seen-request.ts';
export {
  type RequestHandler,
  type ServerOptions,
  startServer,
  type TestServer,
} from './server.ts';
