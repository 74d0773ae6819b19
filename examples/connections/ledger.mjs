import { makeClientConstructor } from '@grpc/grpc-js';

const toBytes = (message) => Buffer.from(JSON.stringify(message));
const fromBytes = (bytes) => JSON.parse(bytes.toString());

/** Stands for what the compiler of a .proto file writes: one service with one method. */
export const ledgerService = {
  balance: {
    path: '/bank.Ledger/Balance',
    requestStream: false,
    responseStream: false,
    requestSerialize: toBytes,
    requestDeserialize: fromBytes,
    responseSerialize: toBytes,
    responseDeserialize: fromBytes,
  },
};

export const LedgerClient = makeClientConstructor(ledgerService, 'Ledger');
