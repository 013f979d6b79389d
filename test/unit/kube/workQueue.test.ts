import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type WorkOptions, WorkQueue, type WorkQueueOptions } from '../../../kube/workQueue.ts';
import { ManualClock } from '../../harness/apiServer/manualClock.ts';

interface Run {
  readonly key: string;
  readonly end: () => void;
  readonly fail: () => void;
  readonly requeue: (ms: number) => void;
}

interface Scene {
  readonly queue: WorkQueue;
  readonly clock: ManualClock;
  /** All runs so far, in the order of their begin. */
  readonly runs: Run[];
  readonly keys: () => string[];
  readonly start: (workers?: number) => void;
  readonly stop: () => Promise<void>;
}

function openScene(options: WorkQueueOptions = {}): Scene {
  const clock = new ManualClock();
  const queue = new WorkQueue({ clock, ...options });
  const controller = new AbortController();
  const runs: Run[] = [];
  let running = Promise.resolve();
  const handle: WorkOptions['handle'] = (key) => {
    const { promise, resolve, reject } = Promise.withResolvers<{ requeueAfterMs?: number } | undefined>();
    const requeue = (ms: number): void => resolve({ requeueAfterMs: ms });
    runs.push({ key, end: () => resolve(undefined), fail: () => reject(new Error('Failed')), requeue });
    return promise;
  };
  const stop = async (): Promise<void> => {
    controller.abort();
    await running;
  };
  onTestFinished(() => {
    for (const { end } of runs) end();
    return stop();
  });
  const start = (workers = 1): void => {
    running = queue.run({ workers, handle, signal: controller.signal });
  };
  return { queue, clock, runs, keys: () => runs.map(({ key }) => key), start, stop };
}

/** Until all that can happen without time passing has happened. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}

describe('a work queue', () => {
  it('works on keys in their order, as many at once as it has workers', async () => {
    const { queue, runs, keys, start } = openScene();
    for (const key of ['a', 'b', 'c']) queue.add(key);
    expect(queue.depth).toBe(3);
    start(2);
    await settle();
    expect(keys()).toEqual(['a', 'b']);
    runs[1]?.end();
    await settle();
    expect(keys()).toEqual(['a', 'b', 'c']);
  });

  it('takes many adds of a waiting key for one', async () => {
    const { queue, runs, keys, start } = openScene();
    for (let i = 0; i < 5; i += 1) queue.add('a');
    start();
    await settle();
    runs[0]?.end();
    await settle();
    expect(keys()).toEqual(['a']);
  });

  it('runs a key once more, and not at the same time, that was added while it was worked on', async () => {
    const { queue, runs, keys, start } = openScene();
    queue.add('a');
    start(3);
    await settle();
    for (let i = 0; i < 5; i += 1) queue.add('a');
    await settle();
    expect(keys()).toEqual(['a']);
    runs[0]?.end();
    await settle();
    runs[1]?.end();
    await settle();
    expect(keys()).toEqual(['a', 'a']);
  });

  it('of several delays takes the earliest, and an add does not take it away', async () => {
    const { queue, clock, runs, keys, start } = openScene();
    start();
    for (const ms of [500, 300, 400]) queue.addAfter('a', ms);
    queue.add('a');
    await settle();
    runs[0]?.end();
    await settle();
    clock.advance(299);
    await settle();
    expect(keys()).toEqual(['a']);
    clock.advance(1);
    await settle();
    runs[1]?.end();
    clock.advance(1_000);
    await settle();
    expect(keys()).toEqual(['a', 'a']);
  });

  it('tries again what failed, after pauses that double up to a limit, until it succeeds', async () => {
    const { queue, clock, runs, start } = openScene({ baseDelayMs: 1_000, maxDelayMs: 5_000 });
    start();
    queue.add('a');
    const pauses: (number | undefined)[] = [];
    for (let i = 0; i < 5; i += 1) {
      await settle();
      runs[i]?.fail();
      await settle();
      pauses.push(clock.pending()[0]);
      clock.advance(5_000);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    await settle();
    runs[5]?.end();
    await settle();
    queue.addRateLimited('a');
    expect(clock.pending()).toEqual([1_000]);
  });

  it('waits for up to a quarter less, by chance, and not at all longer after a forget', () => {
    const { queue, clock } = openScene();
    clock.chance = 1;
    queue.addRateLimited('a');
    expect(clock.pending()).toEqual([750]);
    clock.chance = 0;
    queue.addRateLimited('b');
    queue.forget('b');
    clock.advance(1_000);
    queue.addRateLimited('b');
    expect(clock.pending()).toEqual([1_000]);
  });

  it('comes back to a key when its work asked for it', async () => {
    const { queue, clock, runs, keys, start } = openScene();
    start();
    queue.add('a');
    await settle();
    runs[0]?.requeue(60_000);
    await settle();
    expect(clock.pending()).toEqual([60_000]);
    clock.advance(60_000);
    await settle();
    expect(keys()).toEqual(['a', 'a']);
  });

  it('ends when what was under way has ended; what waits is dropped, and nothing comes any more', async () => {
    const { queue, clock, runs, keys, start, stop } = openScene();
    start(2);
    for (const key of ['a', 'b', 'c']) queue.add(key);
    queue.addAfter('d', 100);
    await settle();
    let isStopped = false;
    const stopped = stop().then(() => {
      isStopped = true;
    });
    runs[0]?.end();
    await settle();
    expect(isStopped).toBe(false);
    runs[1]?.fail();
    await stopped;
    queue.add('e');
    queue.addAfter('f', 1);
    expect([keys(), queue.depth, clock.pending()]).toEqual([['a', 'b'], 0, []]);
  });

  it('ends at once when it has nothing to do, or was stopped before it began', async () => {
    const idle = openScene();
    idle.start(3);
    await settle();
    await idle.stop();
    const { queue } = openScene();
    queue.add('a');
    await queue.run({
      workers: 1,
      signal: AbortSignal.abort(),
      handle: () => Promise.reject<undefined>(new Error('Never')),
    });
  });

  it('tells its observer what client-go tells', async () => {
    const told: string[] = [];
    const scene = openScene({
      observer: {
        depth: (keys) => told.push(`depth ${keys}`),
        added: () => told.push('added'),
        queueDuration: (ms) => told.push(`queued ${ms}`),
        workDuration: (ms) => told.push(`worked ${ms}`),
        retried: () => told.push('retried'),
      },
    });
    scene.queue.add('a');
    scene.clock.advance(10);
    scene.start();
    await settle();
    scene.clock.advance(20);
    expect(scene.queue.unfinished()).toEqual({ totalMs: 20, longestMs: 20 });
    scene.runs[0]?.fail();
    await settle();
    expect(told).toEqual(['added', 'depth 1', 'depth 0', 'queued 10', 'worked 20', 'retried']);
    expect(scene.queue.unfinished()).toEqual({ totalMs: 0, longestMs: 0 });
  });
});

type Act =
  | { readonly do: 'add' | 'addRateLimited' | 'end' | 'fail'; readonly key: string }
  | { readonly do: 'addAfter'; readonly key: string; readonly ms: number }
  | { readonly do: 'advance'; readonly ms: number };

const key = fc.constantFrom('a', 'b', 'c');
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ do: fc.constantFrom('add', 'addRateLimited', 'end', 'fail'), key }),
  fc.record({ do: fc.constant('addAfter'), key, ms: fc.nat(5_000) }),
  fc.record({ do: fc.constant('advance'), ms: fc.nat(10_000) }),
);

/** What is under way, by key, and whether it ever was so twice at once. */
class Workshop {
  readonly open = new Map<string, PromiseWithResolvers<undefined>>();
  /** Keys for which something was asked that no run has begun after. */
  readonly owed = new Set<string>();
  most = 0;
  wasTwice = false;

  readonly handle = (name: string): Promise<undefined> => {
    this.wasTwice ||= this.open.has(name);
    this.owed.delete(name);
    const run = Promise.withResolvers<undefined>();
    this.open.set(name, run);
    this.most = Math.max(this.most, this.open.size);
    return run.promise;
  };

  end(name: string, isFailure: boolean): void {
    const run = this.open.get(name);
    this.open.delete(name);
    if (!isFailure) run?.resolve(undefined);
    else if (run !== undefined) {
      // A failed run owes another one.
      this.owed.add(name);
      run.reject(new Error('Failed'));
    }
  }

  async drain(clock: ManualClock): Promise<void> {
    for (let round = 0; round < 50 && (this.open.size > 0 || clock.pending().length > 0); round += 1) {
      for (const name of [...this.open.keys()]) this.end(name, false);
      await settle();
      clock.advance(400_000);
      await settle();
    }
  }
}

function perform(queue: WorkQueue, clock: ManualClock, shop: Workshop, next: Act): void {
  if (next.do === 'advance') clock.advance(next.ms);
  else if (next.do === 'end' || next.do === 'fail') shop.end(next.key, next.do === 'fail');
  else {
    shop.owed.add(next.key);
    if (next.do === 'addAfter') queue.addAfter(next.key, next.ms);
    else queue[next.do](next.key);
  }
}

it('whatever happens to a work queue: no key twice at once, no more at once than workers, nothing asked for is lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      async (acts, workers) => {
        const clock = new ManualClock();
        const queue = new WorkQueue({ clock });
        const shop = new Workshop();
        const controller = new AbortController();
        const running = queue.run({ workers, handle: shop.handle, signal: controller.signal });
        for (const next of acts) {
          perform(queue, clock, shop, next);
          await settle();
        }
        await shop.drain(clock);
        controller.abort();
        await running;
        expect([shop.wasTwice, [...shop.owed], shop.open.size]).toEqual([false, [], 0]);
        expect(shop.most).toBeLessThanOrEqual(workers);
      },
    ),
  );
});
