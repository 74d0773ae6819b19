import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCredentials } from '@clientcert/core';
import { ClientCertificateSecurity, soapOptions } from '@clientcert/soap';
import * as soap from 'soap';
import { expect, it } from 'vitest';
import { wsdl } from '../../packages/soap/test/service.ts';
import { findWss4j } from '../../packages/soap/test/wss4j/classpath.ts';
import { root } from '../diagnosis/credentials.ts';
import { jsse, launchJava } from './java.ts';
import { note } from './results.ts';
import { waitForLog } from './waiting.ts';

const wss4j = jsse.program && findWss4j();

it.skipIf(!wss4j)(
  `a SOAP service with WSS4J${wss4j ? '' : ' (Maven, a JDK or WSS4J is not to be had)'}`,
  { timeout: 600_000 },
  async () => {
    const classes = mkdtempSync(join(tmpdir(), 'clientcert-classes-'));
    try {
      const sources = ['JsseServer.java', 'SoapService.java', '../../packages/soap/test/wss4j/Verify.java'];
      const files = sources.map((name) => fileURLToPath(new URL(name, import.meta.url)));
      execFileSync('javac', ['-cp', wss4j!, '-d', classes, ...files]);
      writeFileSync(join(classes, 'service.wsdl'), wsdl({ address: 'https://127.0.0.1:PORT/service' }));
      const path = [classes, wss4j].join(delimiter);
      await using running = await launchJava(['-cp', path, 'SoapService'], 'required', { authority: root });

      const place = `127.0.0.1:${running.port}`;
      const [alice, bob] = await Promise.all(
        ['alice', 'bob'].map((name) => root.issue({ name, keyType: 'rsa' })),
      );
      await using credentials = await loadCredentials({
        certificates: {
          alice: { cert: alice!.cert, key: alice!.key, ca: root.certificate },
          bob: { cert: bob!.cert, key: bob!.key, ca: root.certificate },
        },
        hosts: { [place]: 'alice' },
        services: { Other: { certificate: 'bob', hosts: [place] } },
      });
      credentials.on('warning', () => {});
      let calls = 0;
      const who = async (options: object, security: soap.ISecurity) => {
        const client = await soap.createClientAsync(
          `https://${place}/service?wsdl`,
          soapOptions(credentials, options),
        );
        client.setSecurity(security);
        const before = running.log().length;
        calls += 2;
        const answer = await client.WhoAsync({ text: 'Timestamp' }).then(
          ([result]: [{ name: string }]) => result.name,
          (error: Error) => error.message,
        );
        await waitForLog(running, before, (log) => /^(signed|fault) /m.test(log), 'the service');
        return { answer, log: running.log().slice(before) };
      };

      // Whose connection it is has signed the message: the service looks at both.
      for (const [options, name] of [
        [{}, 'alice'],
        [{ service: 'Other' }, 'bob'],
      ] as const) {
        const signing = new ClientCertificateSecurity(credentials, { ...options, sign: true });
        const { answer, log } = await who(options, signing);
        expect(answer).toBe(`CN=${name}`);
        expect(jsse.read(log)).toEqual([{ tls: 'TLSv1.3', name, http: 'HTTP/1.1' }]);
        expect(log).toContain(`signed CN=${name}\n`);
      }
      const unsigned = await who({}, new ClientCertificateSecurity(credentials));
      expect(unsigned.answer).toContain('not signed');
      expect(unsigned.log).toContain('fault not signed\n');
      const byOther = new soap.WSSecurityCert(bob!.key, bob!.cert, '');
      const foreign = await who({}, new ClientCertificateSecurity(credentials, { and: [byOther] }));
      expect(foreign.answer).toContain('signed by CN=bob');

      const [, version = ''] = /wss4j-ws-security-dom-([\d.]+)\.jar/.exec(wss4j!) ?? [];
      note({ name: 'Java with WSS4J', version }, 'signed messages', calls);
    } finally {
      rmSync(classes, { recursive: true, force: true });
    }
  },
);
