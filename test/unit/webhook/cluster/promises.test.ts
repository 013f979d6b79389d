// What becomes of what was answered, of events about a subscription, and of many at once.
import { beforeEach, describe, expect, it } from 'vitest';
import { NotKept } from '../../../../webhook/wakeUp.ts';
import { KEY, MarkScene, settled } from './markScene.ts';

let scene: MarkScene;
beforeEach(() => {
  scene = new MarkScene();
});

describe('what was answered on the account of a mark', () => {
  async function coveredAndHandled(): Promise<string> {
    const mark = await scene.written();
    scene.clock.advance(1_000);
    await scene.wake();
    scene.shows({ lastHandledSyncRequest: mark });
    await settled();
    return mark;
  }

  it('is served by a run that begins after it', async () => {
    await coveredAndHandled();
    scene.shows({ lastAttemptAt: new Date(scene.clock.now() + 500).toISOString() });
    await settled();
    expect(scene.writes).toHaveLength(1);
  });

  it('waits for the run, however long that takes to begin', async () => {
    await coveredAndHandled();
    scene.clock.advance(60_000);
    scene.marks.noticed(KEY);
    await settled();
    expect(scene.writes).toHaveLength(1);
  });

  it('gets a mark of its own when the run turns out to have begun before it', async () => {
    const mark = await coveredAndHandled();
    scene.shows({ lastAttemptAt: new Date(Date.parse(mark) + 500).toISOString() });
    await settled();
    expect(scene.writes).toHaveLength(2);
    expect(scene.last().mark.syncRequestedAt > mark).toBe(true);
  });

  it('gets a mark of its own when it joined a write that was served before the answer to it came', async () => {
    const first = scene.wake();
    await settled();
    const { mark, succeed } = scene.last();
    scene.clock.advance(1_000);
    const second = scene.wake();
    const ranAt = new Date(Date.parse(mark.syncRequestedAt) + 500).toISOString();
    scene.shows(
      {
        syncRequestedAt: mark.syncRequestedAt,
        lastHandledSyncRequest: mark.syncRequestedAt,
        lastAttemptAt: ranAt,
      },
      { version: '22' },
    );
    succeed('20');
    await Promise.all([first, second]);
    await settled();
    expect(scene.writes).toHaveLength(2);
  });

  it('is tried until it is kept', async () => {
    const mark = await coveredAndHandled();
    scene.shows({ lastAttemptAt: new Date(Date.parse(mark) + 500).toISOString() });
    await settled();
    expect(scene.writes).toHaveLength(2);
    scene.clock.advance(2_500);
    await settled();
    expect(scene.results.at(-1)).toBe('failed');
    scene.clock.advance(1_000);
    await settled();
    expect(scene.writes).toHaveLength(3);
    scene.last().succeed('30');
    await settled();
    scene.shows({ syncRequestedAt: scene.last().mark.syncRequestedAt }, { version: '30' });
    scene.clock.advance(60_000);
    await settled();
    expect(scene.writes).toHaveLength(3);
  });
});

it('an event about the subscription is written whether or not a mark waits', async () => {
  await scene.written();
  const telling = scene.marks.tell({ key: KEY, isActive: true }, 'subscriptionRemoved');
  await settled();
  expect(scene.last().mark).toMatchObject({ subscriptionEvent: { event: 'subscriptionRemoved' } });
  scene.last().succeed();
  await telling;
});

it('events that come while a write is under way share the next one, which says the gravest', async () => {
  const waking = scene.wake();
  const first = scene.marks.tell({ key: KEY, isActive: true }, 'subscriptionRemoved');
  const second = scene.marks.tell({ key: KEY, isActive: true }, 'reauthorizationRequired');
  await settled();
  expect(scene.writes).toHaveLength(1);
  expect(scene.last().mark.subscriptionEvent).toBeUndefined();
  scene.last().succeed();
  await waking;
  await settled();
  expect(scene.writes).toHaveLength(2);
  expect(scene.last().mark).toMatchObject({ subscriptionEvent: { event: 'subscriptionRemoved' } });
  scene.last().succeed();
  await Promise.all([first, second]);
  expect(scene.writes).toHaveLength(2);
});

it('an event does not wait for longer than a notification, whatever it waits for', async () => {
  const waking = expect(scene.wake()).rejects.toBeInstanceOf(NotKept);
  const telling = expect(
    scene.marks.tell({ key: KEY, isActive: true }, 'reauthorizationRequired'),
  ).rejects.toBeInstanceOf(NotKept);
  await settled();
  scene.clock.advance(2_500);
  await waking;
  await settled();
  scene.clock.advance(0);
  await telling;
});

it('writes to many providers are few at a time, and all come to their end', async () => {
  const all = Array.from({ length: 100 }, (_, index) =>
    scene.marks.wake({ key: `team/${index}`, isActive: true }),
  );
  await settled();
  expect(scene.writes).toHaveLength(32);
  expect(scene.marks.waiting).toBe(100);
  for (let done = 0; done < 100; done += 1) {
    scene.writes[done]?.succeed();
    await settled();
  }
  await Promise.all(all);
  expect(scene.marks.waiting).toBe(0);
});

it('what is known of a provider that has gone is forgotten', async () => {
  await scene.written();
  scene.isThere = false;
  scene.marks.noticed(KEY);
  await expect(scene.wake()).resolves.toBeUndefined();
  expect(scene.writes).toHaveLength(1);
});
