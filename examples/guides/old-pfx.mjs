// A PFX with RC2, a PEM pair with an encrypted key and a Java keystore are read
// alike.
import { loadCredentials } from '@clientcert/core';

export const credentials = await loadCredentials({
  certificates: {
    windows: { pfx: 'old.pfx', passphrase: process.env.BANK_PASSPHRASE },
    linux: {
      cert: 'bank.crt',
      key: 'bank.key',
      passphrase: process.env.BANK_PASSPHRASE,
    },
  },
  hosts: { 'api.bank.example': 'windows', 'old.bank.example': 'linux' },
});

for (const { name, source, warnings } of credentials.certificates()) {
  console.log(name, source, warnings.map(({ code }) => code).join());
}
