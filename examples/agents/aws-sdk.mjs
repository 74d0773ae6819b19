import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { loadCredentials } from '@clientcert/core';
import { NodeHttpHandler } from '@smithy/node-http-handler';

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

const s3 = new S3Client({
  endpoint: 'https://api.bank.example',
  region: 'eu-west-1',
  forcePathStyle: true,
  requestHandler: new NodeHttpHandler({ httpsAgent: credentials.agent() }),
});

const { Body } = await s3.send(
  new GetObjectCommand({ Bucket: 'statements', Key: '2026-11.xml' }),
);
console.log(await Body?.transformToString());
