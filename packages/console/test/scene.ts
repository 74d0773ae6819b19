import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, startServer } from '@clientcert/testing';
import { consoleFunctions } from '../../cli/src/console/functions.ts';
import { startConsole } from '../src/index.ts';

export const PASSPHRASE = 'correct horse battery 9';
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);

/** A config with something of everything, two servers, and files to drop. */
export async function aScene() {
  const directory = await mkdtemp(join(tmpdir(), 'clientcert-screen-'));
  const at = (name: string) => join(directory, name);
  const bank = await createAuthority({ name: 'Bank Example Root CA', intermediates: 1 });
  const tax = await createAuthority({ name: 'Tax Office Root CA' });
  const server = await startServer({ authority: bank, host: 'localhost' });
  const strict = await startServer({ authority: tax, host: 'localhost' });
  const keys: string[] = [];
  const issue = async (name: string, options: object, authority = bank) => {
    const subject = { C: 'NL', O: 'Example Trading B.V.', CN: `${name}.corp.example` };
    const one = await authority.issue({ name, subject, ...options });
    keys.push(one.key.split('\n')[1]!);
    await writeFile(at(`${name}.pem`), one.fullChain + one.key, { mode: 0o600 });
    return one;
  };
  const client = await issue('bank', { notBefore: inDays(-150), notAfter: inDays(212.5) });
  await issue('tax-office', { notBefore: inDays(-342), notAfter: inDays(23.5) }, tax);
  const subject = { C: 'NL', O: 'Example Trading B.V.', CN: 'warehouse.trading.example' };
  await issue('warehouse', { subject, notBefore: inDays(-400), notAfter: inDays(-34.5) }, tax);
  await issue('payments', { notAfter: inDays(700) });
  await writeFile(at('roots.pem'), bank.certificate + tax.certificate);
  const config = {
    certificates: {
      bank: { cert: 'bank.pem', ca: 'roots.pem' },
      'tax-office': { cert: 'tax-office.pem', ca: 'roots.pem' },
      warehouse: { cert: 'warehouse.pem' },
      payments: { cert: 'payments.pem' },
      partner: { pfx: 'partner.pfx', passphrase: PASSPHRASE },
    },
    hosts: {
      [new URL(server.url).host]: 'bank',
      [new URL(strict.url).host]: 'bank',
      'api.bank.example': 'bank',
      'api.bank.example:*': { certificate: 'bank', tls: 'TLSv1.2' },
      '*.bank.example': 'payments',
      'status.bank.example': false,
      'api.partner.example': 'partner',
    },
    services: {
      'Billing.InvoiceService': {
        certificate: 'tax-office',
        hosts: ['soap.tax.example', 'soap2.tax.example:8443'],
      },
    },
  };
  const file = at('clientcert.json');
  await writeFile(file, `${JSON.stringify(config, null, 2)}\n`);
  const old = await client.pfx(PASSPHRASE, { encryption: 'legacy-rc2' });
  return { directory, file, server, strict, old, keys, issue, tax };
}

/** A screen over a config, as the command starts it. */
export async function aScreen(file: string, page: string, write = true) {
  const { functions, close } = consoleFunctions(file, write);
  const screen = await startConsole({ functions, write, page });
  return {
    address: screen.address,
    end: screen.close,
    [Symbol.asyncDispose]: async () => {
      await screen.close();
      await close();
    },
  };
}
