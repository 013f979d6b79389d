// For how long marks that wait are relied upon, and what that costs where many of them wait for long.
import { describe, expect, it } from 'vitest';
import { NotKept } from '../../../../webhook/wakeUp.ts';
import { FleetScene } from './fleetScene.ts';
import { settled } from './markScene.ts';

/** Whether each has been answered by now; none is left unhandled. */
function answersOf(waking: readonly Promise<void>[]): (boolean | 'refused')[] {
  const answers: (boolean | 'refused')[] = waking.map(() => false);
  waking.forEach((one, index) => {
    one.then(
      () => (answers[index] = true),
      (error: unknown) => (answers[index] = error instanceof NotKept ? 'refused' : false),
    );
  });
  return answers;
}

describe('many whose marks wait', () => {
  it.each([
    ['before the answers to them', true],
    ['after the answers to them', false],
  ])('cost one write in five seconds, where writes are shown %s', async (_when, isAhead) => {
    const scene = new FleetScene();
    const keys = await scene.waiting('team', 200);
    scene.watchOf('team/p0').isAhead = isAhead;
    for (let second = 0; second < 20; second += 1) {
      scene.clock.advance(1_000);
      await Promise.all(keys.map((key) => scene.wake(key)));
    }
    expect(scene.writes).toHaveLength(4);
    expect(scene.results.filter((result) => result === 'covered')).toHaveLength(20 * 200 - 4);
  });

  it('cost one write for each watch', async () => {
    const scene = new FleetScene();
    const keys = [...(await scene.waiting('team', 20)), ...(await scene.waiting('crew', 20))];
    scene.clock.advance(5_000);
    await Promise.all(keys.map((key) => scene.wake(key)));
    expect(scene.writes).toEqual(['team/p0', 'crew/p0']);
  });

  it('are not answered before the write that they share is kept and shown', async () => {
    const scene = new FleetScene();
    const keys = await scene.waiting('team', 3);
    const watch = scene.watchOf('team/p0');
    const kept = Promise.withResolvers<undefined>();
    scene.answers = kept.promise;
    watch.standsStill = true;
    scene.clock.advance(5_000);
    const answers = answersOf(keys.map((key) => scene.wake(key)));
    await settled();
    expect(answers).toEqual([false, false, false]);
    kept.resolve(undefined);
    await settled();
    expect(answers).toEqual([true, false, false]);
    watch.show();
    await settled();
    expect(answers).toEqual([true, true, true]);
    expect(scene.writes).toEqual(['team/p0']);
  });

  it('do not share what others write in another namespace', async () => {
    const scene = new FleetScene();
    const [anna = ''] = await scene.waiting('team', 1);
    await scene.waiting('crew', 1);
    scene.watchOf(anna).standsStill = true;
    scene.clock.advance(4_000);
    scene.change('crew/new', {});
    await scene.wake('crew/new');
    scene.clock.advance(1_000);
    await scene.wake(anna);
    expect(scene.writes).toEqual(['crew/new', anna]);
  });

  it('share the first mark of another, too', async () => {
    const scene = new FleetScene();
    const [anna = ''] = await scene.waiting('team', 1);
    scene.clock.advance(4_000);
    scene.change('team/new', {});
    await scene.wake('team/new');
    scene.clock.advance(4_000);
    await scene.wake(anna);
    expect(scene.writes).toEqual(['team/new']);
    expect(scene.results.at(-1)).toBe('covered');
  });

  it('do not share it where one of them turns out to have been handled', async () => {
    const scene = new FleetScene();
    const [anna = '', bob = ''] = await scene.waiting('team', 2);
    const kept = Promise.withResolvers<undefined>();
    scene.answers = kept.promise;
    scene.clock.advance(5_000);
    const waking = [scene.wake(anna), scene.wake(bob)];
    await settled();
    expect(scene.writes).toEqual([anna]);
    scene.change(bob, { lastHandledSyncRequest: scene.markOf(bob) });
    kept.resolve(undefined);
    await Promise.all(waking);
    expect(scene.writes).toEqual([anna, bob]);
  });

  it('share it also when they have begun to wait for turns of their own', async () => {
    const scene = new FleetScene();
    const keys = await scene.waiting('team', 100);
    const kept = Promise.withResolvers<undefined>();
    scene.answers = kept.promise;
    scene.clock.advance(5_000);
    const waking = keys.map((key) => scene.wake(key));
    await settled();
    scene.clock.advance(500);
    await settled();
    expect(scene.writes).toHaveLength(32);
    kept.resolve(undefined);
    await Promise.all(waking);
    expect(scene.writes).toHaveLength(32);
  });

  it('wait for a proof as little as for a write: what cannot be had in time is refused', async () => {
    const scene = new FleetScene();
    const keys = await scene.waiting('team', 3);
    scene.answers = new Promise(() => undefined);
    scene.clock.advance(5_000);
    const answers = answersOf(keys.map((key) => scene.wake(key)));
    await settled();
    scene.clock.advance(500);
    await settled();
    expect(scene.writes).toEqual(keys);
    scene.clock.advance(1_500);
    await settled();
    expect(answers).toEqual(['refused', 'refused', 'refused']);
  });
});

describe('where the watch stands still', () => {
  it('each one is answered by a mark of its own, and relies on it for as long as on any', async () => {
    const scene = new FleetScene();
    const keys = await scene.waiting('team', 3);
    scene.watchOf('team/p0').standsStill = true;
    const before = keys.map((key) => scene.markOf(key));
    scene.clock.advance(5_000);
    const answers = answersOf(keys.map((key) => scene.wake(key)));
    await settled();
    expect(answers).toEqual([true, false, false]);
    scene.clock.advance(500);
    await settled();
    expect(answers).toEqual([true, true, true]);
    expect(scene.writes).toEqual(keys);
    keys.forEach((key, index) => expect(scene.markOf(key) > (before[index] ?? '')).toBe(true));
    await Promise.all(keys.map((key) => scene.wake(key)));
    expect(scene.writes).toHaveLength(3);
    scene.clock.advance(5_000);
    void answersOf(keys.map((key) => scene.wake(key)));
    await settled();
    scene.clock.advance(500);
    await settled();
    expect(scene.writes).toHaveLength(6);
  });

  it('what comes for one whose mark is being written waits for that, and for no watch', async () => {
    const scene = new FleetScene();
    const [anna = ''] = await scene.waiting('team', 1);
    const kept = Promise.withResolvers<undefined>();
    scene.answers = kept.promise;
    scene.watchOf(anna).standsStill = true;
    scene.clock.advance(5_000);
    const answers = answersOf([scene.wake(anna), scene.wake(anna)]);
    await settled();
    expect(answers).toEqual([false, false]);
    kept.resolve(undefined);
    await settled();
    expect(answers).toEqual([true, true]);
    expect(scene.writes).toEqual([anna]);
  });

  it('what it shows late of older changes proves nothing', async () => {
    const scene = new FleetScene();
    const [anna = '', bob = ''] = await scene.waiting('team', 2);
    const watch = scene.watchOf(anna);
    watch.standsStill = true;
    // Bob's mark is handled, and that is not shown.
    scene.change('team/other', {});
    scene.change(bob, { lastHandledSyncRequest: scene.markOf(bob) });
    scene.clock.advance(5_000);
    await scene.wake(anna);
    const answers = answersOf([scene.wake(bob)]);
    watch.show(1);
    await settled();
    expect(answers).toEqual([false]);
    expect(scene.writes).toEqual([anna]);
    watch.show();
    await settled();
    expect(answers).toEqual([true]);
    expect(scene.writes).toEqual([anna, bob]);
  });

  it('its end is noticed at once: nobody waits for what it cannot show', async () => {
    const scene = new FleetScene();
    const keys = await scene.waiting('team', 3);
    scene.watchOf('team/p0').isWatching = false;
    await Promise.all(keys.map((key) => scene.wake(key)));
    expect(scene.writes).toEqual(keys);
  });
});

it.each([
  ['has shown', false],
  ['has yet to show', true],
])(
  'a mark that the watch %s is relied upon from when its write began, not from the answer',
  async (_what, standsStill) => {
    const scene = new FleetScene();
    const [anna = ''] = await scene.waiting('team', 1);
    const kept = Promise.withResolvers<undefined>();
    scene.answers = kept.promise;
    scene.watchOf(anna).standsStill = standsStill;
    scene.clock.advance(5_000);
    const waking = scene.wake(anna);
    await settled();
    scene.clock.advance(1_500);
    kept.resolve(undefined);
    await waking;
    scene.clock.advance(3_499);
    await scene.wake(anna);
    expect(scene.writes).toHaveLength(1);
    scene.clock.advance(1);
    await scene.wake(anna);
    expect(scene.writes).toHaveLength(2);
  },
);

it('two replicas that write at the same time never write the same', async () => {
  const scenes = [new FleetScene(), new FleetScene()] as const;
  scenes[1].clock.chance = 0.5;
  const marks = await Promise.all(
    scenes.map(async (scene) => {
      const [anna = ''] = await scene.waiting('team', 1);
      return scene.markOf(anna);
    }),
  );
  expect(marks.map((mark) => Date.parse(mark))).toEqual([scenes[0].clock.now(), scenes[0].clock.now()]);
  expect(marks[0]).not.toBe(marks[1]);
});
