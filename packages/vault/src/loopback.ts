import { Agent, request } from 'node:http';
import { Readable } from 'node:stream';
import { responseTo } from '@clientcert/core/enrolment';

/**
 * As `fetch`, for what is in the clear on this machine alone: no proxy is told of it, which a whole process may be switched
 * to go through.
 */
export async function fetchDirectly(url: URL, init: RequestInit): Promise<Response> {
  const { method, headers, body, signal } = init;
  // As a text: a URL is none to Node where every object inherits an `auth`.
  const asked = request(url.href, { method, signal, agent: new Agent() } as object);
  const answer = await responseTo(asked, headers as Record<string, string>, body as string | undefined);
  const { statusCode: status = 0 } = answer;
  return new Response(status === 204 ? null : (Readable.toWeb(answer) as ReadableStream), { status });
}
