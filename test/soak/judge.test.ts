import { ClientCertificateError } from '@clientcert/core';
import { expect, it } from 'vitest';
import { Judge } from './judge.ts';
import { type Call, Ledger } from './ledger.ts';
import { slope } from './memory.ts';

const start = 1_000_000;

function createJudge(): Judge {
  const judge = new Judge();
  judge.issued('alice', 'A1');
  judge.issued('alice', 'A2');
  judge.issued('bob', 'B1');
  judge.published('alice', 'A2', start);
  judge.moved('alice', 'begins', 0);
  judge.moved('none', 'begins', start);
  judge.moved('none', 'done', start);
  return judge;
}

const seen = { who: 'alice', since: start + 1, at: start + 1, connection: '1', fingerprint: 'A2' };

it.each([
  ['as its own', {}, [0, 0, 0]],
  ['as another', { fingerprint: 'B1' }, [1, 0, 0]],
  ['as nobody', { fingerprint: null }, [1, 0, 0]],
  ['as somebody unknown', { fingerprint: 'X' }, [1, 0, 0]],
  ['where it may not arrive', { who: 'never' }, [1, 0, 0]],
  ['with the version before, soon after', { fingerprint: 'A1' }, [0, 0, 1]],
  ['with the version before, long after', { fingerprint: 'A1', since: start + 60_000 }, [0, 1, 0]],
  ['where the rule has just moved', { who: 'moving' }, [0, 0, 0]],
  [
    'where the rule has moved long ago',
    { who: 'moving', since: start + 60_000, at: start + 60_000 },
    [1, 0, 0],
  ],
])('a request that comes %s', (_, how, [mixed, stale, late]) => {
  const judge = createJudge();
  judge.saw({ ...seen, ...how });
  expect([judge.mixed.length, judge.stale.length, judge.late]).toEqual([mixed, stale, late]);
});

it('a connection has one identity for all its life', () => {
  const judge = createJudge();
  judge.saw(seen);
  judge.saw({ ...seen, who: 'bob', fingerprint: 'B1' });
  expect(judge.mixed).toHaveLength(1);
});

const call: Call = { client: 'https', kind: 'call', expected: 'answer', proxied: false, timeout: 1_000 };
const nothing = { abort: () => {}, lose: () => {} };

it('an error without a fault has no reason, and one in it has', () => {
  const ledger = new Ledger();
  for (const kind of [undefined, 'proxy dies', 'restart']) {
    if (kind) ledger.fault(kind);
    const each = { ...call };
    ledger.begin(each, nothing);
    ledger.error(each, new Error('socket hang up'));
  }
  // A proxy that dies is no reason for a call that goes through none.
  expect(ledger.unexplained).toHaveLength(2);
  expect(ledger.failed).toEqual({ restart: 1 });
});

it('our own refusals are explained by no fault', () => {
  const ledger = new Ledger();
  ledger.fault('restart');
  ledger.begin(call, nothing);
  ledger.error(
    call,
    new ClientCertificateError('ERR_CLIENTCERT_AGENT_CONFLICT', 'two agents', { hint: 'Take one.' }),
  );
  expect(ledger.unexplained).toHaveLength(1);
});

it('a call that does not end is aborted at its timeout, and then hung', () => {
  const ledger = new Ledger();
  const told: string[] = [];
  ledger.begin(call, { abort: () => told.push('abort'), lose: () => told.push('lose') });
  const from = Date.now();
  for (let second = 1; second <= 20; second++) ledger.look(from + second * 1_000);
  expect(ledger.hung).toHaveLength(1);
  expect([told[0], told.at(-1)]).toEqual(['abort', 'lose']);
  expect(ledger.underWay).toBe(0);
});

it('an answer where there has to be an error is found', () => {
  const ledger = new Ledger();
  const broken = { ...call, expected: 'error' as const };
  ledger.begin(broken, nothing);
  ledger.answer(broken);
  expect(ledger.unexpected).toEqual(['https: call']);
});

it('the slope is that of most measurements', () => {
  expect(
    slope([
      [0, 0],
      [1, 10],
      [2, 20],
      [3, 5_000],
      [4, 40],
    ]),
  ).toBe(10);
});
