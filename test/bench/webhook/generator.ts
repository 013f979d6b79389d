// A companion: the load. Some connections at a time send requests that were made beforehand, each the next one as soon
// as it has its answer, over plain sockets: what it costs is to be little beside what is measured.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { answerRequests } from '../companion.ts';
import { answerEnd } from './answer.ts';

const enquiry = z.object({
  port: z.number(),
  connections: z.number(),
  /** Milliseconds for which the requests are sent in turn, again and again; absent: each is sent once. */
  durationMs: z.number().optional(),
});

const preparation = z.object({ requests: z.array(z.object({ path: z.string(), body: z.string() })) });

/** As they are sent, one after the other. */
let requests: readonly Buffer[] = [];

const requestOf = ({ path, body }: { path: string; body: string }): Buffer =>
  Buffer.from(
    [
      `POST ${path} HTTP/1.1`,
      'Host: 127.0.0.1',
      'User-Agent: Microsoft.Graph.ChangeTracking',
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );

/** What was found of one load. */
class Load {
  readonly #latencies: number[] = [];
  readonly #statuses = new Map<string, number>();
  readonly #isOver: (sent: number) => boolean;
  readonly #startedAt = performance.now();
  #lastAt = this.#startedAt;
  #sent = 0;

  constructor(isOver: (sent: number) => boolean) {
    this.#isOver = isOver;
  }

  /** Resolves when it is over and the last answer is there; rejects when the connection is lost. */
  async drive(port: number): Promise<void> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    await new Promise<void>((resolve, reject) => {
      let sentAt = this.#send(socket);
      let rest: Buffer = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        const end = answerEnd(rest);
        if (end === undefined) return;
        this.#count(rest.toString('latin1', 9, 12), sentAt);
        rest = rest.subarray(end);
        if (this.#isOver(this.#sent)) resolve();
        else sentAt = this.#send(socket);
      });
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('A connection was closed in the midst of the load')));
    });
    socket.destroy();
  }

  #send(socket: Socket): number {
    socket.write(requests[this.#sent % requests.length] ?? '');
    this.#sent += 1;
    return performance.now();
  }

  #count(status: string, sentAt: number): void {
    this.#lastAt = performance.now();
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    this.#latencies.push(this.#lastAt - sentAt);
  }

  get found() {
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? NaN;
    const tookMs = this.#lastAt - this.#startedAt;
    const statuses = Object.fromEntries(this.#statuses);
    return { statuses, answered: sorted.length, tookMs, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }
}

answerRequests(async (message) => {
  const prepared = preparation.safeParse(message);
  if (prepared.success) {
    requests = prepared.data.requests.map(requestOf);
    return null;
  }
  const { port, connections, durationMs } = enquiry.parse(message);
  const endsAt = performance.now() + (durationMs ?? Infinity);
  const load = new Load((sent) =>
    durationMs === undefined ? sent >= requests.length : performance.now() >= endsAt,
  );
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: connections }, () => load.drive(port)));
  const { user, system } = process.cpuUsage(before);
  return { ...load.found, busyMs: (user + system) / 1000 };
});
