import { partsOf } from '@clientcert/core/enrolment';
import { readInside, readOid, type Value } from '../der.ts';

/** What a qualified certificate says of itself (eIDAS; ETSI EN 319 412-5, ETSI TS 119 495). */
export interface Statements {
  /** `QWAC` for websites and clients, `QSeal` for seals of a company, `QSign` for a person's signatures. */
  readonly types: readonly string[];
  /** Whether it claims to be qualified under eIDAS. */
  readonly qualified: boolean;
  /** The key is in a device made for it. */
  readonly device: boolean;
  readonly psd2: Psd2 | undefined;
}

/** Of a payment service provider. */
export interface Psd2 {
  /** `PSP_AS` account servicing, `PSP_PI` payment initiation, `PSP_AI` account information, `PSP_IC` card-based payments. */
  readonly roles: readonly string[];
  /** The national competent authority, by name and by its short one: `NL-DNB`. */
  readonly authority: string;
  readonly authorityId: string;
}

/** The qcStatements of a certificate (RFC 3739, section 3.2.6); `undefined` where it has none, or none that can be read. */
export function statementsOf(certificate: Buffer): Statements | undefined {
  try {
    const extension = partsOf(certificate).extensions.get('1.3.6.1.5.5.7.1.3');
    if (extension === undefined) return undefined;
    const statements = new Map<string, Value | undefined>();
    for (const { encoding } of readInside(extension)) {
      const [id, information] = readInside(encoding);
      statements.set(readOid(id!.contents), information);
    }
    const types = statements.get('0.4.0.1862.1.6');
    const psd2 = statements.get('0.4.0.19495.2');
    return {
      types: types
        ? readInside(types.encoding).map((type) => TYPES[readOid(type.contents)] ?? 'unknown type')
        : [],
      qualified: statements.has('0.4.0.1862.1.1'),
      device: statements.has('0.4.0.1862.1.4'),
      psd2: psd2 && readPsd2(psd2),
    };
  } catch {
    // What it says of itself is no reason not to show the rest.
    return undefined;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  '0.4.0.1862.1.6.1': 'QSign',
  '0.4.0.1862.1.6.2': 'QSeal',
  '0.4.0.1862.1.6.3': 'QWAC',
};

const ROLES: Readonly<Record<string, string>> = {
  '0.4.0.19495.1.1': 'PSP_AS (account servicing)',
  '0.4.0.19495.1.2': 'PSP_PI (payment initiation)',
  '0.4.0.19495.1.3': 'PSP_AI (account information)',
  '0.4.0.19495.1.4': 'PSP_IC (card-based payments)',
};

/** ETSI TS 119 495, section 5.1. */
function readPsd2({ encoding }: Value): Psd2 {
  const [roles, name, id] = readInside(encoding);
  return {
    roles: readInside(roles!.encoding)
      .slice(0, 16)
      .map((role) => {
        const [type, called] = readInside(role.encoding);
        return ROLES[readOid(type!.contents)] ?? called?.contents.toString() ?? 'unknown role';
      }),
    authority: name?.contents.toString() ?? '',
    authorityId: id?.contents.toString() ?? '',
  };
}
