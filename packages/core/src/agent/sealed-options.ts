import { ClientCertificateError } from '../errors.ts';
import { spoken } from './caller-options.ts';

/**
 * Seals what the options of an agent say of TLS: needle writes that of one call on the agent that it is given
 * (`agent.options.cert = …`), where it would be said of all later calls of all callers.
 *
 * @param options Of an agent, as Node keeps them.
 */
export function seal(options: object): void {
  Object.setPrototypeOf(options, unsaid);
  for (const name of spoken) {
    if (!Object.hasOwn(options, name)) continue;
    const value = (options as Record<string, unknown>)[name];
    Object.defineProperty(options, name, { ...sealed(name, value), enumerable: true });
  }
}

/** No members of its own, so that Node, which copies the options for every request, has no more to copy. */
const unsaid: object = Object.create(
  null,
  Object.fromEntries(spoken.map((name) => [name, sealed(name, undefined)])),
);

function sealed(name: string, value: unknown): PropertyDescriptor {
  return {
    get: () => value,
    set() {
      throw new ClientCertificateError(
        'ERR_CLIENTCERT_AGENT_CONFLICT',
        `"${name}" is written on an agent that others use as well`,
        { hint: `Make an agent for such calls: credentials.agent({ ${name}: … }).` },
      );
    },
  };
}
