// A large mailbox comes in Job after Job, at once and not by the schedule, while others wait for room.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { labels } from '../../api/resource.ts';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';
import { childrenOf } from './children.ts';
import { type Job, jobs } from './kinds.ts';
import { isReady } from './owner.ts';
import { type Stage, openStage } from './stage.ts';

const LARGE = 50_000;
const SMALL = 1_500;
const SYNC = { jitterMs: 0, pageSize: 1000, deltaPageLimit: 5 };

let stage: Stage;

beforeAll(async () => {
  stage = await openStage('backfill');
  const operator = await stage.startOperator({ variables: { OUTLOOK_OPERATOR_MAX_BACKFILLS: '1' } });
  await operator.leads();
}, SHARED_START_TIMEOUT_MS);

afterAll(() => stage.close());

const isBackfill = (job: Job): boolean => job.metadata.labels?.[labels.trigger] === 'backfill';

/** When it was made and when it ended, in ms; the API server knows seconds. */
function timesOf({ metadata, status }: Job): readonly [number, number] {
  return [Date.parse(metadata.creationTimestamp ?? ''), Date.parse(status?.completionTime ?? '')];
}

test(
  '50,000 messages are there after several Jobs, and no two backfills ever ran at once',
  { timeout: 240_000 },
  async () => {
    const [large, ...small] = await Promise.all([
      stage.addOwner({ messages: LARGE }),
      stage.addOwner({ messages: SMALL }),
      stage.addOwner({ messages: SMALL }),
    ]);
    await stage.applyProvider(large, { sync: SYNC });
    for (const owner of small) await stage.applyProvider(owner, { sync: { ...SYNC, pageSize: 50 } });
    for (const owner of [large, ...small])
      await stage.seeProvider(
        owner,
        'drained',
        (one) => isReady(one) && one.status?.cursor === 'Steady',
        220_000,
      );
    for (const owner of [large, ...small]) {
      await stage.assertMirrored(owner);
      const started = (await childrenOf(stage, owner)).jobs;
      expect(started.filter(isBackfill).length, owner.name).toBeGreaterThan(1);
      expect(started.filter((job) => job.metadata.labels?.[labels.trigger] === 'schedule')).toEqual([]);
    }
    const { items } = await stage.client.list(jobs, { namespace: stage.namespace });
    const backfills = items
      .filter(isBackfill)
      .map(timesOf)
      .sort(([a], [b]) => a - b);
    const together = backfills.filter(([began], index) => began < (backfills[index - 1]?.[1] ?? 0));
    expect(together).toEqual([]);
  },
);
