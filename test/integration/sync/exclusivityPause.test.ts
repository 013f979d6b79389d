// A job that is paused past the end of its lease (a frozen node, a suspended laptop) writes nothing when it wakes up.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../../harness/database.ts';
import type { RunningJob } from '../../harness/job.ts';
import { expectedRows, storedRows } from '../../harness/mirror.ts';
import { everyTable, written } from '../../harness/model/everyTable.ts';
import { openScene, type Scene, type User } from '../job/scene.ts';

const env = { OUTLOOK_SYNC_LEASE_SECONDS: '5', OUTLOOK_SYNC_PAGE_SIZE: '5' };

/** Where a job is when it is paused, and how it gets out of there. */
interface Pause {
  readonly reached: Promise<unknown>;
  /** What the job waits for has come; it just does not run. */
  readonly lift: () => Promise<void>;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries += 1) {
    if (tries > 400) throw new Error('In vain');
    await delay(50);
  }
}

/** While Graph answers the n-th delta page. */
function duringPage(scene: Scene, n: number): Pause {
  const [reached, gate] = [Promise.withResolvers<null>(), Promise.withResolvers<null>()];
  let pages = 0;
  scene.graph.faults.add({
    when: ({ path }) => {
      if (!path.endsWith('/messages/delta')) return false;
      pages += 1;
      if (pages === n) reached.resolve(null);
      return pages === n;
    },
    reply: { until: gate.promise },
  });
  return {
    reached: reached.promise,
    lift: () => {
      gate.resolve(null);
      return Promise.resolve();
    },
  };
}

/** Inside the transaction that writes a page, behind the fence. */
async function duringWrite(scene: Scene): Promise<Pause> {
  const client = new pg.Client({ connectionString: scene.database.url });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE external_email_messages IN EXCLUSIVE MODE');
  const isWaiting = async (): Promise<boolean> => {
    const waiting = await scene.database.query(
      `SELECT FROM pg_locks WHERE NOT granted AND relation = 'external_email_messages'::regclass`,
    );
    return waiting.length > 0;
  };
  return {
    reached: until(isWaiting),
    lift: async () => {
      await client.query('ROLLBACK');
      await client.end();
    },
  };
}

const hasExpired = async (database: TestDatabase): Promise<boolean> => {
  const expired = await database.query(
    `SELECT FROM email_providers WHERE "syncLeaseExpiresAt" <= timezone('UTC', clock_timestamp())`,
  );
  return expired.length > 0;
};

/** Starts a job, pauses it there and waits, by the database's clock, until its lease is over. */
async function pausedPastExpiry(scene: Scene, user: User, pause: Pause): Promise<RunningJob> {
  const job = user.start({ env });
  await pause.reached;
  job.kill('SIGSTOP');
  await until(() => hasExpired(scene.database));
  return job;
}

const places: readonly (readonly [string, (scene: Scene) => Pause | Promise<Pause>])[] = [
  ['at a delta page', (scene) => duringPage(scene, 6)],
  ['while it writes a page', duringWrite],
];

async function withScene(act: (scene: Scene, user: User) => Promise<void>): Promise<void> {
  const scene = await openScene({ revokeRefreshTokenOnUse: true });
  try {
    await act(scene, scene.addUser({ messages: 60 }));
  } finally {
    await scene.close();
  }
}

describe.concurrent('a job that was paused past the end of its lease', () => {
  it.each(places)('writes nothing when nobody took over, paused %s', (_, place) =>
    withScene(async (scene, user) => {
      const pause = await place(scene);
      const job = await pausedPastExpiry(scene, user, pause);
      const before = await everyTable(scene.database);
      expect(await user.provider()).toMatchObject({ status: 'syncing' });
      await pause.lift();
      job.kill('SIGCONT');
      const told = await job.outcome;
      expect(told.code, told.stderr).toBe(75);
      expect(told.summary.error?.code).toBe('LeaseLost');
      expect(written(before, await everyTable(scene.database))).toEqual([]);
      await user.synced();
      expect(await storedRows(scene.database)).toEqual(expectedRows(user.mailbox));
    }),
  );

  it.each(places)('writes nothing when another took over, paused %s', (_, place) =>
    withScene(async (scene, user) => {
      const pause = await place(scene);
      const job = await pausedPastExpiry(scene, user, pause);
      await pause.lift();
      const successor = await user.synced({ env });
      expect(successor.summary.cursor).toBe('Steady');
      expect(await storedRows(scene.database)).toEqual(expectedRows(user.mailbox));
      const before = await everyTable(scene.database);
      job.kill('SIGCONT');
      const told = await job.outcome;
      expect(told.code, told.stderr).toBe(75);
      expect(told.summary.error?.code).toBe('LeaseLost');
      expect(written(before, await everyTable(scene.database))).toEqual([]);
      await user.change(`"tokenExpiry" = timezone('UTC', now()) - interval '1 hour'`);
      await user.synced();
    }),
  );
});
