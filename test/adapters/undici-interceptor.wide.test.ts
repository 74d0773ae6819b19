import { Agent } from 'undici';
import undici from 'undici/package.json' with { type: 'json' };
import { expect, it } from 'vitest';
import { findSymptoms } from '../../packages/core/test/diagnose/find.ts';
import { describeAdapter } from './suite.ts';
import { adapters } from './undici.ts';

describeAdapter(adapters[0]!);

// What `createFetch` spares its users: this Node's fetch with handlers of an older kind than the Agent's.
const majorOf = (version: string) => Number(version.split('.')[0]);
const { undici: inside = '0' } = process.versions;
it.runIf(majorOf(undici.version) >= 8 && majorOf(inside) < 8)(
  'an Agent of undici 8 in an older fetch',
  async () => {
    const dispatcher = new Agent();
    const call = fetch('https://127.0.0.1:8443/', { dispatcher } as object);
    const { cause } = await call.then(
      () => Promise.reject(new Error('no error')),
      (error: Error & { cause: Error }) => error,
    );
    expect(findSymptoms(cause.message).map(({ id }) => id)).toEqual(['invalid-onrequeststart-method']);
    await dispatcher.close();
  },
);
