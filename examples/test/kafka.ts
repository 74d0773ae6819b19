import type { Socket } from 'node:net';

/** What a broker of Kafka says of itself, as the first one says it of all. */
export interface Broker {
  host: string;
  port: number;
}

/**
 * Speaks as much of Kafka's protocol on a connection as a producer asks for, in the oldest version of each answer:
 * the broker with the highest number leads the only partition.
 *
 * @param seen Takes the messages that arrive.
 * @see https://kafka.apache.org/protocol
 */
export function speakKafka(
  socket: Socket,
  brokers: readonly Broker[],
  seen: (message: string) => void,
): void {
  let received = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
      const size = received.readInt32BE(0);
      answer(received.subarray(4, 4 + size));
      received = received.subarray(4 + size);
    }
  });

  function answer(request: Buffer): void {
    const key = request.readInt16BE(0);
    const body = Buffer.concat([request.subarray(4, 8), answers[key]?.(request) ?? Buffer.alloc(0)]);
    socket.write(Buffer.concat([int32(body.length), body]));
  }

  const answers: Record<number, (request: Buffer) => Buffer> = {
    [apiVersions]: () =>
      Buffer.concat([
        int16(0),
        list([produce, metadata, apiVersions], (key) => Buffer.concat([int16(key), int16(0), int16(0)])),
      ]),
    [metadata]: () =>
      Buffer.concat([
        list([...brokers.entries()], ([id, { host, port }]) =>
          Buffer.concat([int32(id), string(host), int32(port)]),
        ),
        list(['payments'], (topic) =>
          Buffer.concat([
            int16(0),
            string(topic),
            list([brokers.length - 1], (leader) =>
              Buffer.concat([
                int16(0),
                int32(0),
                int32(leader),
                list([leader], int32),
                list([leader], int32),
              ]),
            ),
          ]),
        ),
      ]),
    [produce]: (request) => {
      seen(/EUR \d+/.exec(request.toString('latin1'))?.[0] ?? 'nothing');
      const partition = () => Buffer.concat([int32(0), int16(0), int32(0), int32(1)]);
      return list(['payments'], (topic) => Buffer.concat([string(topic), list([0], partition)]));
    },
  };
}

const produce = 0;
const metadata = 3;
const apiVersions = 18;

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function string(text: string): Buffer {
  return Buffer.concat([int16(text.length), Buffer.from(text)]);
}

function list<Value>(values: readonly Value[], write: (value: Value) => Buffer): Buffer {
  return Buffer.concat([int32(values.length), ...values.map(write)]);
}
