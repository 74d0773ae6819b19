import { Client } from '@grpc/grpc-js';

/** @param {object} message */
const toBytes = (message) => Buffer.from(JSON.stringify(message));
/** @param {Buffer} bytes */
const fromBytes = (bytes) => JSON.parse(bytes.toString());

/**
 * Stands for what a compiler makes of a .proto file: a service with one method,
 * and its client.
 */
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

export class LedgerClient extends Client {
  /**
   * @param {{ account: string }} request
   * @returns {Promise<unknown>}
   */
  balance(request) {
    const { path } = ledgerService.balance;
    return new Promise((resolve, reject) => {
      this.makeUnaryRequest(
        path,
        toBytes,
        fromBytes,
        request,
        (error, balance) => (error ? reject(error) : resolve(balance)),
      );
    });
  }
}
