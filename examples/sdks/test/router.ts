import { initTRPC } from '@trpc/server';

const { router, procedure } = initTRPC.create();

/** What examples/sdks/trpc.mjs calls. @param next Awaited before the second rate. */
export function createRouter(next: () => Promise<void>) {
  return router({
    account: procedure.input(readIban).query(({ input: { iban } }) => ({ iban, balance: 100 })),
    rates: procedure.query(async function* () {
      yield 'USD 1.08';
      await next();
      yield 'GBP 0.86';
    }),
  });
}

export type Router = ReturnType<typeof createRouter>;

function readIban(input: unknown): { iban: string } {
  if (typeof input !== 'object' || input === null || !('iban' in input)) throw new Error('no IBAN');
  return { iban: String(input.iban) };
}
