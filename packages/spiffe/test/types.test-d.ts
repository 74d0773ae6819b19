import { type Config, fromWorkloadApi, loadCredentials, type RenewedSource } from '@clientcert/spiffe';

const source: RenewedSource = fromWorkloadApi();
fromWorkloadApi({ address: process.env.MY_SOCKET, id: 'spiffe://example.org/payments', hint: undefined });
fromWorkloadApi({ address: new URL('unix:///run/spire/agent.sock') });

// It stands where a certificate does.
export const config: Config = { certificates: { workload: source } };
const credentials = await loadCredentials({
  certificates: { workload: source },
  hosts: { 'payments.example': { certificate: 'workload', server: 'spiffe://bank.example/payments' } },
});
export const name: 'workload' | undefined = credentials.certificates()[0]?.name;

// @ts-expect-error: it is called address
fromWorkloadApi({ socket: 'unix:///run/spire/agent.sock' });
// @ts-expect-error: one ID
fromWorkloadApi({ id: ['spiffe://example.org/payments'] });
