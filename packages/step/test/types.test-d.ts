import { type Config, fromStepCa, loadCredentials, type RenewedSource } from '@clientcert/step';

const source: RenewedSource = fromStepCa({
  address: 'https://ca.example',
  fingerprint: process.env.STEP_FINGERPRINT,
  token: { env: 'STEP_TOKEN' },
  commonName: 'me.example',
  ttl: '24h',
  files: { cert: 'bank.crt', key: new URL('file:///var/lib/me/bank.key') },
});

// It stands where a certificate does.
export const config: Config = { certificates: { bank: source } };
const credentials = await loadCredentials({
  certificates: { bank: source },
  hosts: { 'api.bank.example': 'bank' },
});
export const name: 'bank' | undefined = credentials.certificates()[0]?.name;

const provisioner = { name: 'me@example', key: async () => '{}' };
fromStepCa({ address: 'https://ca.example', provisioner, commonName: 'c', rekey: false, ca: ['root.pem'] });
// @ts-expect-error: no common name is written
fromStepCa({ address: 'https://ca.example', provisioner });
// @ts-expect-error: a provisioner needs its key
fromStepCa({ address: 'https://ca.example', provisioner: { name: 'x' }, commonName: 'c' });
// @ts-expect-error: it is true or false
fromStepCa({ address: 'https://ca.example', provisioner, commonName: 'c', rekey: 'no' });
