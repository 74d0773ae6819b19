import { inspect } from 'node:util';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WorkloadApiOptions } from '../src/index.ts';
import type { Said } from './agent.ts';
import { agent, domain, hurry, load, next, startBank, startEach } from './scene.ts';

startEach();
afterEach(() => vi.restoreAllMocks());

describe('fromWorkloadApi(), in its further ways', () => {
  describe('when the agent refuses', () => {
    it.each<[string, () => void, WorkloadApiOptions, RegExp, RegExp]>([
      [
        'it knows no identity',
        () => agent.refuse(status.PERMISSION_DENIED, 'no identity issued\u001b[31m'),
        {},
        /knows no identity of this process \(PermissionDenied\): no identity issued/,
        /registration entry/,
      ],
      [
        'it is starting',
        () => agent.refuse(status.UNAVAILABLE),
        {},
        /is not available \(Unavailable\)/,
        /starting/,
      ],
      ['it fails', () => agent.refuse(status.INTERNAL, 'oh'), {}, /ends the call with status 13: oh/, /log/],
      ['it has ended the call', () => agent.refuse(status.OK), {}, /has ended the call/, /log/],
      [
        'there is no SVID with the id',
        () => {},
        { id: 'spiffe://example.org/other' },
        /none .* has the id spiffe:\/\/example.org\/other; there is spiffe:\/\/example.org\/payments/,
        /registration entry/,
      ],
      ['there is none with the hint', () => {}, { hint: 'x' }, /none .* has the hint "x"; there is/, /entry/],
      [
        'nobody is there',
        () => agent.stop(),
        {},
        /cannot be reached: (there is no such socket|nobody)/,
        /running/,
      ],
    ])('says after a while that %s', async (_, prepare, options, message, hint) => {
      prepare();
      const loading = load(options);
      loading.catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 50));
      hurry();
      const error = await loading.catch((reason: Error) => reason);
      expect(error).toMatchObject({
        name: 'ClientCertificateError',
        message: expect.stringMatching(
          new RegExp(`certificate "bank": .*the Workload API at .*${message.source}`),
        ),
        hint: expect.stringMatching(hint),
      });
      expect(inspect(error, { depth: 20 })).not.toContain('\u001b[31m');
    });
  });

  describe('where the agent is broken', () => {
    const broken: [string, (said: Said) => Said | Buffer, RegExp][] = [
      ['no certificate', ({ svids: [svid] }) => ({ svids: [{ ...svid, x509_svid: noise }] }), /bytes given/],
      ['no key', ({ svids: [svid] }) => ({ svids: [{ ...svid, x509_svid_key: noise }] }), /bytes given/],
      ['no root', ({ svids: [svid] }) => ({ svids: [{ ...svid, bundle: noise }] }), /bytes given/],
      ['noise', () => Buffer.concat([Buffer.from([0x0a, 0xff, 0xff, 0x03]), noise]), /no X509SVIDResponse/],
      ['nothing', () => Buffer.alloc(0), /holds no SVID/],
      [
        'no key at all',
        ({ svids: [svid] }) => ({ svids: [{ ...svid, x509_svid_key: none }] }),
        /x509_svid_key/,
      ],
      ['no bundle', ({ svids: [svid] }) => ({ svids: [{ ...svid, bundle: none }] }), /without bundle/],
      [
        'an id that is not in the certificate',
        ({ svids: [svid] }) => ({ svids: [{ ...svid, spiffe_id: 'spiffe://bank.example/payments' }] }),
        /the SVID of "spiffe:\/\/bank.example\/payments" is a certificate of spiffe:\/\/example.org\//,
      ],
      [
        'a bundle for what is no trust domain',
        ({ svids }) => ({ svids, federated: { 'spiffe://bank.example/payments': noise } }),
        /"spiffe:\/\/bank.example\/payments", which a bundle is for, is no trust domain/,
      ],
      ['no id', ({ svids: [svid] }) => ({ svids: [{ ...svid, spiffe_id: 'payments' }] }), /no SPIFFE ID/],
      [
        'roots of no trust domain',
        ({ svids }) => ({ svids, federated: { 'bank.example': noise } }),
        /"bank.example" is no SPIFFE ID/,
      ],
      ['too many SVIDs', ({ svids: [svid] }) => ({ svids: Array(1001).fill(svid) }), /more than 1000 SVIDs/],
      ['too much', () => Buffer.alloc(4 * 1024 * 1024 + 1), /more than 4 MiB/],
    ];

    it.each(broken)('%s takes nothing away that works', async (_, breakIt, message) => {
      await using bank = await startBank();
      await using credentials = await load();
      const error = next(credentials, 'error');
      agent.say(breakIt({ svids: [await domain.issue('/payments')] }));
      await expect.poll(() => agent.open).toBe(1);
      hurry();
      expect(await error).toMatchObject({
        message: expect.stringMatching(message),
        hint: expect.any(String),
      });
      vi.restoreAllMocks();
      await bank.call(credentials);
      const rotated = next(credentials, 'rotate');
      agent.say({ svids: [await domain.issue('/payments')] });
      await rotated;
      await bank.call(credentials);
      expect(new Set(bank.seen.map(({ fingerprint256 }) => fingerprint256)).size).toBe(2);
    });
  });
});

const none = Buffer.alloc(0);
const noise = Buffer.from('no certificate'.repeat(20));
