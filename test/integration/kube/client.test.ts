import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { isKubeError, type KubeError } from '../../../kube/errors.ts';
import type { RequestReport } from '../../../kube/exchange.ts';
import { ManualClock } from '../../harness/apiServer/manualClock.ts';
import { Refusal } from '../../harness/apiServer/refusal.ts';
import { configMap, configMaps, openStage } from './stage.ts';

const a = { namespace: 'default', name: 'a' };

async function failureOf(call: Promise<unknown>): Promise<KubeError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (isKubeError(error)) return error;
  throw new Error(`No KubeError: ${String(error)}`);
}

describe('a client', () => {
  it('says who it is, and reports each try', async () => {
    const { server, clientWith } = await openStage();
    const reports: RequestReport[] = [];
    const client = clientWith({ userAgent: 'me/2', onRequest: (report) => reports.push(report) });
    server.put(configMap('a'), 'configmaps');
    await client.get(configMaps, a);
    await failureOf(client.get(configMaps, { ...a, name: 'b' }));
    expect(server.requests[0]?.headers['user-agent']).toBe('me/2');
    expect(reports.map(({ method, code, host }) => [method, code, host])).toEqual([
      ['GET', '200', server.url.host],
      ['GET', '404', server.url.host],
    ]);
  });

  it('does not wait longer than it is told to, and says that a write may have happened', async () => {
    const { server, clientWith } = await openStage();
    const client = clientWith({ timeoutMs: 30 });
    server.fault({ hang: true, times: 2 });
    expect(await failureOf(client.get(configMaps, a))).toMatchObject({ kind: 'timeout', uncertain: false });
    expect(await failureOf(client.create(configMaps, 'default', configMap('a')))).toMatchObject({
      kind: 'timeout',
      uncertain: true,
    });
  });

  it('does not wait for a body that never ends', async () => {
    const { server, clientWith } = await openStage();
    // The whole is longer than what is sent.
    server.fault({ status: 200, headers: { 'content-length': '1000' }, body: '{' });
    expect(await failureOf(clientWith({ timeoutMs: 30 }).get(configMaps, a))).toMatchObject({
      kind: 'timeout',
    });
  });

  it('tells a write that was answered by a broken connection from one that never left', async () => {
    const { server, client, connection } = await openStage();
    server.fault({ method: 'POST', resetAfter: true });
    const error = await failureOf(client.create(configMaps, 'default', configMap('a')));
    expect(error).toMatchObject({ kind: 'network', uncertain: true });
    expect(await client.get(configMaps, a)).toMatchObject({ metadata: a });
    await server.close();
    const refused = await failureOf(client.create(configMaps, 'default', configMap('b')));
    expect(refused).toMatchObject({ kind: 'network', uncertain: false });
    await connection.close();
    await server.listen();
  });

  it('gives up with the reason of the caller', async () => {
    const { server, client } = await openStage();
    server.fault({ hang: true });
    const controller = new AbortController();
    const call = client.get(configMaps, a, { signal: controller.signal });
    await server.until(() => server.requests.length === 1);
    controller.abort(new Error('Not needed any more'));
    await expect(call).rejects.toThrow('Not needed any more');
  });

  // Far less than what is given to a connection that is being made.
  it('gives up at once while it waits to be connected', { timeout: 5_000 }, async () => {
    // Accepts, and never shakes hands.
    const silent = createServer();
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo;
    const { connection, clientWith } = await openStage({}, `https://127.0.0.1:${port}`);
    const connected = once(silent, 'connection');
    const controller = new AbortController();
    const call = clientWith({}).get(configMaps, a, { signal: controller.signal });
    await connected;
    controller.abort(new Error('Not needed any more'));
    await expect(call).rejects.toThrow('Not needed any more');
    expect(await failureOf(clientWith({ timeoutMs: 30 }).get(configMaps, a))).toMatchObject({
      kind: 'timeout',
    });
    await connection.close();
    silent.close();
  });

  it('tries a throttled call again when the server says, a write too, but not for ever', async () => {
    const { server, clientWith } = await openStage();
    const clock = new ManualClock();
    clock.chance = 0.5;
    const client = clientWith({ clock });
    server.fault({ status: 429, headers: { 'retry-after': '2' } });
    server.fault({ status: 503, headers: { 'retry-after': '1' } });
    const created = client.create(configMaps, 'default', configMap('a'));
    const pauses: number[] = [];
    for (let i = 0; i < 2; i += 1) {
      await clock.timerWithin(60_000);
      pauses.push(...clock.pending());
      clock.advance(60_000);
    }
    expect(await created).toMatchObject({ metadata: a });
    expect(pauses).toEqual([2_250, 1_125]);

    server.fault({ status: 429, headers: { 'retry-after': '1' }, times: 10 });
    const failing = failureOf(client.get(configMaps, a));
    for (let i = 0; i < 3; i += 1) {
      await clock.timerWithin(60_000);
      clock.advance(60_000);
    }
    expect(await failing).toMatchObject({ kind: 'throttled', status: 429, retryAfterMs: 1_000 });
    expect(server.requests.filter(({ method, status }) => method === 'GET' && status === 429)).toHaveLength(
      4,
    );
  });

  it('does not try again by itself what failed otherwise', async () => {
    const { server, client } = await openStage();
    for (const status of [500, 502, 503, 504]) server.fault({ status });
    const kinds = ['server', 'server', 'server', 'timeout'];
    for (const kind of kinds) expect(await failureOf(client.get(configMaps, a))).toMatchObject({ kind });
    expect(server.requests).toHaveLength(4);
  });

  it('asks right before each write whether it may, and never before it reads', async () => {
    const { server, clientWith } = await openStage();
    server.put(configMap('a'), 'configmaps');
    const client = clientWith({
      guard: () => {
        throw new Error('Not the leader');
      },
    });
    const object = await client.get(configMaps, a);
    const writes = [
      () => client.create(configMaps, 'default', configMap('b')),
      () => client.replace(configMaps, object),
      () => client.apply(configMaps, configMap('a'), { fieldManager: 'm' }),
      () => client.mergePatch(configMaps, a, {}),
      () => client.delete(configMaps, a),
      () => client.createSubresource(configMaps, a, 'binding', {}),
    ];
    for (const write of writes) await expect(write()).rejects.toThrow('Not the leader');
    expect(server.requests).toHaveLength(1);
  });

  it('asks the guard again before a second try', async () => {
    const { server, clientWith } = await openStage();
    let asked = 0;
    const client = clientWith({
      clock: impatient(),
      guard: () => {
        asked += 1;
        if (asked === 2) throw new Error('Not the leader any more');
      },
    });
    server.fault({ status: 429, times: 5 });
    await expect(client.delete(configMaps, a)).rejects.toThrow('Not the leader any more');
    expect(server.requests).toHaveLength(1);
  });

  it('refuses to replace what it has not read', async () => {
    const { server, client } = await openStage();
    expect(await failureOf(client.replace(configMaps, configMap('a')))).toMatchObject({ kind: 'invalid' });
    expect(server.requests).toHaveLength(0);
  });

  it.each([
    ['no JSON', '<html>It works!</html>'],
    ['no object', '"text"'],
    ['an object without metadata', '{"kind":"ConfigMap"}'],
  ])('takes %s for a broken protocol', async (_name, body) => {
    const { server, client } = await openStage();
    server.fault({ status: 200, body, times: 2 });
    expect(await failureOf(client.get(configMaps, a))).toMatchObject({ kind: 'protocol' });
    expect(await failureOf(client.list(configMaps))).toMatchObject({ kind: 'protocol' });
  });

  it('takes a redirect for a broken protocol: credentials go nowhere else', async () => {
    const { server, client } = await openStage();
    server.fault({ status: 307, headers: { location: 'http://127.0.0.1:1/' } });
    expect(await failureOf(client.get(configMaps, a))).toMatchObject({ kind: 'protocol', status: 307 });
  });

  it('knows a namespace that is being deleted', async () => {
    const { server, client } = await openStage();
    server.terminate('default');
    const error = await failureOf(client.create(configMaps, 'default', configMap('a')));
    expect(error).toMatchObject({ kind: 'namespaceTerminating', status: 403 });
  });

  it('ends a watch with the error that its stream holds', async () => {
    const { server, client } = await openStage();
    const watch = client.watch(configMaps, { resourceVersion: '1' }, new AbortController().signal);
    const first = watch.next();
    await server.until(() => server.watches().length === 1);
    server.watches()[0]?.fail(new Refusal(410, 'Expired', 'too old resource version: 1 (1000)'));
    expect(await failureOf(first)).toMatchObject({ kind: 'gone', status: 410, reason: 'Expired' });
  });

  it('takes a watch that ends within a line for a broken protocol', async () => {
    const { server, client } = await openStage();
    server.fault({ isWatch: true, status: 200, body: '{"type":"ADDED","object":{"metadata":{' });
    const watch = client.watch(configMaps, { resourceVersion: '1' }, new AbortController().signal);
    expect(await failureOf(watch.next())).toMatchObject({ kind: 'protocol' });
  });

  it('puts events together from whatever parts they arrive in', async () => {
    const { server, client } = await openStage();
    const controller = new AbortController();
    const watch = client.watch(configMaps, { resourceVersion: '1' }, controller.signal);
    const first = watch.next();
    await server.until(() => server.watches().length === 1);
    const line = Buffer.from(`${JSON.stringify({ type: 'ADDED', object: configMap('a', { x: 'ü€' }) })}\n\n`);
    for (const byte of line) server.watches()[0]?.writeBytes(Buffer.from([byte]));
    expect(await first).toMatchObject({ value: { type: 'ADDED', object: { data: { x: 'ü€' } } } });
    controller.abort();
    expect(await watch.next()).toEqual({ done: true, value: undefined });
    await server.until(() => server.watches().length === 0);
  });

  it('does not end an open watch by its limit, however quiet it is', async () => {
    const { server, clientWith } = await openStage();
    const client = clientWith({ timeoutMs: 30 });
    const controller = new AbortController();
    const first = client.watch(configMaps, { resourceVersion: '1' }, controller.signal).next();
    await server.until(() => server.watches().length === 1);
    // By the time that this one is given up the limit is over.
    server.fault({ hang: true });
    expect(await failureOf(client.get(configMaps, a))).toMatchObject({ kind: 'timeout' });
    server.put(configMap('a'), 'configmaps');
    expect(await first).toMatchObject({ value: { type: 'ADDED', object: { metadata: a } } });
    controller.abort();
  });

  it('shows an object in a watch as in a list: its times are the same text', async () => {
    const { server, client } = await openStage();
    const { resourceVersion } = await client.list(configMaps);
    server.put(configMap('a'), 'configmaps');
    const controller = new AbortController();
    const event = await client.watch(configMaps, { resourceVersion }, controller.signal).next();
    controller.abort();
    const { items } = await client.list(configMaps);
    expect(items[0]?.metadata.creationTimestamp).toMatch(/^2.*Z$/);
    expect(event.value).toStrictEqual({ type: 'ADDED', object: items[0] });
  });

  it('keeps what it does not know of an object that it replaces', async () => {
    const { server, client } = await openStage();
    server.put({ ...configMap('a'), ...{ futureField: { x: 1 } } }, 'configmaps');
    const read = await client.get(configMaps, a);
    await client.replace(configMaps, { ...read, data: { y: '2' } });
    expect(server.store.find('v1/configmaps', 'default', 'a')).toMatchObject({
      futureField: { x: 1 },
      data: { y: '2' },
    });
  });

  it('leaves nothing behind on a signal that outlives its calls', async () => {
    const { server, client } = await openStage();
    server.put(configMap('a'), 'configmaps');
    const { signal } = new AbortController();
    const counted = countListeners(signal);
    for (let i = 0; i < 5; i += 1) await client.get(configMaps, a, { signal });
    await failureOf(client.get(configMaps, { ...a, name: 'b' }, { signal }));
    expect(counted()).toBe(0);
  });
});

/** A clock whose timers are due at once. */
function impatient(): ManualClock {
  const clock = new ManualClock();
  return Object.assign(clock, {
    after: (_ms: number, callback: () => void) => {
      queueMicrotask(callback);
      return () => undefined;
    },
  });
}

function countListeners(signal: AbortSignal): () => number {
  const added = vi.spyOn(signal, 'addEventListener');
  const removed = vi.spyOn(signal, 'removeEventListener');
  return () => added.mock.calls.length - removed.mock.calls.length;
}
