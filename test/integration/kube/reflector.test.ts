import { describe, expect, it, vi } from 'vitest';
import { Reflector } from '../../../kube/reflector.ts';
import { Refusal } from '../../harness/apiServer/refusal.ts';
import { never, openWatcher, told, watchOf } from './reflectorScene.ts';
import { configMap, configMaps, openStage } from './stage.ts';

const isList = ({ method, query }: { method: string; query: Readonly<Record<string, string>> }): boolean =>
  method === 'GET' && query['watch'] === undefined;

describe('a reflector', () => {
  it('lists, then follows what is added, changed and deleted, with what was there before', async () => {
    const watcher = await openWatcher();
    watcher.put('a', { x: '1' });
    expect(watcher.reflector.hasSynced).toBe(false);
    await watcher.start();
    expect(watcher.reflector.hasSynced).toBe(true);
    watcher.put('b');
    watcher.put('a', { x: '2' });
    watcher.server.store.delete('v1/configmaps', watcher.server.store.all('v1/configmaps')[1] ?? never());
    await watcher.until(() => watcher.changes.length === 4);
    expect(told(watcher.changes)).toEqual([
      'new default/a',
      'new default/b',
      'changed default/a',
      'gone default/b',
    ]);
    expect(watcher.changes[2]?.previous?.data).toEqual({ x: '1' });
    expect([...watcher.reflector.store.keys()]).toEqual(['default/a']);
    expect(watcher.reflector.lastActivityAt).toBeGreaterThan(0);
  });

  it('watches from where the list ended, with bookmarks, and asks for an end after five to ten minutes', async () => {
    const watcher = await openWatcher();
    await watcher.start();
    const { resourceVersion, allowWatchBookmarks, timeoutSeconds } = watchOf(watcher).query;
    expect([resourceVersion, allowWatchBookmarks]).toEqual([String(watcher.server.store.version), 'true']);
    expect(Number(timeoutSeconds)).toBeGreaterThanOrEqual(300);
    expect(Number(timeoutSeconds)).toBeLessThanOrEqual(600);
  });

  it('reads a long list in pages', async () => {
    const watcher = await openWatcher();
    for (let i = 0; i < 1_100; i += 1) watcher.put(`n${i}`);
    await watcher.start();
    expect(watcher.reflector.store.size).toBe(1_100);
    expect(watcher.server.requests.filter(isList).map(({ query }) => query['limit'])).toEqual([
      '500',
      '500',
      '500',
    ]);
  });

  it('begins a list anew whose pages have expired while it was read', async () => {
    const watcher = await openWatcher();
    for (let i = 0; i < 600; i += 1) watcher.put(`n${i}`);
    watcher.server.fault({ path: 'configmaps', status: 500 });
    const first = watcher.server.until(() => watcher.server.requests.filter(isList).length === 2);
    void first.then(() => {
      watcher.server.fault({
        path: 'configmaps',
        isWatch: false,
        status: 410,
        body: new Refusal(410, 'Expired', 'old').body,
      });
    });
    await watcher.start();
    expect(watcher.reflector.store.size).toBe(600);
    expect(watcher.server.requests.filter(isList).map(({ status }) => status)).toContain(410);
    expect(watcher.reflector.relists).toBe(0);
  });

  it('comes through lists that fail', async () => {
    const watcher = await openWatcher();
    watcher.put('a');
    watcher.server.fault({ isWatch: false, status: 500, times: 2 });
    watcher.server.fault({ isWatch: false, status: 403 });
    watcher.server.fault({ isWatch: false, reset: true });
    watcher.server.fault({ isWatch: false, status: 200, body: '{"items": [' });
    await watcher.start();
    expect(told(watcher.changes)).toEqual(['new default/a']);
  });

  it('does not watch what it has listed only in part', async () => {
    const watcher = await openWatcher();
    for (let i = 0; i < 600; i += 1) watcher.put(`n${i}`);
    // The second page fails.
    const second = watcher.server.until(() => watcher.server.requests.length === 1);
    void second.then(() => watcher.server.fault({ isWatch: false, status: 500 }));
    await watcher.start();
    expect(watcher.server.requests.map(({ status, query }) => [status, query['watch']])).toEqual([
      [200, undefined],
      [500, undefined],
      [200, undefined],
      [200, undefined],
      [200, 'true'],
    ]);
    expect(watcher.reflector.store.size).toBe(600);
  });

  it.each([
    ['a watch refused with 403', { isWatch: true, status: 403, times: 2 }],
    ['a watch refused with 500', { isWatch: true, status: 500, times: 2 }],
    ['a watch whose connection is reset', { isWatch: true, reset: true, times: 2 }],
    ['a watch answered with no event', { isWatch: true, status: 200, body: '<html>' }],
    [
      'a watch answered with half an event',
      { isWatch: true, status: 200, body: '{"type":"ADDED","object":{"me' },
    ],
  ])('resumes without a list after %s', async (_name, fault) => {
    const watcher = await openWatcher();
    watcher.server.fault(fault);
    await watcher.start();
    watcher.put('a');
    await watcher.until(() => watcher.changes.length === 1);
    expect(watcher.server.requests.filter(isList)).toHaveLength(1);
    expect(watcher.reflector.reconnects).toBe('times' in fault ? fault.times : 1);
  });

  it.each(['reset', 'end', 'half a line', 'no JSON', 'an error of the server'])(
    'resumes from the last event when an open watch breaks: %s',
    async (how) => {
      const watcher = await openWatcher();
      await watcher.start();
      watcher.put('a');
      await watcher.until(() => watcher.changes.length === 1);
      const watch = watchOf(watcher);
      const last = watcher.server.store.version;
      if (how === 'half a line') watch.write('{"type":"MODIFIED","object":{"metadata"');
      if (how === 'no JSON') watch.write('that is no JSON\n');
      if (how === 'an error of the server') watch.fail(new Refusal(500, 'InternalError', 'etcd is away'));
      else if (how === 'reset') watch.reset();
      else watch.end();
      watcher.put('b');
      await watcher.until(() => watcher.changes.length === 2);
      expect(told(watcher.changes)).toEqual(['new default/a', 'new default/b']);
      expect(watchOf(watcher).query['resourceVersion']).toBe(String(last));
      expect(watcher.reflector.relists).toBe(0);
    },
  );

  it.each(['by HTTP', 'in the stream'])('lists anew when its version is gone, told %s', async (how) => {
    const watcher = await openWatcher();
    watcher.put('a');
    watcher.put('b');
    await watcher.start();
    if (how === 'by HTTP')
      watcher.server.fault({ isWatch: true, status: 410, body: new Refusal(410, 'Expired', 'old').body });
    const { server } = watcher;
    // What happens unseen: one goes, one stays as it is, one comes. The history of it is gone, too.
    watchOf(watcher).mute();
    server.store.delete('v1/configmaps', server.store.find('v1/configmaps', 'default', 'a') ?? never());
    watcher.put('c');
    if (how === 'in the stream') server.store.compact();
    watchOf(watcher).end();
    await watcher.until(() => watcher.changes.length === 4);
    expect(told(watcher.changes)).toEqual([
      'new default/a',
      'new default/b',
      'new default/c',
      'gone default/a',
    ]);
    expect(watcher.reflector.relists).toBe(1);
  });

  it('takes a bookmark for progress', async () => {
    const watcher = await openWatcher();
    await watcher.start();
    watcher.server.put(
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'default' } },
      'secrets',
    );
    watchOf(watcher).bookmark();
    watchOf(watcher).end();
    await watcher.server.until(
      () => watcher.reflector.reconnects === 1 && watcher.server.watches().length === 1,
    );
    expect(watchOf(watcher).query['resourceVersion']).toBe(String(watcher.server.store.version));
  });

  it('is not led astray by events that come twice or late', async () => {
    const watcher = await openWatcher();
    await watcher.start();
    watcher.put('a', { x: '1' });
    const old = watcher.server.store.find('v1/configmaps', 'default', 'a') ?? never();
    watcher.put('a', { x: '2' });
    const now = watcher.server.store.find('v1/configmaps', 'default', 'a') ?? never();
    for (const object of [now, old]) watchOf(watcher).writeLine({ type: 'MODIFIED', object });
    watchOf(watcher).writeLine({ type: 'DELETED', object: old });
    watcher.put('b');
    await watcher.until(() => told(watcher.changes).includes('new default/b'));
    expect(told(watcher.changes)).toEqual(['new default/a', 'changed default/a', 'new default/b']);
    expect(watcher.reflector.store.get('default/a')?.data).toEqual({ x: '2' });
  });

  it('shows that a name was given to a new object, also when it saw neither the end nor the begin', async () => {
    const watcher = await openWatcher();
    watcher.put('a');
    await watcher.start();
    watchOf(watcher).mute();
    const first = watcher.server.store.find('v1/configmaps', 'default', 'a') ?? never();
    watcher.server.store.delete('v1/configmaps', first);
    watcher.put('a');
    watcher.server.store.compact();
    watchOf(watcher).end();
    await watcher.until(() => watcher.changes.length === 2);
    const { object, previous } = watcher.changes[1] ?? never();
    expect(previous?.metadata.uid).toBe(first.metadata.uid);
    expect(object?.metadata.uid).not.toBe(first.metadata.uid);
  });

  it('connects anew when a watch is silent for too long', async () => {
    const watcher = await openWatcher({ silenceMs: 50 });
    await watcher.start();
    const silent = watchOf(watcher);
    silent.mute();
    watcher.put('a');
    await watcher.until(() => watcher.changes.length === 1);
    expect(silent.isOpen).toBe(false);
    expect(watcher.server.requests.filter(isList)).toHaveLength(1);
  });

  it('lists anew from time to time, whatever the watch says, and tells only what differs', async () => {
    const watcher = await openWatcher({ relistEveryMs: 50 });
    watcher.put('a');
    watcher.put('b');
    await watcher.start();
    const relist = watcher.server.until(() => watcher.server.requests.filter(isList).length >= 3);
    watchOf(watcher).mute();
    watcher.put('b', { x: '1' });
    await relist;
    await watcher.until(() => watcher.changes.length === 3);
    expect(told(watcher.changes)).toEqual(['new default/a', 'new default/b', 'changed default/b']);
  });

  it('lives on when a handler throws, and does not tell the same again', async () => {
    const watcher = await openWatcher({
      onChange: () => {
        throw new Error('A bug in a handler');
      },
    });
    watcher.put('a');
    await watcher.start();
    watcher.put('b');
    await watcher.until(() => watcher.changes.length === 2);
    watchOf(watcher).end();
    watcher.put('c');
    await watcher.until(() => watcher.changes.length === 3);
    expect(told(watcher.changes)).toEqual(['new default/a', 'new default/b', 'new default/c']);
  });

  it('comes through credentials that cannot be read when it connects anew', async () => {
    const watcher = await openWatcher();
    await watcher.start();
    let left = 3;
    const headers = (): Promise<Record<string, string>> =>
      (left -= 1) < 0 ? Promise.resolve({}) : Promise.reject(new Error('The token cannot be read'));
    Object.assign(watcher.connection, { headers });
    watchOf(watcher).end();
    watcher.put('a');
    await watcher.until(() => watcher.changes.length === 1);
    expect(left).toBeLessThan(0);
    expect(watcher.reflector.relists).toBe(0);
  });

  it('drops managedFields, and what it is told to', async () => {
    const watcher = await openWatcher({ reduce: ({ data: _dropped, ...rest }) => rest });
    const object = { ...configMap('a', { x: '1' }) };
    const metadata = { ...object.metadata, managedFields: [{ manager: 'm' }], labels: { l: '1' } };
    watcher.server.put({ ...object, metadata }, 'configmaps');
    await watcher.start();
    const stored = watcher.reflector.store.get('default/a');
    expect(stored?.metadata.labels).toEqual({ l: '1' });
    expect(stored?.metadata).not.toHaveProperty('managedFields');
    expect(stored).not.toHaveProperty('data');
  });

  it('is watching while a watch is open, and not before, between two, or after', async () => {
    const watcher = await openWatcher();
    const { reflector, server } = watcher;
    expect(reflector.isWatching).toBe(false);
    await watcher.start();
    await vi.waitUntil(() => reflector.isWatching);
    const held = Promise.withResolvers<undefined>();
    server.fault({ isWatch: true, holdUntil: held.promise });
    watchOf(watcher).end();
    await server.until(() => server.requests.filter((request) => !isList(request)).length === 2);
    expect(reflector.isWatching).toBe(false);
    held.resolve(undefined);
    await vi.waitUntil(() => reflector.isWatching);
    await watcher.stop();
    expect(reflector.isWatching).toBe(false);
  });

  it('can be stopped while it lists: nothing is told and no watch begins', async () => {
    const { server, client } = await openStage();
    server.put(configMap('a'), 'configmaps');
    const held = Promise.withResolvers<undefined>();
    server.fault({ isWatch: false, holdUntil: held.promise });
    const changes: unknown[] = [];
    const reflector = new Reflector({
      client,
      resource: configMaps,
      onChange: (change) => changes.push(change),
    });
    const controller = new AbortController();
    const running = reflector.run(controller.signal);
    await server.until(() => server.requests.length === 1);
    controller.abort();
    held.resolve(undefined);
    await running;
    expect([changes, server.requests.length, reflector.hasSynced]).toEqual([[], 1, false]);
  });

  it('can be stopped while it watches, and while it waits after a failure', async () => {
    const watcher = await openWatcher();
    await watcher.start();
    await watcher.stop();
    await watcher.server.until(() => watcher.server.watches().length === 0);
    const failing = await openStage();
    failing.server.fault({ status: 500, times: 1_000 });
    const controller = new AbortController();
    const reflector = new Reflector({
      client: failing.client,
      resource: configMaps,
      baseDelayMs: 3_600_000,
      onChange: () => undefined,
    });
    const running = reflector.run(controller.signal);
    await failing.server.until(() => failing.server.requests.some(({ status }) => status === 500));
    await vi.waitUntil(() => reflector.lastTurnAt > 0);
    controller.abort();
    await running;
    expect(failing.server.requests).toHaveLength(1);
    expect(reflector.lastActivityAt).toBe(0);
    expect(reflector.lastTurnAt).toBeGreaterThan(0);
  });
});
