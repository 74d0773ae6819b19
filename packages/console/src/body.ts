import type { IncomingMessage } from 'node:http';

/** In bytes: a certificate file of the size that is read at all, in base64, and what stands around it. */
const LARGEST = 24 * 2 ** 20;

/** What a request holds is not taken. */
export class BodyRefused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * The body of a request, as JSON.
 *
 * @throws BodyRefused where it is larger than anything that the page sends, or no JSON object
 */
export async function readJson(request: IncomingMessage, most: number = LARGEST): Promise<object> {
  const tooLarge = new BodyRefused(413, `What is sent may have ${most} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > most) throw tooLarge;
    chunks.push(chunk);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    // Its reason quotes the text, which may hold a passphrase.
    throw new BodyRefused(400, 'What was sent is no JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BodyRefused(400, 'What was sent is no JSON object.');
  return value;
}
