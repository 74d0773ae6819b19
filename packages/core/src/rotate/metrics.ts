import { errorMonitor } from 'node:events';
import type { Handshake, HandshakeFailure } from '../agent/handshake.ts';

/** What is measured of; `Credentials` is one. */
export interface MetricsSource {
  certificates(): { name: string; validTo: Date }[];
  on<Event extends keyof MeasuredEvents>(
    event: Event,
    listener: (...args: MeasuredEvents[Event]) => void,
  ): unknown;
  off<Event extends keyof MeasuredEvents>(
    event: Event,
    listener: (...args: MeasuredEvents[Event]) => void,
  ): unknown;
}

/** By which `Credentials` say when each certificate expires, without all that `certificates()` says. */
export const expiries: unique symbol = Symbol.for('clientcert.expiries') as never;

function expiriesOf(source: MetricsSource): { name: string; validTo: Date }[] {
  const own = (source as { [expiries]?(): { name: string; validTo: Date }[] })[expiries];
  return own ? own.call(source) : source.certificates();
}

interface MeasuredEvents {
  handshake: [Handshake];
  failure: [HandshakeFailure];
  rotate: [{ name: string }];
  [errorMonitor]: [Error, { name: string }];
}

/** The module `prom-client`, as far as it is used. */
export interface PrometheusClient {
  readonly Gauge: new (
    options: PrometheusOptions & { collect(): void },
  ) => {
    reset(): void;
    set(labels: Record<string, string>, value: number): void;
  };
  readonly Counter: new (
    options: PrometheusOptions,
  ) => {
    inc(labels: Record<string, string>, value?: number): void;
  };
  readonly register: PrometheusRegistry;
}

interface PrometheusOptions {
  name: string;
  help: string;
  labelNames: string[];
  registers: never[];
}

/** A `Registry` of `prom-client`, as far as it is used. */
export interface PrometheusRegistry {
  registerMetric(metric: never): void;
  removeSingleMetric(name: string): void;
}

/** An OpenTelemetry `Meter`, as far as it is used. */
export interface OpenTelemetryMeter {
  createCounter(
    name: string,
    options: InstrumentOptions,
  ): {
    add(value: number, attributes: Record<string, string>): void;
  };
  createObservableGauge(
    name: string,
    options: InstrumentOptions,
  ): {
    addCallback(callback: ObserveExpiry): void;
    removeCallback(callback: ObserveExpiry): void;
  };
}

interface InstrumentOptions {
  description: string;
  unit: string;
}

type ObserveExpiry = (result: { observe(value: number, attributes: Record<string, string>): void }) => void;

/** Where metrics go: `prom-client`, into its default registry or another, or an OpenTelemetry meter. */
export type MetricsTarget =
  | { prometheus: PrometheusClient; registry?: PrometheusRegistry | undefined }
  | { meter: OpenTelemetryMeter };

/**
 * Measures, with the metrics library that the caller brings: when each certificate expires, and how many
 * handshakes, rotations and failures there were. No label holds a host, so their number stays small.
 *
 * | OpenTelemetry | Prometheus | |
 * |---|---|---|
 * | `clientcert.certificate.expiry` | `clientcert_certificate_expiry_seconds` | Unix time, by `certificate` |
 * | `clientcert.handshakes` | `clientcert_handshakes_total` | by `certificate` (`none` for none), `protocol`, `resumed` |
 * | `clientcert.rotations` | `clientcert_rotations_total` | by `certificate` |
 * | `clientcert.failures` | `clientcert_failures_total` | by `certificate`, `kind` (`connection` or `renewal`) |
 *
 * A renewal that keeps failing in the same way counts once.
 *
 * @returns A function that ends it.
 * @throws What `prom-client` throws where the registry holds metrics of these names: give each `Credentials` one of
 *   its own.
 *
 * @example
 * import { loadCredentials, registerMetrics } from '@clientcert/core';
 * import prometheus from 'prom-client';
 *
 * const credentials = await loadCredentials('clientcert.json');
 * registerMetrics(credentials, { prometheus });
 *
 * @example
 * import { registerMetrics } from '@clientcert/core';
 * import { metrics } from '@opentelemetry/api';
 *
 * registerMetrics(credentials, { meter: metrics.getMeter('clientcert') });
 */
export function registerMetrics(credentials: MetricsSource, target: MetricsTarget): () => void {
  const instruments =
    'meter' in target
      ? createOpenTelemetry(credentials, target.meter)
      : createPrometheus(credentials, target.prometheus, target.registry ?? target.prometheus.register);
  const { count } = instruments;
  const handshake = ({ presented, protocol, resumed }: Handshake) =>
    count('handshakes', {
      certificate: presented?.name ?? 'none',
      protocol: protocol ?? 'unknown',
      resumed: String(resumed),
    });
  const failure = ({ presented }: HandshakeFailure) =>
    count('failures', { certificate: presented?.name ?? 'none', kind: 'connection' });
  const rotate = ({ name }: { name: string }) => count('rotations', { certificate: name });
  const error = (_: Error, { name }: { name: string }) =>
    count('failures', { certificate: name, kind: 'renewal' });
  credentials.on('handshake', handshake);
  credentials.on('failure', failure);
  credentials.on('rotate', rotate);
  credentials.on(errorMonitor, error);
  return () => {
    credentials.off('handshake', handshake);
    credentials.off('failure', failure);
    credentials.off('rotate', rotate);
    credentials.off(errorMonitor, error);
    instruments.remove();
  };
}

interface Instruments {
  count(counter: keyof typeof counters, labels: Record<string, string>): void;
  remove(): void;
}

const expiry = 'When the certificate expires, in seconds since 1970';

const counters = {
  handshakes: {
    description: 'TLS handshakes that were finished',
    labels: ['certificate', 'protocol', 'resumed'],
  },
  rotations: { description: 'Certificates that were replaced', labels: ['certificate'] },
  failures: {
    description: 'Connections that failed in the handshake, and renewals that failed',
    labels: ['certificate', 'kind'],
  },
} as const;

const counterNames = Object.keys(counters) as (keyof typeof counters)[];

function createPrometheus(
  credentials: MetricsSource,
  { Gauge, Counter }: PrometheusClient,
  registry: PrometheusRegistry,
): Instruments {
  const names: string[] = [];
  // Registered by hand, and not by the `registers` option, whose type belongs to the library.
  const register = <Metric>(name: string, metric: Metric): Metric => {
    registry.registerMetric(metric as never);
    names.push(name);
    return metric;
  };
  const name = 'clientcert_certificate_expiry_seconds';
  const gauge = new Gauge({
    name,
    help: expiry,
    labelNames: ['certificate'],
    registers: [],
    collect: () => {
      gauge.reset();
      for (const each of expiriesOf(credentials)) gauge.set({ certificate: each.name }, expiryOf(each));
    },
  });
  register(name, gauge);
  const made = new Map(
    counterNames.map((counter) => {
      const { description, labels } = counters[counter];
      const total = `clientcert_${counter}_total`;
      const options = { name: total, help: description, labelNames: [...labels], registers: [] };
      return [counter, register(total, new Counter(options))];
    }),
  );
  return {
    count: (counter, labels) => made.get(counter)!.inc(labels),
    remove: () => {
      for (const each of names) registry.removeSingleMetric(each);
    },
  };
}

function createOpenTelemetry(credentials: MetricsSource, meter: OpenTelemetryMeter): Instruments {
  const observe: ObserveExpiry = (result) => {
    for (const each of expiriesOf(credentials)) result.observe(expiryOf(each), { certificate: each.name });
  };
  const gauge = meter.createObservableGauge('clientcert.certificate.expiry', {
    description: expiry,
    unit: 's',
  });
  gauge.addCallback(observe);
  const made = new Map(
    counterNames.map((counter) => {
      const { description } = counters[counter];
      return [counter, meter.createCounter(`clientcert.${counter}`, { description, unit: '1' })];
    }),
  );
  return {
    count: (counter, labels) => made.get(counter)!.add(1, labels),
    remove: () => gauge.removeCallback(observe),
  };
}

function expiryOf({ validTo }: { validTo: Date }): number {
  return validTo.getTime() / 1000;
}
