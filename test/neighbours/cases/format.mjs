// Which files are read as they are handed out: the bank must have seen alice, and her chain up to a root that it knows.

import { passphrase, tool } from '../world.mjs';
import { neither, no, open, shorten, yes } from './verdict.mjs';

const der = (pem) => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');

export default {
  title: 'Which files it reads',
  cases: [
    kind('pfx', 'PFX, AES-256 as OpenSSL 3 writes it', async ({ issued, file }) => ({
      pfx: file('pfx', await issued.pfx(passphrase)),
      passphrase,
    })),
    kind('pfx-3des', 'PFX, 3DES as Windows writes it', async ({ issued, file }) => ({
      pfx: file('pfx', await issued.pfx(passphrase, { encryption: 'legacy-3des' })),
      passphrase,
    })),
    kind('pfx-rc2', 'PFX, RC2-40 as Windows 7 and OpenSSL 1 wrote it', async ({ issued, file }) => ({
      pfx: file('pfx', await issued.pfx(passphrase, { encryption: 'legacy-rc2' })),
      passphrase,
    })),
    kind('pfx-empty', 'PFX with an empty passphrase', async ({ issued, file }) => ({
      pfx: file('pfx', await issued.pfx('')),
      passphrase: '',
    })),
    kind('pfx-chain', 'PFX with an intermediate, which must be sent', async ({ chained, file }) => ({
      pfx: file('pfx', await chained.pfx(passphrase)),
      passphrase,
    })),
    kind('pem', 'PEM certificate with its chain, and a key', async ({ chained, file }) => ({
      cert: file('crt', chained.fullChain),
      key: file('key', chained.key),
    })),
    kind('pem-encrypted', 'PEM certificate, and an encrypted key (PKCS#8)', async ({ issued, file }) => ({
      cert: file('crt', issued.cert),
      key: file('key', issued.encryptedKey(passphrase)),
      passphrase,
    })),
    kind('der', 'DER certificate (.cer), and a PEM key', async ({ issued, file }) => ({
      cert: file('cer', der(issued.cert)),
      key: file('key', issued.key),
    })),
    kind('p7b', 'P7B with the chain, and a PEM key', async ({ chained, file }) => {
      const certificates = file('all.pem', chained.fullChain);
      const made = tool('openssl', 'crl2pkcs7', '-nocrl', '-certfile', certificates);
      return made && { p7b: file('p7b', made), key: file('key', chained.key) };
    }),
    kind('jks', 'JKS, a Java keystore', async ({ issued, file }) => {
      const pfx = file('pfx', await issued.pfx(passphrase));
      const jks = `${pfx}.jks`;
      const from = ['-srckeystore', pfx, '-srcstoretype', 'PKCS12', '-srcstorepass', passphrase];
      const to = ['-destkeystore', jks, '-deststoretype', 'JKS', '-deststorepass', passphrase];
      const made = tool('keytool', '-importkeystore', '-noprompt', ...from, ...to);
      return made && { jks, passphrase };
    }),
  ],
};

function kind(id, title, make) {
  return {
    id,
    title,
    run: async (context) => {
      const { authority, issuing, write } = context;
      const issued = await authority.issue({ name: 'alice', keyType: 'rsa' });
      const chained = await issuing.issue({ name: 'alice', keyType: 'rsa' });
      const file = (extension, content) => write(`alice.${extension}`, content);
      const certificate = await make({ issued, chained, file });
      if (!certificate) return neither('not run');
      await using bank = await context.serve({ clientCertificate: 'optional' });
      return await context.program(async (program) => {
        const made = await open(context, program, { certificate, host: bank.url });
        if (made.noWay) return neither('no option for it', { told: made.noWay });
        const answer = made.told ? made : await program.ask({ op: 'get', id: 'a', url: `${bank.url}/x` });
        if (answer.noWay) return neither('no option for it', { told: answer.noWay });
        const [seen] = bank.requests;
        if (seen?.authorized) return yes('read');
        if (seen?.clientCertificate) return no('without its intermediate');
        if (seen) return no('sent none, in silence');
        return no('not read', { told: shorten(answer.told ?? 'no request', context) });
      });
    },
  };
}
