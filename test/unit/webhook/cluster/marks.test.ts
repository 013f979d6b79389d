// When a notification may be answered: the marks that wait, and those that are written.
import { beforeEach, describe, expect, it } from 'vitest';
import { KubeError } from '../../../../kube/errors.ts';
import { NotKept } from '../../../../webhook/wakeUp.ts';
import { KEY, MarkScene, settled } from './markScene.ts';

let scene: MarkScene;
beforeEach(() => {
  scene = new MarkScene();
});

describe('a notification', () => {
  it('is answered when the API server has kept its mark, and not before', async () => {
    let isAnswered = false;
    const waking = scene.wake().then(() => (isAnswered = true));
    await settled();
    expect(scene.writes).toHaveLength(1);
    expect(isAnswered).toBe(false);
    scene.last().succeed();
    await waking;
    expect(scene.results).toEqual(['written']);
  });

  it('shares the write of another that is under way', async () => {
    const all = [scene.wake(), scene.wake(), scene.wake()];
    await settled();
    expect(scene.writes).toHaveLength(1);
    scene.last().succeed();
    await Promise.all(all);
  });

  it('is answered at once while a mark waits for its Job', async () => {
    await scene.written();
    await scene.wake();
    await scene.wake();
    expect(scene.writes).toHaveLength(1);
    expect(scene.results).toEqual(['written', 'covered', 'covered']);
  });

  it('is answered at once where another replica has written the mark that waits', async () => {
    const first = await scene.written();
    scene.shows({ lastHandledSyncRequest: first }, { version: '21' });
    scene.shows({ syncRequestedAt: '2026-11-25T10:00:00.000Z' }, { version: '22' });
    await scene.wake();
    expect(scene.writes).toHaveLength(1);
  });

  it('gets a mark of its own once a Job was made for the one before, later than that one', async () => {
    const first = await scene.written();
    scene.shows({ lastHandledSyncRequest: `by-hand,${first}` });
    void scene.wake();
    await settled();
    expect(scene.writes).toHaveLength(2);
    expect(scene.last().mark.syncRequestedAt > first).toBe(true);
  });

  it('does not rely on a mark for longer than a few seconds', async () => {
    await scene.written();
    scene.clock.advance(5_001);
    void scene.wake();
    await settled();
    expect(scene.writes).toHaveLength(2);
  });

  it('does not rely on a mark while the watch is broken', async () => {
    await scene.written();
    scene.watch.isWatching = false;
    void scene.wake();
    await settled();
    expect(scene.writes).toHaveLength(2);
  });

  it('is refused when nothing can be kept in time, after further tries', async () => {
    const waking = expect(scene.wake()).rejects.toBeInstanceOf(NotKept);
    await settled();
    scene.last().fail(new KubeError('server', 'Patch: 500'));
    await settled();
    scene.clock.advance(100);
    await settled();
    expect(scene.writes).toHaveLength(2);
    scene.last().fail(new KubeError('network', 'Patch: no answer'));
    await settled();
    scene.clock.advance(2_500);
    await settled();
    await waking;
    expect(scene.results.at(-1)).toBe('failed');
  });

  it('is refused when the API server never answers', async () => {
    const waking = expect(scene.wake()).rejects.toBeInstanceOf(NotKept);
    await settled();
    scene.clock.advance(2_500);
    await waking;
  });

  it('of nobody any more is answered', async () => {
    const waking = scene.wake();
    await settled();
    scene.last().fail(new KubeError('notFound', 'Patch', { status: 404, reason: 'NotFound' }));
    await waking;
    expect(scene.results).toEqual(['gone']);
  });

  it('of a provider that was made anew under its name is answered, and the new one is left alone', async () => {
    const waking = scene.wake();
    await settled();
    scene.uid = 'another';
    scene.last().fail(new KubeError('conflict', 'Patch', { status: 409, reason: 'Conflict' }));
    await settled();
    scene.clock.advance(100);
    await waking;
    expect(scene.writes).toHaveLength(1);
    expect(scene.results).toEqual(['gone']);
  });

  it.each([
    ['a provider that others write into all the time', new KubeError('conflict', 'Patch', { status: 409 })],
    ['a proxy that knows of nothing', new KubeError('notFound', 'Patch', { status: 404 })],
  ])('is not taken for kept because of %s', async (_what, error) => {
    const waking = scene.wake();
    await settled();
    scene.last().fail(error);
    await settled();
    scene.clock.advance(100);
    await settled();
    expect(scene.writes).toHaveLength(2);
    scene.last().succeed();
    await waking;
    expect(scene.results).toEqual(['written']);
  });

  it('is refused at once where the right is missing, and the log says so once', async () => {
    for (let come = 0; come < 3; come += 1) {
      const waking = expect(scene.wake()).rejects.toBeInstanceOf(NotKept);
      await settled();
      scene.last().fail(new KubeError('forbidden', 'Patch: forbidden', { status: 403 }));
      await waking;
    }
    expect(scene.writes).toHaveLength(3);
    expect(scene.complaints).toEqual([expect.objectContaining({ provider: KEY, kind: 'forbidden' })]);
  });

  it('does not hide a bug', async () => {
    const waking = expect(scene.wake()).rejects.toBeInstanceOf(TypeError);
    await settled();
    scene.last().fail(new TypeError('undefined is no function'));
    await waking;
  });

  it('does not rely on a mark that the watch has only just told of: it may be late', async () => {
    scene.shows({ syncRequestedAt: '2026-01-01T00:00:00.000Z' }, { version: '11' });
    void scene.wake();
    await settled();
    expect(scene.writes).toHaveLength(1);
  });

  it('relies on its own mark before the watch shows it', async () => {
    const waking = scene.wake();
    await settled();
    scene.last().succeed('20');
    await waking;
    scene.shows({ phase: 'Connected' }, { version: '15' });
    await scene.wake();
    expect(scene.results).toEqual(['written', 'covered']);
  });

  it('does not rely on its own mark when another replica, whose clock is behind, has written over it', async () => {
    const first = await scene.written();
    const theirs = new Date(Date.parse(first) - 60_000).toISOString();
    scene.shows({ syncRequestedAt: theirs }, { version: '21' });
    scene.shows({ lastHandledSyncRequest: theirs }, { version: '22' });
    void scene.wake();
    await settled();
    expect(scene.writes).toHaveLength(2);
  });
});
