// Google's workload identity federation with X.509 certificates: the
// certificate, presented over TLS and named in the request, is exchanged for a
// token that is good for hosts of mtls.googleapis.com.
import { createFetch, loadCredentials } from '@clientcert/undici';
import { OAuth2Client } from 'google-auth-library';

const credentials = await loadCredentials({
  certificates: {
    google: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE },
  },
  hosts: { '*.mtls.googleapis.com': 'google' },
});
const fetch = createFetch(credentials);

const pool = 'projects/123456/locations/global/workloadIdentityPools/bank';
const sts = 'https://sts.mtls.googleapis.com/v1/token';

async function exchangeCertificate() {
  const certificates = credentials.withSigningKey(
    sts,
    ({ certificate, chain }) =>
      [certificate, ...chain].map(({ raw }) => raw.toString('base64')),
  );
  const response = await fetch(sts, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience: `//iam.googleapis.com/${pool}/providers/bank`,
      scope: 'https://www.googleapis.com/auth/cloud-platform',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token: JSON.stringify(certificates),
      subject_token_type: 'urn:ietf:params:oauth:token-type:mtls',
    }),
  });
  const answer = JSON.parse(await response.text());
  if (!response.ok) throw new Error(answer.error_description ?? answer.error);
  return {
    access_token: String(answer.access_token),
    expiry_date: Date.now() + answer.expires_in * 1000,
  };
}

// Google's libraries take it too: new Storage({ authClient: google })
const google = new OAuth2Client({
  transporterOptions: { fetchImplementation: fetch },
});
google.refreshHandler = exchangeCertificate;

const { data } = await google.request({
  url: 'https://storage.mtls.googleapis.com/storage/v1/b?project=my-project',
});
console.log(data);
