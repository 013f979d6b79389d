import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type TcpProxy, type TcpProxyOptions, tcpProxy } from '../../harness/tcpProxy.ts';

interface Echo {
  readonly url: string;
  /** All that has reached the server. */
  readonly received: () => string;
  readonly connected: Promise<void>;
  /** Resolves once the first chunk has been sent back. */
  readonly answered: Promise<void>;
  readonly close: () => Promise<void>;
}

async function startEcho(): Promise<Echo> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const connection = Promise.withResolvers<undefined>();
  const answer = Promise.withResolvers<undefined>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    connection.resolve(undefined);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (
        !socket.write(chunk, () => {
          answer.resolve(undefined);
        })
      )
        socket.pause();
    });
    socket.on('drain', () => socket.resume());
    socket.on('end', () => socket.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port');
  return {
    url: `tcp://127.0.0.1:${address.port}/`,
    received: () => Buffer.concat(chunks).toString(),
    connected: connection.promise,
    answered: answer.promise,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

let echo: Echo;
let proxies: TcpProxy[];

beforeEach(async () => {
  echo = await startEcho();
  proxies = [];
});
afterEach(async () => {
  for (const proxy of proxies) await proxy.close();
  await echo.close();
});

async function proxyTo(url: string, options?: TcpProxyOptions): Promise<TcpProxy> {
  const proxy = await tcpProxy(url, options);
  proxies.push(proxy);
  return proxy;
}

/** A client of the proxy; `outcome` is what it had received when its connection closed, and the error if any. */
function open(proxy: TcpProxy): { socket: Socket; outcome: Promise<{ text: string; error?: unknown }> } {
  const socket = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
  const chunks: Buffer[] = [];
  let error: unknown;
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', (reason) => (error = reason));
  const closed = new Promise((done) => socket.once('close', done));
  const outcome = closed.then(() => {
    const text = Buffer.concat(chunks).toString();
    return error === undefined ? { text } : { text, error };
  });
  return { socket, outcome };
}

const isReset = { error: expect.objectContaining({ code: 'ECONNRESET' }) as unknown };
const NEVER_MS = 600_000;

describe('tcpProxy', () => {
  it('passes on everything in order, both ways, and the end after it', async () => {
    const { socket, outcome } = open(await proxyTo(echo.url, { delayMs: 3 }));
    const sent = Array.from({ length: 2_000 }, (_, index) => `${index}:${'x'.repeat(index % 500)};`);
    for (const piece of sent) socket.write(piece);
    socket.end();
    expect(await outcome).toEqual({ text: sent.join('') });
  });

  it('holds a slow reader back instead of storing all that is sent to it', async () => {
    const proxy = await proxyTo(echo.url);
    const { socket, outcome } = open(proxy);
    socket.pause();
    const text = 'x'.repeat(64 * 1024 * 1024);
    socket.end(text);
    await once(socket, 'connect');
    socket.resume();
    expect((await outcome).text).toHaveLength(text.length);
  });

  it('delays what goes to the server, and loses it when cut', async () => {
    const proxy = await proxyTo(echo.url, { delayMs: { toServer: NEVER_MS, toClient: 0 } });
    const { socket, outcome } = open(proxy);
    socket.write('lost');
    await echo.connected;
    proxy.cut();
    expect(await outcome).toEqual({ text: '', ...isReset });
    expect(echo.received()).toBe('');
  });

  it('delays what goes to the client, and loses it when cut', async () => {
    const proxy = await proxyTo(echo.url, { delayMs: { toServer: 0, toClient: NEVER_MS } });
    const { socket, outcome } = open(proxy);
    socket.write('lost');
    await echo.answered;
    proxy.cut();
    expect(await outcome).toEqual({ text: '', ...isReset });
    expect(echo.received()).toBe('lost');
  });

  it('is slow from now on when it is told so, on connections that are open already, too', async () => {
    const proxy = await proxyTo(echo.url);
    const { socket, outcome } = open(proxy);
    socket.write('in time');
    await once(socket, 'data');
    proxy.delay({ toServer: 0, toClient: NEVER_MS });
    socket.write(', late');
    while (!echo.received().endsWith('late')) await setImmediate();
    proxy.cut();
    expect(await outcome).toEqual({ text: 'in time', ...isReset });
  });

  it('resets open connections when cut, and accepts new ones', async () => {
    const proxy = await proxyTo(echo.url);
    const first = open(proxy);
    first.socket.write('x');
    await once(first.socket, 'data');
    expect(proxy.connectionCount()).toBe(1);
    proxy.cut();
    expect(await first.outcome).toEqual({ text: 'x', ...isReset });
    const second = open(proxy);
    second.socket.end('still there');
    expect(await second.outcome).toEqual({ text: 'still there' });
    expect(proxy.connectionCount()).toBe(0);
  });

  it('resets new connections while it refuses, and leaves open ones alone', async () => {
    const proxy = await proxyTo(echo.url);
    const early = open(proxy);
    early.socket.write('a');
    await once(early.socket, 'data');
    proxy.refuse(true);
    expect(await open(proxy).outcome).toEqual({ text: '', ...isReset });
    early.socket.end('b');
    expect(await early.outcome).toEqual({ text: 'ab' });
    proxy.refuse(false);
    const late = open(proxy);
    late.socket.end('c');
    expect(await late.outcome).toEqual({ text: 'c' });
  });

  it('resets the client when the target is gone', async () => {
    const proxy = await proxyTo(echo.url);
    await echo.close();
    expect(await open(proxy).outcome).toEqual({ text: '', ...isReset });
  });

  it('stands in for Postgres under a URL of its own', async () => {
    const proxy = await proxyTo(inject('postgresUrl'), { delayMs: 0.5 });
    expect(new URL(proxy.url).port).toBe(String(proxy.port));
    const client = new pg.Client({ connectionString: proxy.url });
    await client.connect();
    const { rows } = await client.query<{ sum: number }>('SELECT 1 + 1 AS sum');
    expect(rows).toEqual([{ sum: 2 }]);
    await client.end();
  });
});
