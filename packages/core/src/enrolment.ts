/**
 * For people who write a source that has certificates issued, and for the command: keys, requests, and what keeps a
 * certificate renewed. None of it is needed to use one.
 *
 * @module
 */
export { decodeConfig } from './config/decode.ts';
export { type CertificateParts, der, oid, partsOf, pem, sequence } from './enrolment/der.ts';
export {
  type Answer,
  type Asked,
  ask,
  failure,
  type Peer,
  parseObject,
  responseTo,
  sayings,
  withTimeout,
} from './enrolment/exchange.ts';
export type { Issued } from './enrolment/issued.ts';
export type { RenewedFiles } from './enrolment/kept-files.ts';
export { clientExtensions, commonName, isFor, kindOf } from './enrolment/names.ts';
export { OptionCheck } from './enrolment/option-check.ts';
export {
  type Issuer,
  type Renewed,
  type RenewedSource,
  type RenewingOptions,
  renewing,
  soon,
} from './enrolment/renewing.ts';
export { createKey, createRequest, type KeyType, keyPem, keyTypeOf, keyTypes } from './enrolment/request.ts';
export { isSecret, isWord, readSecret, type Secret } from './enrolment/secret.ts';
export { certificateOf } from './load/certificate-of.ts';
export { isUsable } from './load/identity.ts';
export { describeKey, describePrivateKey, keyDetailsOf, publicKeyOf } from './load/key-type.ts';
export { isPkcs11Uri, labelOfPkcs11Uri } from './load/pkcs11-uri.ts';
export { faultOfSpiffeId, parseSpiffeId, type SpiffeId } from './load/spiffe-id.ts';
export { readSvid, type Svid, spiffeIdOf } from './load/svid.ts';
export { untilAborted } from './load/until-aborted.ts';
export { retryDelay } from './rotate/timer.ts';
export { checkServerId } from './tls/server-id.ts';
