import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { createFetch, loadCredentials } from '@clientcert/undici';
import { fromRolesAnywhere } from './roles-anywhere.mjs';

const credentials = await loadCredentials({
  certificates: {
    aws: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE },
  },
  hosts: { 'rolesanywhere.eu-west-1.amazonaws.com': 'aws' },
});

const arn = 'arn:aws:rolesanywhere:eu-west-1:111122223333';
const s3 = new S3Client({
  region: 'eu-west-1',
  credentials: fromRolesAnywhere(credentials, createFetch(credentials), {
    trustAnchorArn: `${arn}:trust-anchor/6f0a8c9e-0000-4000-8000-000000000001`,
    profileArn: `${arn}:profile/6f0a8c9e-0000-4000-8000-000000000002`,
    roleArn: 'arn:aws:iam::111122223333:role/statements',
  }),
});

const { Buckets } = await s3.send(new ListBucketsCommand());
console.log(Buckets?.map(({ Name }) => Name));
