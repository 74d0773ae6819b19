// The same through OpenTelemetry; this prints what an exporter of yours would
// send.
import { loadCredentials, registerMetrics } from '@clientcert/core';
import { metrics } from '@opentelemetry/api';
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';

const provider = new MeterProvider({
  readers: [
    new PeriodicExportingMetricReader({
      exporter: new ConsoleMetricExporter(),
    }),
  ],
});
metrics.setGlobalMeterProvider(provider);

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'api.bank.example': 'bank' },
});
registerMetrics(credentials, { meter: metrics.getMeter('clientcert') });

await provider.shutdown();
