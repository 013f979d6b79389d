// When a notification may be answered: the marks that wait, those that are written, and those that came too late.
import { beforeEach, describe, expect, it } from 'vitest';
import { KubeError } from '../../../../kube/errors.ts';
import { silent } from '../../../../kube/log.ts';
import { type KnownProvider, reduceProvider } from '../../../../webhook/cluster/knownProvider.ts';
import { type Mark, type MarkResult, Marks } from '../../../../webhook/cluster/marks.ts';
import { NotKept } from '../../../../webhook/wakeUp.ts';
import { ManualClock } from '../../../harness/apiServer/manualClock.ts';

const KEY = 'team/anna';

interface Write {
  readonly mark: Mark;
  readonly succeed: () => void;
  readonly fail: (error: Error) => void;
}

let clock: ManualClock;
let status: Record<string, unknown>;
let isThere: boolean;
let isFollowed: boolean;
let writes: Write[];
let results: MarkResult[];
let marks: Marks;

const anna = (): KnownProvider =>
  reduceProvider({
    apiVersion: 'outlooksync.dev/v1alpha1',
    kind: 'OutlookProvider',
    metadata: { namespace: 'team', name: 'anna', uid: 'uid-of-anna' },
    spec: { emailAddress: 'anna@contoso.example' },
    status,
  } as never);

beforeEach(() => {
  clock = new ManualClock();
  status = {};
  isThere = true;
  isFollowed = true;
  writes = [];
  results = [];
  marks = new Marks({
    lookUp: () => (isThere ? anna() : undefined),
    isFollowed: () => isFollowed,
    write: (_provider, mark, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
        writes.push({ mark, succeed: () => resolve(), fail: reject });
      }),
    writeTimeoutMs: 2_500,
    log: silent,
    clock,
    onResult: (result) => results.push(result),
  });
});

const wake = (): Promise<void> => marks.wake({ key: KEY, isActive: true });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const last = (): Write => {
  const write = writes.at(-1);
  if (write === undefined) throw new Error('Nothing was written');
  return write;
};

/** Writes a mark and lets the cache show it. */
async function written(): Promise<string> {
  const waking = wake();
  await settled();
  last().succeed();
  await waking;
  status['syncRequestedAt'] = last().mark.syncRequestedAt;
  marks.noticed(KEY);
  return last().mark.syncRequestedAt;
}

describe('a notification', () => {
  it('is answered when the API server has kept its mark, and not before', async () => {
    let isAnswered = false;
    const waking = wake().then(() => (isAnswered = true));
    await settled();
    expect(writes).toHaveLength(1);
    expect(isAnswered).toBe(false);
    last().succeed();
    await waking;
    expect(results).toEqual(['written']);
  });

  it('shares the write of another that is under way', async () => {
    const all = [wake(), wake(), wake()];
    await settled();
    expect(writes).toHaveLength(1);
    last().succeed();
    await Promise.all(all);
  });

  it('is answered at once while a mark waits for its Job', async () => {
    await written();
    await wake();
    await wake();
    expect(writes).toHaveLength(1);
    expect(results).toEqual(['written', 'covered', 'covered']);
  });

  it('is answered at once where another replica has written the mark that waits', async () => {
    status['syncRequestedAt'] = '2026-11-25T10:00:00.000Z';
    await wake();
    expect(writes).toHaveLength(0);
  });

  it('gets a mark of its own once a Job was made for the one before, later than that one', async () => {
    const first = await written();
    status['lastHandledSyncRequest'] = `by-hand,${first}`;
    marks.noticed(KEY);
    void wake();
    await settled();
    expect(writes).toHaveLength(2);
    expect(last().mark.syncRequestedAt > first).toBe(true);
  });

  it('does not rely on a mark for longer than a few seconds', async () => {
    await written();
    clock.advance(5_001);
    void wake();
    await settled();
    expect(writes).toHaveLength(2);
  });

  it('does not rely on a mark while the watch is broken', async () => {
    await written();
    isFollowed = false;
    void wake();
    await settled();
    expect(writes).toHaveLength(2);
  });

  it('is refused when nothing can be kept in time, after further tries', async () => {
    const waking = expect(wake()).rejects.toBeInstanceOf(NotKept);
    await settled();
    last().fail(new KubeError('server', 'Patch: 500'));
    await settled();
    clock.advance(100);
    await settled();
    expect(writes).toHaveLength(2);
    last().fail(new KubeError('network', 'Patch: no answer'));
    await settled();
    clock.advance(2_500);
    await settled();
    await waking;
    expect(results.at(-1)).toBe('failed');
  });

  it('is refused when the API server never answers', async () => {
    const waking = expect(wake()).rejects.toBeInstanceOf(NotKept);
    await settled();
    clock.advance(2_500);
    await waking;
  });

  it.each(['notFound', 'conflict'] as const)('of nobody any more is answered (%s)', async (kind) => {
    const waking = wake();
    await settled();
    last().fail(new KubeError(kind, 'Patch'));
    await waking;
    expect(results).toEqual(['gone']);
  });
});

describe('what was answered on the account of a mark', () => {
  async function coveredAndHandled(): Promise<string> {
    const mark = await written();
    clock.advance(1_000);
    await wake();
    status['lastHandledSyncRequest'] = mark;
    marks.noticed(KEY);
    await settled();
    return mark;
  }

  it('is served by a run that begins after it', async () => {
    await coveredAndHandled();
    status['lastAttemptAt'] = new Date(clock.now() + 500).toISOString();
    marks.noticed(KEY);
    await settled();
    expect(writes).toHaveLength(1);
  });

  it('waits for the run, however long that takes to begin', async () => {
    await coveredAndHandled();
    clock.advance(60_000);
    marks.noticed(KEY);
    await settled();
    expect(writes).toHaveLength(1);
  });

  it('gets a mark of its own when the run turns out to have begun before it', async () => {
    const mark = await coveredAndHandled();
    status['lastAttemptAt'] = new Date(Date.parse(mark) + 500).toISOString();
    marks.noticed(KEY);
    await settled();
    expect(writes).toHaveLength(2);
    expect(last().mark.syncRequestedAt > mark).toBe(true);
  });
});

it('an event about the subscription is written whether or not a mark waits', async () => {
  await written();
  const telling = marks.tell({ key: KEY, isActive: true }, 'subscriptionRemoved');
  await settled();
  expect(last().mark).toMatchObject({ subscriptionEvent: { event: 'subscriptionRemoved' } });
  last().succeed();
  await telling;
});

it('writes to many providers are few at a time, and all come to their end', async () => {
  const all = Array.from({ length: 100 }, (_, index) => marks.wake({ key: `team/${index}`, isActive: true }));
  await settled();
  expect(writes).toHaveLength(32);
  expect(marks.waiting).toBe(100);
  for (let done = 0; done < 100; done += 1) {
    writes[done]?.succeed();
    await settled();
  }
  await Promise.all(all);
  expect(marks.waiting).toBe(0);
});

it('what is known of a provider that has gone is forgotten', async () => {
  await written();
  isThere = false;
  marks.noticed(KEY);
  await expect(wake()).resolves.toBeUndefined();
  expect(writes).toHaveLength(1);
});
