// Postman's runtime, which runs the requests of the Postman app and of newman; a certificate is for hosts that it names.
import fs from 'node:fs';
import collections from 'postman-collection';
import runtime from 'postman-runtime';
import { NoWay, serve } from './protocol.mjs';

await serve(async ({ certificate, ca, host, proxy }) => {
  const { pfx, jks, cert, p7b, key, passphrase } = certificate;
  if (jks) throw new NoWay('pfx, or cert and key');
  const source = pfx
    ? { pfx: { src: pfx } }
    : cert || p7b
      ? { cert: { src: cert ?? p7b }, key: { src: key } }
      : null;
  const certificates = new collections.CertificateList(
    {},
    source ? [{ name: 'bank', matches: [`${host}/*`], passphrase, ...source }] : [],
  );
  const proxies = proxy && new collections.ProxyConfigList({}, [proxyOf(proxy)]);
  const options = {
    certificates,
    fileResolver: fs,
    ...(proxies && { proxies }),
    requester: { strictSSL: true, followRedirects: true, ...(ca && { extendedRootCA: ca }) },
  };
  return { get: (url) => send(url, options) };
});

function send(url, options) {
  const collection = new collections.Collection({ item: [{ name: 'one', request: { url, method: 'GET' } }] });
  return new Promise((resolve, reject) => {
    new runtime.Runner().run(collection, options, (error, run) => {
      if (error) return reject(error);
      let outcome = [new Error('no answer')];
      const told = [];
      run.start({
        console: (_cursor, level, ...said) => level === 'warn' && told.push(said.join(' ')),
        request: (failed, _cursor, response) => {
          outcome = failed ? [failed] : [null, response.code];
        },
        done: (failed) => {
          const problem = failed ?? outcome[0];
          run.host?.dispose?.();
          if (!problem) return resolve(outcome[1]);
          // What the console of the app shows beside the error.
          if (told.length > 0) problem.message = `${problem.message}; console: ${told.join('; ')}`;
          reject(problem);
        },
      });
    });
  });
}

function proxyOf(url) {
  const { protocol, hostname, port } = new URL(url);
  return {
    match: 'http+https://*:*/*',
    host: hostname,
    port: Number(port),
    tunnel: true,
    protocol: protocol.slice(0, -1),
  };
}
