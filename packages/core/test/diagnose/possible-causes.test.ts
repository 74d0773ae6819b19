import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { causes } from '../../src/diagnose/causes.ts';
import { carryDiagnosis, diagnose } from '../../src/diagnose/diagnose.ts';
import type { CertificateFacts, Facts } from '../../src/diagnose/facts.ts';
import { observe } from '../../src/diagnose/observation.ts';
import { findPossibleCauses } from '../../src/diagnose/possible-causes.ts';
import { type Symptom, symptoms } from '../../src/diagnose/symptoms.ts';

const now = new Date('2026-06-01');
const certificate: CertificateFacts = {
  name: 'bank',
  subject: 'CN=bank',
  issuers: ['CN=Clients'],
  validity: [{ from: new Date('2026-01-01'), to: new Date('2027-01-01') }],
  chain: 'complete',
  warnings: [],
};
const facts: Facts = {
  place: 'api.bank.example:443',
  secure: true,
  rule: 'hosts["api.bank.example"]',
  certificate,
  tls: { min: 'TLSv1.2', max: 'TLSv1.3', legacy: false },
  proxy: null,
  connection: {
    failed: true,
    protocol: 'TLSv1.3',
    requested: true,
    presented: true,
    resumed: false,
    answered: false,
  },
};

const wso2 = {
  fault: {
    code: 900901,
    message: 'Invalid Credentials',
    description: 'Invalid Credentials. Make sure you have provided the correct security credentials',
  },
};

/** As Axway API Gateway answers in XML, of SOAP 1.2, and in JSON. */
/** As Tomcat 10.1 answers for a path with `CLIENT-CERT`. */
const tomcat =
  '<p><b>Type</b> Status Report</p><p><b>Message</b> No client certificate chain in this request</p>';
const axway = {
  blocked:
    '<env:Fault><env:Code><env:Value>env:Receiver</env:Value><env:Subcode><env:Value xmlns:fault="http://www.vordel.com/soapfaults">fault:MessageBlocked</env:Value></env:Subcode></env:Code><env:Reason/></env:Fault>',
  failed:
    '<env:Fault><env:Code><env:Value>Receiver</env:Value><env:Subcode><env:Value>policy failed</env:Value></env:Subcode></env:Code><env:Detail xmlns:axwayfault="http://www.axway.com/soapfaults" type="exception"/></env:Fault>',
  json: {
    reasons: [{ language: 'en', message: 'message blocked' }],
    details: { msgId: 'Id-f5aab7304f6c754804f70000' },
  },
};

/** An error as Node makes it for an alert. */
const alert = (number: number, code = 'ERR_SSL_ALERT') => ({
  code,
  message: `C0A0:error:0A000${(1000 + number).toString(16).toUpperCase()}:SSL routines:x:y:`,
});
const codesOf = (failure: unknown, known?: Facts) =>
  findPossibleCauses(observe(failure), known, now).causes.map(
    ({ code, confidence }) => `${code} ${confidence}`,
  );

/** A failure with each message, code and status that a symptom has. */
function failuresOf({ alert: number, codes, status, messages }: Symptom): unknown[] {
  if (number !== undefined) return [alert(number), alert(number, 'EPROTO')];
  if (status !== undefined && status !== 407)
    return [status].flat().flatMap((each) => messages.map((body) => ({ status: each, body })));
  return (codes ?? [undefined]).flatMap((code) =>
    messages.map((message) => ({ code, message: message.replaceAll('…', ' x ') })),
  );
}

const date = fc.date({ min: new Date('2024-01-01'), max: new Date('2029-01-01'), noInvalidDate: true });
const someCertificate: fc.Arbitrary<CertificateFacts> = fc.record({
  name: fc.constant('bank'),
  subject: fc.constant('CN=bank'),
  issuers: fc.constant(['CN=Clients Intermediate', 'CN=Clients']),
  validity: fc.array(fc.record({ from: date, to: date }), { minLength: 1, maxLength: 3 }),
  chain: fc.constantFrom('complete', 'incomplete', 'unknown'),
  warnings: fc.subarray([
    'NO_CLIENT_AUTH',
    'CHAIN_INCOMPLETE',
    'WEAK_KEY',
    'WEAK_SIGNATURE',
    'EXPIRED',
  ] as const),
});
const someFacts: fc.Arbitrary<Facts> = fc.record({
  place: fc.constant('api.bank.example:443'),
  secure: fc.boolean(),
  rule: fc.constantFrom('none', 'hosts["api.bank.example"]'),
  certificate: fc.option(someCertificate),
  tls: fc.constant(facts.tls),
  proxy: fc.option(fc.constant('http://proxy.example:3128')),
  connection: fc.option(
    fc.record({
      failed: fc.boolean(),
      protocol: fc.constantFrom('TLSv1.3', 'TLSv1.2', null),
      requested: fc.constantFrom(true, false, null),
      presented: fc.boolean(),
      resumed: fc.boolean(),
      answered: fc.boolean(),
    }),
  ),
  issuers: fc.option(fc.subarray(['CN=Clients', 'CN=Others']), { nil: undefined }),
});
const someFailure = fc.constantFrom(
  ...symptoms.flatMap((symptom) => failuresOf(symptom).map((failure) => ({ symptom, failure }))),
);

/** What rules the alternatives out, for each symptom that several things may cause. */
const ruledOut: Record<string, (known: Facts) => boolean> = {
  'alert-40': (known) => hasNoneToSend(known),
  'alert-42': (known) => hasNoneToSend(known),
  'alert-45': ({ certificate }) => certificate?.validity.some(({ to }) => to < now) ?? false,
  'alert-46': (known) => hasNoneToSend(known),
  'alert-48': ({ certificate }) => certificate?.chain === 'complete',
  'alert-49': (known) => hasNoneToSend(known),
  'alert-50': () => false,
  'alert-116': (known) => hasNoneToSend(known),
  'socket-hang-up': () => false,
  'client-network-socket-disconnected': () => false,
  'the-ssl-certificate-error': (known) => hasNoneToSend(known),
  'no-start-line': () => false,
  'request-entity-too-large': () => false,
};

/** Plain HTTP, a rule that says none, a connection on which none went out, one that no rule names. */
function hasNoneToSend({ secure, certificate, rule, connection }: Facts): boolean {
  if (!secure) return true;
  if (!certificate) return rule !== 'none' || connection?.failed === true;
  return connection !== null && !connection.presented && connection.requested === true;
}

describe('whatever fails, and whatever is known', () => {
  it('nothing is certain where something else looks the same and was not ruled out', () => {
    fc.assert(
      fc.property(someFailure, fc.option(someFacts, { nil: undefined }), ({ symptom, failure }, known) => {
        const [first, ...others] = findPossibleCauses(observe(failure), known, now).causes;
        for (const { confidence } of others) expect(confidence).not.toBe('certain');
        const isRuledOut = ruledOut[symptom.id];
        if (first.confidence === 'certain' && isRuledOut) expect(known && isRuledOut(known)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('each cause is named once, in words, and the likeliest stands first', () => {
    const order = ['certain', 'likely', 'guess'];
    fc.assert(
      fc.property(someFailure, fc.option(someFacts, { nil: undefined }), ({ failure }, known) => {
        const { causes: possible } = findPossibleCauses(observe(failure), known, now);
        const codes = possible.map(({ code }) => code);
        expect(new Set(codes).size).toBe(codes.length);
        for (const code of codes) expect(causes[code].title).not.toBe('');
        const ranks = possible.map(({ confidence }) => order.indexOf(confidence));
        expect(ranks).toEqual(ranks.toSorted());
      }),
      { numRuns: 3000 },
    );
  });

  it('a host is written as everywhere, at the beginning of a sentence too', () => {
    const sentences = symptoms.flatMap(failuresOf).map((failure) => {
      const error = Object.assign(new Error(), failure);
      carryDiagnosis(error, () => facts);
      return diagnose(error).cause;
    });
    expect(sentences.filter((cause) => cause.startsWith(facts.place))).not.toEqual([]);
    expect(sentences.join('\n')).not.toContain('Api.bank');
  });

  it('each symptom is recognised by each of its messages, and by an alert’s number whatever the text says', () => {
    for (const symptom of symptoms) {
      for (const failure of failuresOf(symptom)) {
        const { symptom: found, causes: possible } = findPossibleCauses(observe(failure), facts, now);
        expect([failure, found?.id ?? possible[0].code]).toEqual([
          failure,
          expect.toSatisfy((id: string) => id === symptom.id || id === 'UNKNOWN'),
        ]);
      }
    }
  });
});

describe('an alert means what is known here', () => {
  const with_ = (changes: Partial<CertificateFacts>): Facts => ({
    ...facts,
    certificate: { ...certificate, ...changes },
  });
  const past = [{ from: new Date('2020-01-01'), to: new Date('2021-01-01') }];
  const coming = [{ from: new Date('2030-01-01'), to: new Date('2031-01-01') }];
  const unconnected: Facts = { ...facts, connection: null };
  const none: Facts = { ...facts, certificate: null, rule: 'none' };
  const on12 = (requested: boolean | null, presented = false): Facts => ({
    ...facts,
    connection: { failed: true, protocol: 'TLSv1.2', requested, presented, resumed: false, answered: false },
  });
  const early: Facts = { ...facts, connection: { ...on12(null).connection!, protocol: null } };
  const on10: Facts = { ...facts, connection: { ...on12(null, true).connection!, protocol: 'TLSv1' } };

  it.each<[string, unknown, Facts | undefined, string[]]>([
    ['116 alone', alert(116), undefined, ['NO_CLIENT_CERTIFICATE_SENT likely']],
    ['116, no rule', alert(116), none, ['NO_CLIENT_CERTIFICATE_SENT certain']],
    ['45 alone', alert(45), undefined, ['CLIENT_CERTIFICATE_EXPIRED likely']],
    ['45, expired', alert(45), with_({ validity: past }), ['CLIENT_CERTIFICATE_EXPIRED certain']],
    [
      '45, expired intermediate',
      alert(45),
      with_({ validity: [...certificate.validity, ...past] }),
      ['CLIENT_CERTIFICATE_EXPIRED certain'],
    ],
    ['45, in order', alert(45), facts, ['CLIENT_CERTIFICATE_EXPIRED likely']],
    ['44', alert(44), facts, ['CLIENT_CERTIFICATE_REVOKED certain']],
    ['48, whole chain', alert(48), facts, ['ISSUER_NOT_TRUSTED_BY_SERVER certain']],
    [
      '48, issuer missing',
      alert(48),
      with_({ chain: 'incomplete' }),
      ['CLIENT_CHAIN_INCOMPLETE likely', 'ISSUER_NOT_TRUSTED_BY_SERVER guess'],
    ],
    [
      '48 alone',
      alert(48),
      undefined,
      ['ISSUER_NOT_TRUSTED_BY_SERVER likely', 'CLIENT_CHAIN_INCOMPLETE guess'],
    ],
    [
      '42, not yet valid',
      alert(42),
      with_({ validity: coming }),
      ['CLIENT_CERTIFICATE_NOT_YET_VALID likely'],
    ],
    ['42, weak', alert(42), with_({ warnings: ['WEAK_KEY'] }), ['CLIENT_CREDENTIAL_TOO_WEAK likely']],
    ['42, none', alert(42), none, ['NO_CLIENT_CERTIFICATE_SENT certain']],
    ['46, expired', alert(46), with_({ validity: past }), ['CLIENT_CERTIFICATE_EXPIRED likely']],
    [
      '46, in order',
      alert(46),
      facts,
      [
        'CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED likely',
        'ISSUER_NOT_TRUSTED_BY_SERVER guess',
        'CLIENT_CERTIFICATE_REVOKED guess',
      ],
    ],
    [
      '40 alone',
      alert(40, 'EPROTO'),
      undefined,
      ['NO_CLIENT_CERTIFICATE_SENT likely', 'NO_COMMON_TLS_PARAMETERS guess'],
    ],
    [
      '40, asked, and nothing to present',
      alert(40, 'EPROTO'),
      { ...on12(true), certificate: null },
      ['NO_CLIENT_CERTIFICATE_SENT certain'],
    ],
    [
      '40, asked, and could not sign',
      alert(40, 'EPROTO'),
      on12(true),
      ['NO_CLIENT_CERTIFICATE_SENT certain'],
    ],
    [
      '40, never asked',
      alert(40, 'EPROTO'),
      early,
      ['NO_COMMON_TLS_PARAMETERS likely', 'NO_CLIENT_CERTIFICATE_SENT guess'],
    ],
    ['70', alert(70), undefined, ['TLS_VERSION_REFUSED certain']],
    ['one that nobody knows', alert(99), facts, ['UNKNOWN guess']],
    [
      'closed in the handshake after it asked',
      {
        code: 'ECONNRESET',
        message: 'Client network socket disconnected before secure TLS connection was established',
      },
      on12(true, true),
      [
        'CLIENT_CERTIFICATE_REFUSED_SILENTLY likely',
        'ISSUER_NOT_TRUSTED_BY_SERVER guess',
        'CLIENT_CERTIFICATE_REVOKED guess',
        'SERVER_CLOSED_BEFORE_ITS_FLIGHT guess',
      ],
    ],
    [
      'closed in the handshake before it asked',
      {
        code: 'ECONNRESET',
        message: 'Client network socket disconnected before secure TLS connection was established',
      },
      early,
      ['SERVER_CLOSED_BEFORE_ITS_FLIGHT likely'],
    ],
    [
      'closed in the handshake over TLS 1.0, where it is not known whether it asked',
      {
        code: 'ECONNRESET',
        message: 'Client network socket disconnected before secure TLS connection was established',
      },
      { ...on10, certificate: { ...facts.certificate!, validity: past } },
      [
        'CLIENT_CERTIFICATE_EXPIRED likely',
        'CLIENT_CERTIFICATE_REFUSED_SILENTLY guess',
        'SERVER_CLOSED_BEFORE_ITS_FLIGHT guess',
      ],
    ],
    [
      '40 over TLS 1.0, and nothing to present',
      alert(40, 'EPROTO'),
      { ...on10, certificate: null, connection: { ...on10.connection!, presented: false } },
      ['NO_CLIENT_CERTIFICATE_SENT likely', 'NO_COMMON_TLS_PARAMETERS guess'],
    ],
    [
      'Tomcat, which asks for a path, over TLS 1.3',
      { status: 401, body: tomcat },
      { ...facts, connection: { ...on12(false).connection!, protocol: 'TLSv1.3' } },
      ['SERVER_WANTED_POST_HANDSHAKE_AUTH likely', 'NO_CLIENT_CERTIFICATE_SENT guess'],
    ],
    [
      'Tomcat, which asks for a path, over TLS 1.2 and HTTP/2',
      { status: 401, body: tomcat },
      on12(false),
      ['SERVER_WANTS_RENEGOTIATION_HTTP1_ONLY likely', 'NO_CLIENT_CERTIFICATE_SENT guess'],
    ],
    [
      'Tomcat behind what ends TLS',
      { status: 401, body: tomcat },
      on12(true, true),
      ['NO_CLIENT_CERTIFICATE_SENT likely'],
    ],
    [
      'Tomcat, and nothing to present',
      { status: 401, body: tomcat },
      { ...on12(false), certificate: null },
      ['NO_CLIENT_CERTIFICATE_SENT certain'],
    ],
    [
      'closed afterwards',
      { code: 'ECONNRESET', message: 'socket hang up' },
      facts,
      [
        'CLIENT_CERTIFICATE_PROBABLY_REFUSED likely',
        'ISSUER_NOT_TRUSTED_BY_SERVER guess',
        'CLIENT_CERTIFICATE_REVOKED guess',
        'CONNECTION_DROPPED guess',
      ],
    ],
    [
      'closed afterwards, asked, and nothing to present',
      { code: 'ECONNRESET', message: 'socket hang up' },
      { ...none, connection: { ...facts.connection!, presented: false } },
      ['NO_CLIENT_CERTIFICATE_SENT likely', 'CONNECTION_DROPPED guess'],
    ],
    [
      'closed after answers',
      { code: 'ECONNRESET', message: 'socket hang up' },
      { ...facts, connection: { ...facts.connection!, answered: true } },
      ['CONNECTION_DROPPED likely'],
    ],
    [
      'closed afterwards, and expired',
      { code: 'UND_ERR_SOCKET', message: 'other side closed' },
      with_({ validity: past }),
      [
        'CLIENT_CERTIFICATE_EXPIRED likely',
        'CLIENT_CERTIFICATE_PROBABLY_REFUSED guess',
        'CONNECTION_DROPPED guess',
      ],
    ],
    [
      'closed afterwards, and never asked',
      { code: 'ECONNRESET', message: 'read ECONNRESET' },
      { ...facts, connection: { ...facts.connection!, requested: false, presented: false } },
      ['CONNECTION_DROPPED likely'],
    ],
    [
      'nginx, none',
      { status: 400, body: 'No required SSL certificate was sent' },
      none,
      ['NO_CLIENT_CERTIFICATE_SENT certain'],
    ],
    ['496', { status: 496 }, undefined, ['NO_CLIENT_CERTIFICATE_SENT certain']],
    [
      'nginx, in order',
      { statusCode: 400, body: '<center>The SSL certificate error</center>' },
      facts,
      [
        'CLIENT_CERTIFICATE_REFUSED likely',
        'ISSUER_NOT_TRUSTED_BY_SERVER guess',
        'CLIENT_CERTIFICATE_REVOKED guess',
      ],
    ],
    [
      'nginx, expired',
      { response: { status: 400, data: 'The SSL certificate error' } },
      with_({ validity: past }),
      ['CLIENT_CERTIFICATE_EXPIRED likely', 'CLIENT_CERTIFICATE_REFUSED guess'],
    ],
    ['a bare 403', { status: 403 }, unconnected, ['UNKNOWN guess']],
    [
      'a bare 403 over TLS 1.3, not asked',
      { status: 403 },
      { ...facts, connection: { ...facts.connection!, requested: false, presented: false } },
      ['SERVER_WANTED_POST_HANDSHAKE_AUTH likely'],
    ],
    [
      'a bare 403 over a resumed session',
      { status: 403 },
      { ...facts, connection: { ...facts.connection!, resumed: true } },
      ['NO_CLIENT_CERTIFICATE_SENT guess'],
    ],
    ['IIS', { status: 403, body: 'HTTP Error 403.16 - Forbidden' }, facts, ['IIS_SUBSTATUS certain']],
    [
      'WSO2, presented',
      { response: { status: 401, data: wso2 } },
      facts,
      ['CLIENT_CERTIFICATE_REFUSED guess'],
    ],
    [
      'WSO2, no rule',
      { response: { status: 401, data: wso2 } },
      none,
      ['NO_CLIENT_CERTIFICATE_SENT likely', 'CLIENT_CERTIFICATE_REFUSED guess'],
    ],
    [
      'WSO2, nothing known',
      { status: 401, body: `<ams:code>900901</ams:code><ams:description>${wso2.fault.description}` },
      undefined,
      ['NO_CLIENT_CERTIFICATE_SENT guess', 'CLIENT_CERTIFICATE_REFUSED guess'],
    ],
    [
      'Axway, presented',
      { response: { status: 500, data: axway.blocked } },
      facts,
      ['CLIENT_CERTIFICATE_REFUSED guess'],
    ],
    [
      'Axway, no rule',
      { response: { status: 403, data: axway.json } },
      none,
      ['NO_CLIENT_CERTIFICATE_SENT likely', 'CLIENT_CERTIFICATE_REFUSED guess'],
    ],
    [
      'Axway, nothing known',
      { status: 401, body: axway.failed },
      undefined,
      ['NO_CLIENT_CERTIFICATE_SENT guess', 'CLIENT_CERTIFICATE_REFUSED guess'],
    ],
    ['Axway, a path that is not there', { status: 404, body: axway.blocked }, none, ['UNKNOWN guess']],
    [
      '404',
      { name: 'AxiosError', code: 'ERR_BAD_REQUEST', response: { status: 404 } },
      facts,
      ['UNKNOWN guess'],
    ],
    ['nothing', undefined, undefined, ['UNKNOWN guess']],
  ])('%s', (_, failure, known, expected) => {
    expect(codesOf(failure, known)).toEqual(expected);
  });

  const named = { ...facts, issuers: ['CN=Others', 'CN=CLIENTS '] };
  const others = { ...facts, issuers: ['CN=Others'] };
  const nginx = { status: 400, body: 'The SSL certificate error' };
  const untrusted = ['ISSUER_NOT_TRUSTED_BY_SERVER likely'];

  it.each<[string, unknown, Facts, string[]]>([
    [
      '46, its issuer',
      alert(46),
      named,
      [
        'CLIENT_CERTIFICATE_REVOKED likely',
        'CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED guess',
        'ISSUER_NOT_TRUSTED_BY_SERVER guess',
      ],
    ],
    ['46, others', alert(46), others, untrusted],
    [
      '46, others, of whom one may have issued an intermediate that is missing',
      alert(46),
      { ...others, certificate: { ...certificate, chain: 'unknown' } },
      [...untrusted, 'CLIENT_CHAIN_INCOMPLETE guess'],
    ],
    [
      '46, its issuer, and expired',
      alert(46),
      { ...named, ...with_({ validity: past }) },
      ['CLIENT_CERTIFICATE_EXPIRED likely'],
    ],
    // Who is meant to have access is not said by TLS.
    [
      '49, its issuer',
      alert(49),
      named,
      [
        'CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED likely',
        'CLIENT_CERTIFICATE_REVOKED guess',
        'ISSUER_NOT_TRUSTED_BY_SERVER guess',
      ],
    ],
    ['49, others', alert(49), others, untrusted],
    [
      'nginx, its issuer',
      nginx,
      named,
      [
        'CLIENT_CERTIFICATE_REVOKED likely',
        'CLIENT_CERTIFICATE_REFUSED guess',
        'ISSUER_NOT_TRUSTED_BY_SERVER guess',
      ],
    ],
    ['nginx, others', nginx, others, [...untrusted, 'CLIENT_CERTIFICATE_REFUSED guess']],
    [
      'closed afterwards, others',
      { code: 'ECONNRESET', message: 'socket hang up' },
      others,
      [...untrusted, 'CLIENT_CERTIFICATE_PROBABLY_REFUSED guess', 'CONNECTION_DROPPED guess'],
    ],
    [
      'closed afterwards, others, on a connection of which nothing is known',
      { code: 'ECONNRESET', message: 'socket hang up' },
      { ...others, connection: null },
      [...untrusted, 'CLIENT_CERTIFICATE_PROBABLY_REFUSED guess', 'CONNECTION_DROPPED guess'],
    ],
    [
      'closed afterwards, its issuer, on a connection of which nothing is known',
      { code: 'ECONNRESET', message: 'socket hang up' },
      { ...named, connection: null },
      ['CONNECTION_DROPPED guess', 'CLIENT_CERTIFICATE_PROBABLY_REFUSED guess'],
    ],
    [
      'closed in the handshake, others, on a connection of which nothing is known',
      {
        code: 'ECONNRESET',
        message: 'Client network socket disconnected before secure TLS connection was established',
      },
      { ...others, connection: null },
      [...untrusted, 'CLIENT_CERTIFICATE_REFUSED_SILENTLY guess', 'SERVER_CLOSED_BEFORE_ITS_FLIGHT guess'],
    ],
  ])('and which issuers the server names: %s', (_, failure, known, expected) => {
    expect(codesOf(failure, known)).toEqual(expected);
  });
});
