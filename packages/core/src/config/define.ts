import type { Config } from '../types.ts';

/**
 * Hands a config back as it is, with the compiler's checks of a literal: for a config in a module of its own.
 *
 * @example
 * import { defineConfig } from '@clientcert/core';
 * export default defineConfig({
 *   certificates: { bank: { pfx: 'bank.pfx', passphrase: { env: 'BANK_PASSPHRASE' } } },
 *   hosts: { 'api.bank.example': 'bank' },
 * });
 */
export function defineConfig<CertificateName extends string = never, ServiceName extends string = never>(
  config: Config<CertificateName, ServiceName>,
): Config<CertificateName, ServiceName> {
  return config;
}
