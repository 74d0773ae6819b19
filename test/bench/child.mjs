// One part, in a process of its own: started by run.mjs, which it sends the results.
import { argv, exit, versions } from 'node:process';

const [, , part, extent, one] = argv;
const { measure, settings } = await import(`./${part}.mjs`);
const results = await measure(settings[extent], one);
const { node, openssl } = versions;
process.send({ node, openssl, settings: settings[extent], results }, () => exit()); // clients keep idle connections
