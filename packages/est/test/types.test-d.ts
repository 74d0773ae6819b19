import { type Config, fromEst, loadCredentials, type Renewed, type RenewedSource } from '@clientcert/est';

const source: RenewedSource = fromEst({
  address: 'https://est.example',
  label: process.env.EST_LABEL,
  login: { user: 'me', password: { file: '/run/secrets/est' } },
  commonName: 'me.example',
  files: { cert: 'bank.pem' },
  onRenewed: async ({ certificate, validTo }: Renewed, { signal }) => {
    await fetch('https://bank.example', {
      method: 'PUT',
      body: `${certificate}${validTo.getTime()}`,
      signal,
    });
  },
});

// It stands where a certificate does.
export const config: Config = { certificates: { bank: source } };
const credentials = await loadCredentials({
  certificates: { bank: source },
  hosts: { 'api.bank.example': 'bank' },
});
export const name: 'bank' | undefined = credentials.certificates()[0]?.name;

fromEst({
  address: 'https://est.example',
  certificate: { pfx: 'device.pfx' },
  commonName: 'c',
  keyType: 'p-521',
});
// @ts-expect-error: no common name is written
fromEst({ address: 'https://est.example' });
// @ts-expect-error: a login needs a password
fromEst({ address: 'https://est.example', commonName: 'c', login: { user: 'me' } });
// @ts-expect-error: a key alone is no certificate
fromEst({ address: 'https://est.example', commonName: 'c', files: { key: 'bank.key' } });
// @ts-expect-error: no such key
fromEst({ address: 'https://est.example', commonName: 'c', keyType: 'dsa' });
