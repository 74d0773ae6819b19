import { type Authority, createAuthority, startServer } from '@clientcert/testing';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import prometheus from 'prom-client';
import { beforeAll, expect, it, vi } from 'vitest';
import { loadCredentials, registerMetrics } from '../../src/index.ts';
import { issue, request } from './scene.ts';

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});

/** Two requests, a rotation between them, a renewal that fails, and a connection that is refused. */
async function live(measure: (credentials: Awaited<ReturnType<typeof load>>['credentials']) => void) {
  const server = await startServer({ authority, host: 'localhost' });
  const { credentials, certificates, state } = await load(server.port);
  measure(credentials);
  await request(credentials, server.url);
  state.current = certificates[1]!;
  await credentials.reload();
  await request(credentials, server.url);
  state.current = undefined;
  await credentials.reload();
  const { port } = server;
  await server.close();
  await expect(request(credentials, `https://localhost:${port}`)).rejects.toThrow('ECONNREFUSED');
  return { credentials, expiry: Date.parse(certificates[1]!.validTo) / 1000 };
}

async function load(port: number) {
  const certificates = await Promise.all(['a', 'b'].map((name) => issue(authority, name)));
  const state = { current: certificates[0] };
  const credentials = await loadCredentials({
    certificates: {
      bank: () => {
        if (!state.current) throw new Error('the store is down');
        const { fullChain, key } = state.current;
        return { cert: fullChain, key, ca: authority.certificate };
      },
    },
    hosts: { [`localhost:${port}`]: 'bank' },
  });
  return { credentials, certificates, state };
}

it('a scrape, and health(), look at nothing but when certificates end: there may be thousands', async () => {
  const { credentials } = await load(443);
  await using _ = credentials;
  const all = vi.spyOn(credentials, 'certificates');
  const registry = new prometheus.Registry();
  registerMetrics(credentials, { prometheus, registry });
  expect(await registry.metrics()).toMatch(/clientcert_certificate_expiry_seconds\{certificate="bank"\} \d+/);
  expect(credentials.health().status).toBe('ok');
  expect(all).not.toHaveBeenCalled();
});

it('counts into a registry of prom-client, and without a listener errors are still warned of', async () => {
  const warnings: Error[] = [];
  const listener = (warning: Error) => warnings.push(warning);
  process.on('warning', listener);
  const registry = new prometheus.Registry();
  let end = () => {};
  const { credentials, expiry } = await live((each) => {
    end = registerMetrics(each, { prometheus, registry });
  });
  await using _ = credentials;
  const text = await registry.metrics();
  expect(text).toContain(`clientcert_certificate_expiry_seconds{certificate="bank"} ${expiry}`);
  expect(text).toContain(
    'clientcert_handshakes_total{certificate="bank",protocol="TLSv1.3",resumed="false"} 2',
  );
  expect(text).toContain('clientcert_rotations_total{certificate="bank"} 1');
  expect(text).toContain('clientcert_failures_total{certificate="bank",kind="renewal"} 1');
  expect(text).toContain('clientcert_failures_total{certificate="bank",kind="connection"} 1');
  expect(text).not.toContain('localhost');
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listener);
  expect(warnings.map(({ name, message }) => `${name}: ${message}`)).toEqual([
    expect.stringMatching(/^ClientCertificateWarning: certificate "bank".*the function .*failed/),
  ]);
  end();
  expect(await registry.metrics()).not.toContain('clientcert');
});

it('counts into prom-client’s own registry unless another is given', async () => {
  const { credentials } = await load(1);
  await using _ = credentials;
  const end = registerMetrics(credentials, { prometheus });
  expect(await prometheus.register.metrics()).toContain('clientcert_certificate_expiry_seconds');
  end();
  expect(await prometheus.register.metrics()).not.toContain('clientcert');
});

it('counts into an OpenTelemetry meter', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  let end = () => {};
  const { credentials, expiry } = await live((each) => {
    each.on('error', () => {});
    end = registerMetrics(each, { meter: provider.getMeter('clientcert') });
  });
  await using _ = credentials;
  await provider.forceFlush();
  const points = Object.fromEntries(
    exporter
      .getMetrics()
      .at(-1)!
      .scopeMetrics.flatMap(({ metrics }) => metrics)
      .map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) => ({ ...attributes, value })),
      ]),
  );
  expect(points).toEqual({
    'clientcert.certificate.expiry': [{ certificate: 'bank', value: expiry }],
    'clientcert.handshakes': [{ certificate: 'bank', protocol: 'TLSv1.3', resumed: 'false', value: 2 }],
    'clientcert.rotations': [{ certificate: 'bank', value: 1 }],
    'clientcert.failures': expect.arrayContaining([
      { certificate: 'bank', kind: 'renewal', value: 1 },
      { certificate: 'bank', kind: 'connection', value: 1 },
    ]),
  });
  end();
  await provider.shutdown();
});
