// What CommonJS has; got itself is an ES module.
exports.required = {
  core: require('@clientcert/core'),
  testing: require('@clientcert/testing'),
  issuers: {
    est: require('@clientcert/est'),
    spiffe: require('@clientcert/spiffe'),
    step: require('@clientcert/step'),
    vault: require('@clientcert/vault'),
  },
  adapters: {
    axios: require('@clientcert/axios'),
    got: require('@clientcert/got'),
    soap: require('@clientcert/soap'),
    undici: require('@clientcert/undici'),
  },
  packages: { axios: require('axios'), soap: require('soap'), undici: require('undici') },
};
