// What a user is told, and whether it names the cause: the words that are looked for stand beside each case.
import { readFileSync, writeFileSync } from 'node:fs';
import { strictServer } from '../world.mjs';
import { neither, no, open, shorten, yes } from './verdict.mjs';

export default {
  title: 'What it says when it fails',
  cases: [
    {
      id: 'passphrase',
      title: 'The passphrase is wrong',
      expects: /pass ?(word|phrase)/i,
      words: '“password” or “passphrase”',
      run: loading(async ({ certificate }) => ({ ...certificate, passphrase: 'not-it' })),
    },
    {
      id: 'corrupt',
      title: 'The file is cut off in the middle',
      expects: /\.(pfx|crt)/,
      words: 'the name of the file',
      run: loading(async ({ certificate }) => {
        const path = certificate.pfx ?? certificate.cert;
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.subarray(0, bytes.length * 0.6));
        return certificate;
      }),
    },
    {
      id: 'expired',
      title: 'The certificate has expired, and the server refuses it',
      expects: /expired/i,
      words: '“expired”',
      run: (context) => refused(context, 'alice', { expired: true }),
    },
    {
      id: 'none',
      title: 'The server demands a certificate, and none was configured',
      expects: /certificate[ _]required|no (client )?certificate|without a client certificate|none was sent/i,
      words: '“certificate required”, or that none was sent',
      run: (context) => refused(context),
    },
    {
      id: 'root',
      title: 'The server’s root is not trusted',
      expects:
        /self[- ]signed|issuer|unknown (ca|authority)|not trusted|untrusted|unable to (get|find|verify)|root/i,
      words: 'that its issuer or root is unknown, not trusted or self-signed',
      run: async (context) => {
        await using bank = await context.serve();
        return await context.program(
          async (program) => {
            const { certificate } = await context.identity('alice');
            const made = await open(context, program, { certificate, host: bank.url, ca: null });
            const answer = made.told ? made : await program.ask({ op: 'get', id: 'a', url: `${bank.url}/x` });
            return judge(context, answer);
          },
          { trusts: false },
        );
      },
    },
  ],
};

/** A file that cannot be read: told when the client is made, or when it first connects. */
function loading(change) {
  return async (context) => {
    await using bank = await context.serve({ clientCertificate: 'optional' });
    const certificate = await change(await context.identity('alice'));
    return await context.program(async (program) => {
      const made = await open(context, program, { certificate, host: bank.url });
      const answer = made.told ? made : await program.ask({ op: 'get', id: 'a', url: `${bank.url}/x` });
      if (!answer.told && bank.requests.length > 0) return no('sends none, in silence');
      return judge(context, answer);
    });
  };
}

/** Up to three times: whether a client reads the alert before the end of the connection is a matter of luck. */
async function refused(context, name, more) {
  await using server = await strictServer(context);
  let first;
  for (let attempt = 0; attempt < 3; attempt++) {
    const cell = await context.program(async (program) => {
      const { certificate } = name ? await context.identity(name, more) : { certificate: {} };
      const made = await open(context, program, { certificate, host: server.url });
      const answer = made.told ? made : await program.ask({ op: 'get', id: 'a', url: `${server.url}/` });
      return judge(context, answer);
    });
    if (cell.verdict === 'yes') return cell;
    first ??= cell;
  }
  return first;
}

function judge(context, { told, noWay }) {
  if (!told) return noWay ? neither('no option for it') : no('no error');
  const said = { told: shorten(told, context) };
  return context.expects.test(told) ? yes('named', said) : no('not named', said);
}
