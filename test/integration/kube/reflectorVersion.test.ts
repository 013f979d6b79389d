// Up to which version a reflector says that its store is complete.
import { expect, test, vi } from 'vitest';
import { Refusal } from '../../harness/apiServer/refusal.ts';
import { openWatcher, type Watcher, watchOf } from './reflectorScene.ts';

test('it is told by a list, an event and a bookmark, and what it speaks for is in the store before', async () => {
  const shown: (string | undefined)[] = [];
  const watcher: Watcher = await openWatcher({
    onChange: () => shown.push(watcher.reflector.resourceVersion),
  });
  const { reflector, server } = watcher;
  expect(reflector.resourceVersion).toBeUndefined();
  await watcher.start();
  const listed = String(server.store.version);
  expect(reflector.resourceVersion).toBe(listed);
  watcher.put('a');
  await watcher.until(() => watcher.changes.length === 1);
  expect(shown).toEqual([listed]);
  await vi.waitUntil(() => reflector.resourceVersion === String(server.store.version));
  const later = server.store.version + 10;
  watchOf(watcher).bookmark(later);
  await vi.waitUntil(() => reflector.resourceVersion === String(later));
});

test('it is unknown while it is too old to be watched from, until the next list is complete', async () => {
  const watcher = await openWatcher();
  await watcher.start();
  const listing = Promise.withResolvers<undefined>();
  const { reflector, server } = watcher;
  server.fault({ isWatch: true, status: 410, body: new Refusal(410, 'Expired', 'old').body });
  server.fault({ method: 'GET', isWatch: false, holdUntil: listing.promise });
  watchOf(watcher).end();
  await vi.waitUntil(() => reflector.resourceVersion === undefined);
  listing.resolve(undefined);
  await vi.waitUntil(() => reflector.resourceVersion === String(server.store.version));
});
