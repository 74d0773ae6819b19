// A certificate is renewed in its file while the client lives; every request is a new connection.
import { renameSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { filesOf } from '../world.mjs';
import { neither, no, open, shorten, yes } from './verdict.mjs';

export default {
  title: 'When the file is renewed',
  cases: [
    {
      id: 'renewed',
      title: 'The new certificate is presented, without a restart',
      run: (context) => renew(context, { broken: false }),
    },
    {
      id: 'broken',
      title: 'A half-written file stands there first, for a second: no request fails',
      run: (context) => renew(context, { broken: true }),
    },
  ],
};

async function renew(context, { broken }) {
  await using bank = await context.serve();
  const { files } = context.neighbour;
  const { issued, certificate } = await context.identity('alice');
  const renewed = await context.authority.issue({ name: 'alice', key: issued.key });
  const next = await filesOf(renewed, files, context.write);
  const replaced = certificate.pfx ?? certificate.cert;
  const content = await filesOf(renewed, files, (_name, bytes) => bytes);
  const bytes = Buffer.from(content.pfx ?? content.cert);
  return await context.program(async (program) => {
    const made = await open(context, program, { certificate, host: bank.url });
    if (made.told) return neither('fails before', { told: shorten(made.told, context) });
    const url = `${bank.url}/close`;
    const call = () => program.ask({ op: 'get', id: 'a', url });
    for (let count = 0; count < 3; count++) {
      const { told } = await call();
      if (told) return neither('fails before', { told: shorten(told, context) });
    }
    const failures = [];
    const until = async (ms, isDone = () => false) => {
      for (const end = Date.now() + ms; Date.now() < end && !isDone(); await pause(50)) {
        const { told } = await call();
        if (told) failures.push(told);
      }
    };
    if (broken) {
      const half = context.write('half', bytes.subarray(0, bytes.length >> 1));
      renameSync(half, replaced);
      await until(1000);
    }
    renameSync(next.pfx ?? next.cert, replaced);
    const isNew = () => bank.requests.at(-1)?.clientCertificate?.serialNumber === renewed.serialNumber;
    const start = Date.now();
    await until(8000, isNew);
    const told = failures.length > 0 ? { told: shorten(failures[0], context) } : {};
    if (broken) {
      if (failures.length > 0) return no('requests fail', told);
      return isNew() ? yes('none fail') : neither('reads it once');
    }
    if (!isNew()) return no('after a restart', told);
    if (failures.length > 0) return no(`${failures.length} requests fail`, told);
    return yes('presented', { milliseconds: Date.now() - start });
  });
}
