import { createDispatcher, loadCredentials } from '@clientcert/undici';
import { CoreV1Api, KubeConfig, Watch } from '@kubernetes/client-node';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'cluster.bank.example': 'bank' },
});

// #region differs
const dispatcher = createDispatcher(credentials);

/** Certificates come from the rules, and not from the user of a kubeconfig. */
class PinnedKubeConfig extends KubeConfig {
  /**
   * For the API's calls, and watch.
   *
   * @override
   * @param {import('@kubernetes/client-node').RequestContext} request
   */
  async applySecurityAuthentication(request) {
    request.setDispatcher(dispatcher);
  }

  /**
   * For exec, attach and port-forward.
   *
   * @override
   * @param {import('node:https').RequestOptions} options
   */
  async applyToHTTPSOptions(options) {
    options.agent = credentials.agent();
  }
}

const config = new PinnedKubeConfig();
config.loadFromClusterAndUser(
  {
    name: 'bank',
    server: 'https://cluster.bank.example',
    skipTLSVerify: false,
  },
  { name: 'bank' },
);

const { items } = await config
  .makeApiClient(CoreV1Api)
  .listNamespacedPod({ namespace: 'payments' });
for (const { metadata } of items) console.log(metadata?.name);

await new Watch(config).watch(
  '/api/v1/namespaces/payments/pods',
  {},
  (phase, { metadata }) => console.log(phase, metadata.name),
  (error) => console.log(error ? error.message : 'ended'),
);
// #endregion differs
