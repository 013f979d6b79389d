// Two jobs at once on one provider: one works, the other leaves word and goes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectedRows, storedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from '../job/scene.ts';

const pairs = Array.from({ length: 20 }, (_, index) => ({
  pair: index + 1,
  /** A provider that has been synced before; else even its row is still to be made. */
  known: index % 2 === 1,
}));

let scene: Scene;

beforeAll(async () => {
  // Strict rotation: whoever redeems a refresh token a second time kills the grant.
  scene = await openScene({ revokeRefreshTokenOnUse: true });
});
afterAll(() => scene.close());

const expireToken = (user: User): Promise<void> =>
  user.change(`"tokenExpiry" = timezone('UTC', now()) - interval '1 hour'`);

/** Holds back every answer of Graph to the user's mailbox until the returned function is called. */
function holdGraph(user: User): () => void {
  const gate = Promise.withResolvers<null>();
  const release = scene.graph.faults.add({
    when: ({ mailbox }) => mailbox === user.mailbox.email,
    times: Infinity,
    reply: { until: gate.promise },
  });
  return () => {
    release();
    gate.resolve(null);
  };
}

const refreshes = (user: User): number =>
  scene.graph.tokenRequests.filter(({ mailbox }) => mailbox === user.mailbox.email).length;

const folderLists = (user: User): number =>
  scene.graph.requests.filter(
    ({ mailbox, path }) => mailbox === user.mailbox.email && path.endsWith('/mailFolders/delta'),
  ).length;

describe('of two jobs at once on one provider', () => {
  it.each(pairs)(
    'one works and the other leaves word, pair $pair (synced before: $known)',
    async ({ known }) => {
      const user = scene.addUser({ messages: 12 });
      if (known) {
        await user.synced();
        await expireToken(user);
      }
      const before = { refreshes: refreshes(user), lists: folderLists(user) };
      user.mailbox.createMessage();
      const open = holdGraph(user);
      const jobs = [user.start(), user.start()];
      const [first, other] = await Promise.race(
        jobs.map(async (job, index) => [await job.outcome, jobs[1 - index]?.outcome] as const),
      );
      open();
      const second = await other;
      expect(first.code, first.stderr).toBe(0);
      expect(first.summary).toMatchObject({ status: 'skipped', upserted: 0, removed: 0 });
      expect(second?.code, second?.stderr).toBe(0);
      expect(second?.summary).toMatchObject({ status: 'connected', cursor: 'Steady' });
      const lease = second?.log.find(({ msg }) => msg === 'Took the lease');
      expect(first.summary['holder']).toBe(lease?.['holder']);
      expect(folderLists(user) - before.lists, 'one pass, and one more for whoever left').toBe(2);
      expect(refreshes(user) - before.refreshes, 'one refresh for both').toBe(1);
      expect(await user.provider()).toMatchObject({ status: 'connected', syncLeaseExpiresAt: null });
      expect(await storedRows(scene.database, user.mailbox.email)).toEqual(expectedRows(user.mailbox));
    },
  );

  it('neither loses the grant: the next refresh goes well', async () => {
    const user = scene.addUser({ messages: 3 });
    await Promise.all([user.sync(), user.sync(), user.sync()]);
    await expireToken(user);
    const told = await user.synced();
    expect(told.log.map(({ msg }) => msg)).toContain('Refreshed the access token');
  });
});
