import { constants, copyFile, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClientCertificateError } from '../errors.ts';
import { bytesOf } from '../load/passphrase.ts';
import { privateKeyFrom } from '../load/private-key.ts';
import { quote } from '../quote.ts';
import type { Issued } from './issued.ts';
import { keyPem } from './request.ts';
import { placeOf, readSecret, type Secret } from './secret.ts';

/** Where a renewed certificate lives, in PEM. */
export interface RenewedFiles {
  /** The certificate and its chain; the key as well, unless `key` names a file of its own. */
  cert: string | URL;
  /** The key. */
  key?: string | URL | undefined;
  /** What encrypts the key; it is not encrypted unless written. */
  passphrase?: Secret | undefined;
}

/**
 * A certificate in files: each is replaced as a whole, and what was in it before stays beside it as `NAME.old`. What is
 * read is the newest certificate with its own key, whenever the process before was stopped.
 */
export class KeptFiles {
  readonly #cert: string;
  readonly #key: string;
  readonly #passphrase: Secret | undefined;

  constructor({ cert, key = cert, passphrase }: RenewedFiles) {
    this.#cert = pathOf(cert);
    this.#key = pathOf(key);
    this.#passphrase = passphrase;
  }

  /**
   * @param signal Ends the reading.
   * @returns `undefined` where nothing was kept
   * @throws what reading the certificate threw, where there is one and it cannot be used
   */
  async read(signal: AbortSignal): Promise<Issued | undefined> {
    let reason: unknown;
    for (const [cert, key] of await this.#generations()) {
      try {
        return await readPair(cert, key, this.#passphrase, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isMissing(error)) reason ??= error;
      }
    }
    if (reason !== undefined) throw reason;
    await this.#checkAbsence();
    return undefined;
  }

  /** A key alone, or a certificate alone, is somebody's: nothing is written over it. */
  async #checkAbsence(): Promise<void> {
    for (const [there, missing] of [
      [this.#key, this.#cert],
      [this.#cert, this.#key],
    ] as const) {
      if (await stat(there).catch(() => undefined))
        throw new ClientCertificateError(
          'ERR_CLIENTCERT_FILE_NOT_FOUND',
          `${quote(there, 'path')} is there, and ${quote(missing, 'path')} is not`,
          { hint: 'Put it back, or move the other away: then a first certificate is asked for.' },
        );
    }
  }

  /** @throws ERR_CLIENTCERT_FILE_UNREADABLE where it cannot be written */
  async write({ cert, key: plain }: Issued, signal: AbortSignal): Promise<void> {
    const paths: string[] = [];
    try {
      const key = await this.#encrypt(plain, signal);
      const [certPath, keyPath] = [await realOf(this.#cert), await realOf(this.#key)];
      // The key first: it is the certificate that is looked for elsewhere. Two names may lead to one file.
      const contents: [path: string, text: string][] =
        keyPath === certPath
          ? [[certPath, `${cert.trimEnd()}\n${key}`]]
          : [
              [keyPath, key],
              [certPath, cert],
            ];
      for (const [path, text] of contents) {
        paths.push(path);
        await writeBeside(path, text);
      }
      for (const path of paths) await keepFormer(path);
      for (const path of paths) await rename(`${path}.new`, path);
      for (const folder of new Set(paths.map(dirname))) await flush(folder);
    } catch (cause) {
      for (const path of paths) await rm(`${path}.new`, { force: true }).catch(() => {});
      throw new ClientCertificateError(
        'ERR_CLIENTCERT_FILE_UNREADABLE',
        `the certificate that was issued cannot be written to ${quote(this.#cert, 'path')}`,
        {
          hint: 'It is in use, and is gone when the process ends. It is tried again; the error is the cause.',
          cause,
        },
      );
    }
  }

  async #encrypt(key: string, signal: AbortSignal): Promise<string> {
    if (this.#passphrase === undefined) return key;
    const passphrase = await readSecret(this.#passphrase, 'files.passphrase', signal, 'text');
    const encryption = { cipher: 'aes-256-cbc', passphrase };
    return privateKeyFrom(key).export({ type: 'pkcs8', format: 'pem', ...encryption }) as string;
  }

  /**
   * Where they are written: beside what a link leads to. The former ones are for a process that was stopped, which takes no
   * file away: whoever does wants none of them presented.
   */
  async #generations(): Promise<[cert: string, key: string][]> {
    const old = (path: string) => `${path}.old`;
    const [cert, key] = [await realOf(this.#cert), await realOf(this.#key)];
    const latest: [cert: string, key: string][] = [[cert, key]];
    const former: [cert: string, key: string][] = [[old(cert), old(key)]];
    if (cert !== key) {
      // Stopped between one file and the other.
      latest.push([`${cert}.new`, key]);
      former.unshift([cert, old(key)], [old(cert), key]);
    }
    return (await isThere(cert)) && (await isThere(key)) ? [...latest, ...former] : latest;
  }
}

async function readPair(
  cert: string,
  key: string,
  passphrase: Secret | undefined,
  signal: AbortSignal,
): Promise<Issued> {
  const { readCertificate } = await import('../load/index.ts');
  const source = {
    cert,
    ...(key !== cert && { key }),
    ...(passphrase !== undefined && { passphrase }),
  };
  const place = { baseDirectory: placeOf(passphrase), signal };
  const { privateKey, certificate, chain, ca, format } = await readCertificate(source, place);
  if (format.container !== 'PEM')
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_FORMAT_UNSUPPORTED',
      `${quote(cert, 'path')}: what is renewed is written in PEM, and this is ${format.container}`,
      { hint: 'Name another file, or convert this one: clientcert convert FILE --to pem.' },
    );
  return {
    cert: [certificate, ...chain, ...ca].map(String).join(''),
    key: keyPem(privateKey),
  };
}

function realOf(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

/** What cannot be looked at is: reading it says why. */
function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error) => !isMissing(error),
  );
}

/** For its owner alone, and on the disk before it takes the place of another. */
async function writeBeside(path: string, text: string): Promise<void> {
  await rm(`${path}.new`, { force: true });
  const file = await open(`${path}.new`, 'wx', 0o600);
  // A key: of a text Node makes bytes in the memory that small Buffers share.
  const bytes = bytesOf(text, 'utf8');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    bytes.fill(0);
    await file.close();
  }
}

async function keepFormer(path: string): Promise<void> {
  try {
    await rm(`${path}.old`, { force: true });
    await copyFile(path, `${path}.old`, constants.COPYFILE_EXCL);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** So that the names, too, are on the disk; where a system has no such thing, they are soon. */
async function flush(folder: string): Promise<void> {
  try {
    const directory = await open(folder, constants.O_RDONLY);
    await directory.sync().finally(() => directory.close());
  } catch {}
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ERR_CLIENTCERT_FILE_NOT_FOUND'].includes((error as { code: string }).code);
}

/** Where it is now: the process may go to another directory before the next renewal. */
function pathOf(path: string | URL): string {
  return resolve(typeof path === 'string' ? path : fileURLToPath(path));
}
