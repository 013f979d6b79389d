// What a sender can hold on to, and how the server ends.
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { pushPath } from '../../../api/pushUrl.ts';
import { type Answer, dial, heard, idOf, openScene, problemOf, token } from './httpScene.ts';

const good = { query: `providerId=${idOf(1)}` };
const line = `POST ${pushPath}?providerId=${idOf(1)}&token=${token} HTTP/1.1\r\nHost: a\r\n`;

describe('the rate limit', () => {
  /** Sends at once what even two seconds do not admit. */
  const flood = (send: (n: number) => Promise<Answer>): Promise<Answer[]> =>
    Promise.all(Array.from({ length: 30 }, (_, n) => send(n)));

  it('answers 429 to who sends too much, on all paths but the probes', async () => {
    const { send, told } = await openScene({ limits: { ratePerSecond: 10 } });
    const answers = await flood(() => send(good));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(10);
    expect(told.length).toBe(30 - refused.length);
    for (const answer of refused) {
      expect(problemOf(answer)).toMatchObject({ status: 429 });
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    const others = await flood((n) => send({ ...good, ...(n % 2 ? { path: '/x' } : { token: 'wrong' }) }));
    expect(others.map(({ status }) => status)).toContain(429);
    const probes = await flood(() => send({ method: 'GET', path: '/readyz' }));
    expect(new Set(probes.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('goes by the address that the proxy in front tells, where it is trusted', async () => {
    const { send } = await openScene({ limits: { ratePerSecond: 1 }, options: { trustProxy: true } });
    const from = (n: number): Promise<Answer> =>
      send({ ...good, headers: { 'x-forwarded-for': `192.0.2.${n}` } });
    expect((await flood(from)).map(({ status }) => status)).not.toContain(429);
    const spoofed = (n: number): Promise<Answer> =>
      send({ ...good, headers: { 'x-forwarded-for': `192.0.2.${n}, 198.51.100.1` } });
    expect((await flood(spoofed)).map(({ status }) => status)).toContain(429);
  });

  it('takes no address from a header where nobody is trusted', async () => {
    const { send } = await openScene({ limits: { ratePerSecond: 1 } });
    const from = (n: number): Promise<Answer> =>
      send({ ...good, headers: { 'x-forwarded-for': `192.0.2.${n}` } });
    expect((await flood(from)).map(({ status }) => status)).toContain(429);
  });
});

describe('a slow sender', () => {
  it.each([
    ['of headers', line],
    ['of a body', `${line}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`],
    ['of chunks', `${line}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`],
  ])('%s is told so after the time for a request, and disconnected', async (_, text) => {
    const { server, told, requests } = await openScene({ limits: { requestTimeoutMs: 200 } });
    const socket = await dial(server);
    socket.write(text);
    const answer = await heard(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('application/problem+json');
    expect(told).toEqual([]);
    expect(requests).toEqual([['other', 408]]);
  });

  it('that says nothing at all is disconnected', async () => {
    const { server } = await openScene({ limits: { requestTimeoutMs: 200 } });
    expect(await heard(await dial(server))).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });

  it('does not keep others waiting', async () => {
    const { server, send } = await openScene();
    const socket = await dial(server);
    socket.write(`${line}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`);
    expect((await send(good)).status).toBe(202);
  });
});

it('many who begin a large body leave no room for another, until they end; small ones pass', async () => {
  const { server, send, told } = await openScene({ limits: { bodyLimitBytes: 1_000_000 } });
  const large = { body: JSON.stringify({ providerId: idOf(2) }).padEnd(900_000) };
  const begun = `${line}Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{`;
  const sockets = await Promise.all(Array.from({ length: 67 }, () => dial(server)));
  for (const socket of sockets) socket.write(begun);
  await expect.poll(async () => (await send(large)).status).toBe(503);
  const refused = await send(large);
  expect(problemOf(refused)).toMatchObject({ status: 503 });
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await send(good)).status).toBe(202);
  for (const socket of sockets) socket.destroy();
  await expect.poll(async () => (await send(large)).status).toBe(202);
  expect(new Set(told)).toEqual(new Set(['team/p1', 'team/p2']));
});

it('a request whose headers are too large gets 431', async () => {
  const { server, told } = await openScene();
  const socket = await dial(server);
  socket.write(`${line}X-Large: ${'x'.repeat(20_000)}\r\n\r\n`);
  expect(await heard(socket)).toMatch(/^HTTP\/1\.1 431 /);
  expect(told).toEqual([]);
});

it('a connection serves one request after the other', async () => {
  const { server, told } = await openScene();
  const socket = await dial(server);
  socket.write(`${line}Content-Length: 0\r\n\r\n${line}Connection: close\r\nContent-Length: 0\r\n\r\n`);
  expect((await heard(socket)).match(/HTTP\/1\.1 202 /g)).toHaveLength(2);
  expect(told).toEqual(['team/p1', 'team/p1']);
});

it('a sender who leaves in the middle of a body is forgotten', async () => {
  const { server, send, told, lines } = await openScene();
  const socket = await dial(server);
  socket.write(`${line}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`);
  socket.resetAndDestroy();
  await once(socket, 'close');
  expect((await send(good)).status).toBe(202);
  expect(told).toEqual(['team/p1']);
  expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
});

describe('closing', () => {
  it('answers what is under way, on its last connection, and takes no more', async () => {
    const { promise: kept, resolve } = Promise.withResolvers<undefined>();
    const { promise: asked, resolve: ask } = Promise.withResolvers<undefined>();
    const { server, send, told } = await openScene({
      keep: () => {
        ask(undefined);
        return kept;
      },
    });
    const idle = await dial(server);
    idle.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(idle, 'data');
    const underWay = send(good);
    await asked;
    const closed = server.close();
    await heard(idle);
    await expect(dial(server)).rejects.toThrow('ECONNREFUSED');
    resolve(undefined);
    const { status, headers } = await underWay;
    expect([status, headers.get('connection')]).toEqual([202, 'close']);
    await closed;
    expect(told).toEqual(['team/p1']);
  });

  it('ends within its bound, whatever hangs', async () => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<undefined>();
    const { server, send } = await openScene({
      limits: { drainMs: 50 },
      keep: () => {
        ask(undefined);
        return new Promise(() => undefined);
      },
    });
    const hanging = send(good).catch(() => 'cut off');
    await dial(server);
    await asked;
    await server.close();
    expect(await hanging).toBe('cut off');
  });

  it('may be asked for twice', async () => {
    const { server } = await openScene();
    await Promise.all([server.close(), server.close()]);
    await server.close();
  });
});

it('a port that is taken is an error of Node’s', async () => {
  const { server } = await openScene();
  await expect(openScene({ options: { port: server.port } })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
