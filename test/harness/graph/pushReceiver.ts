/** A receiver of notifications for tests of the simulator: shakes hands, keeps what comes, answers as it is told. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readBody } from './transport.ts';

interface ReceivedEntry {
  subscriptionId: string;
  clientState?: string;
  changeType?: string;
  lifecycleEvent?: string;
  resourceData?: { id: string };
}

interface ReceivedPost {
  /** Path and query, as sent. */
  target: string;
  entries: ReceivedEntry[];
}

export interface PushReceiver {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly posts: ReceivedPost[];
  /** Targets of handshakes, without their token. */
  readonly handshakes: string[];
  /** The status of an answer, 202 by default; what it awaits holds the answer back. */
  answer: (post: ReceivedPost, number: number) => number | Promise<number>;
  entries(): ReceivedEntry[];
  close(): Promise<void>;
}

function tokenOf(target: string): string | null {
  return new URL(target, 'http://localhost').searchParams.get('validationToken');
}

export async function startPushReceiver(): Promise<PushReceiver> {
  const posts: ReceivedPost[] = [];
  const handshakes: string[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const target = request.url ?? '';
    const text = (await readBody(request)) ?? '';
    const token = tokenOf(target);
    if (token !== null) {
      handshakes.push(target.replace(/[?&]validationToken=.*$/, ''));
      response.writeHead(200, { 'content-type': 'text/plain' }).end(token);
      return;
    }
    const post = { target, entries: (JSON.parse(text) as { value: ReceivedEntry[] }).value };
    posts.push(post);
    response.writeHead(await receiver.answer(post, posts.length)).end();
  };
  const server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: PushReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posts,
    handshakes,
    answer: () => 202,
    entries: () => posts.flatMap(({ entries }) => entries),
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      server.closeAllConnections();
      await closed;
    },
  };
  return receiver;
}
