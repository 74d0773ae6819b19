import { Client } from 'pg';

/** PostgreSQL with `clientcert=verify-full`: the certificate's common name is the user. */
/** @param {import('@clientcert/core').Credentials} credentials @param {{ host: string, port: number }} target */
export async function connectToDatabase(credentials, target) {
  const client = new Client({
    ...target,
    user: 'alice',
    database: 'postgres',
    ssl: credentials.connectOptions(target),
  });
  await client.connect();
  return client;
}
