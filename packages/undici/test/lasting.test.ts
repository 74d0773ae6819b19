import type { ServerResponse } from 'node:http';
import { startServer, type TestServer } from '@clientcert/testing';
import { EventSource, WebSocket } from 'undici';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDispatcher, loadCredentials } from '../src/index.ts';
import { createPeople, type People, startBank, subjects } from './ground.ts';

let people: People;
beforeAll(async () => {
  people = await createPeople();
});

/** alice at the bank; the other host is trusted and gets nothing. */
const configOf = (bank: TestServer, other: TestServer, { fullChain: cert, key } = people.alice) => ({
  certificates: { client: { cert, key, ca: people.authority.certificate } },
  hosts: {
    [`localhost:${bank.port}`]: 'client' as const,
    [`127.0.0.1:${other.port}`]: { ca: people.authority.certificate },
  },
});

/** What undici 7 and 8 call the same. */
const over = (dispatcher: object) => ({ dispatcher, node: { dispatcher } }) as object;

describe('attack: identities that mix', () => {
  it('an EventSource that connects again presents what is new, and nothing where it is led to', async () => {
    const streams: ServerResponse[] = [];
    const handler = (_request: unknown, response: ServerResponse, { path }: { path: string }) => {
      if (path === '/moved') response.writeHead(307, { location: `${other.url}/events` }).end();
      else {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 10\ndata: x\n\n');
        streams.push(response);
      }
      return true;
    };
    await using bank = await startBank(people, { handler });
    await using other = await startServer({
      authority: people.authority,
      clientCertificate: 'optional',
      handler,
    });
    await using credentials = await loadCredentials(configOf(bank, other));
    const dispatcher = createDispatcher(credentials);

    const events = new EventSource(`${bank.url}/events`, over(dispatcher));
    await new Promise((resolve) => events.addEventListener('message', resolve, { once: true }));
    await credentials.reload(configOf(bank, other, people.bob));
    const again = new Promise((resolve) => events.addEventListener('message', resolve, { once: true }));
    streams.pop()!.end();
    await again;
    events.close();
    expect(subjects(bank)).toEqual(['alice', 'bob']);

    const moved = new EventSource(`${bank.url}/moved`, over(dispatcher));
    await new Promise((resolve) => moved.addEventListener('message', resolve, { once: true }));
    moved.close();
    expect(subjects(bank)).toEqual(['alice', 'bob', 'bob']);
    expect(subjects(other)).toEqual([null]);
    await dispatcher.destroy();
  });

  it('a WebSocket is opened with what is pinned now, and follows no redirect with it', async () => {
    await using bank = await startBank(people, {
      handler: (_request: unknown, response: ServerResponse) =>
        response.writeHead(302, { location: other.url }).end() && true,
    });
    await using other = await startServer({ authority: people.authority, clientCertificate: 'optional' });
    await using credentials = await loadCredentials(configOf(bank, other));
    const dispatcher = createDispatcher(credentials);
    const refused = ({ url }: TestServer) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url.replace('https:', 'wss:'), { dispatcher } as object);
        socket.addEventListener('error', resolve, { once: true });
      });
    await refused(bank);
    await credentials.reload(configOf(bank, other, people.bob));
    await refused(bank);
    expect(subjects(bank)).toEqual(['alice', 'bob']);
    expect(other.connections).toBe(0);
    await refused(other);
    expect(subjects(other)).toEqual([null]);
    await dispatcher.destroy();
  });
});
