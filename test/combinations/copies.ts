import { type Config, type Credentials, loadCredentials } from '@clientcert/core';
import { vi } from 'vitest';

// What core loads late shall be there before there is another copy.
await (await loadCredentials({ hosts: { localhost: false } })).close();
vi.resetModules();
const other = await import('@clientcert/core');
if (other.loadCredentials === loadCredentials) throw new Error('there is one copy of core');

/** That of the adapters, or that of a second copy, as where one package imports core and another requires it. */
export function load(config: Config, isCopy: boolean): Promise<Credentials> {
  return (isCopy ? other.loadCredentials : loadCredentials)(config);
}
