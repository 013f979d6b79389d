// What a cleanup does about Graph's subscription: deletes it as far as that can be had, and is kept from nothing.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type JobOutcome, runJob } from '../../harness/job.ts';
import { everyTable } from '../../harness/model/everyTable.ts';
import {
  columnsOf,
  nothingStored,
  pushEnv,
  type Receiver,
  refusal,
  startReceiver,
  subscriptionRequests,
  subscriptionsOf,
} from './pushStage.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
let receiver: Receiver;
beforeAll(async () => {
  scene = await openScene();
});
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());
afterAll(() => scene.close());

const databaseOnly = (): Record<string, string> => ({ DATABASE_URL: scene.database.url });

interface Subscribed {
  readonly user: User;
  readonly id: string;
  readonly cleanUp: (env: Record<string, string>, more?: readonly string[]) => Promise<JobOutcome>;
}

async function subscribed(): Promise<Subscribed> {
  const user = scene.addUser({ messages: 5 });
  await user.synced({ env: pushEnv(receiver) });
  const { id } = await user.provider();
  scene.graph.clearRequests();
  const cleanUp: Subscribed['cleanUp'] = async (env, more = []) => {
    const told = await runJob(['cleanup', '--provider-id', id, ...more], env);
    expect(told.code, told.stderr).toBe(0);
    for (const { clientState } of subscriptionsOf(scene, user))
      scene.secrets.add('a clientState', clientState);
    scene.secrets.addEnvironment(env);
    scene.secrets.assertUnseen(told.stdout + told.stderr, 'the cleanup’s output');
    return told;
  };
  return { user, id, cleanUp };
}

describe('a cleanup', () => {
  it('deletes the subscription at Graph before the rows go', async () => {
    const { user, cleanUp } = await subscribed();
    const told = await cleanUp(user.env);
    expect(told.summary).toMatchObject({ provider: 'deleted', subscription: 'deleted' });
    expect(subscriptionsOf(scene, user)).toEqual([]);
    expect(subscriptionRequests(scene.graph)).toEqual(['DELETE 204']);
  });

  it('that retains the rows takes the subscription alone', async () => {
    const { user, cleanUp } = await subscribed();
    const before = await everyTable(scene.database);
    const told = await cleanUp(user.env, ['--retain']);
    expect(told.summary).toMatchObject({
      status: 'cleaned',
      provider: 'retained',
      removed: { messages: 0, labels: 0 },
      subscription: 'deleted',
    });
    expect(subscriptionsOf(scene, user)).toEqual([]);
    expect(await columnsOf(scene, user)).toEqual(nothingStored);
    expect(await user.provider()).toMatchObject({ isActive: true, syncLeaseExpiresAt: null });
    const after = await everyTable(scene.database);
    const changed = Object.keys(before).filter((name) => before[name]?.join() !== after[name]?.join());
    expect(changed.sort()).toEqual(['email_providers', 'outlook_sync_state']);
    expect(Object.values(after).flat()).toHaveLength(Object.values(before).flat().length);
    const again = await cleanUp(user.env, ['--retain']);
    expect(again.summary).toMatchObject({ provider: 'retained', subscription: 'absent' });
    expect((await user.synced({ env: pushEnv(receiver) })).summary).toMatchObject({ upserted: 0 });
  });

  it('finds the subscription of a run that was killed before it stored it, where it knows the webhook', async () => {
    const { user, cleanUp } = await subscribed();
    await user.change('"outlookPushSubscriptionId" = NULL');
    const told = await cleanUp({ ...user.env, ...pushEnv(receiver) });
    expect(told.summary).toMatchObject({ provider: 'deleted', subscription: 'deleted' });
    expect(subscriptionsOf(scene, user)).toEqual([]);
  });

  it.each<[string, (user: User) => Record<string, string>]>([
    ['no credentials are given', databaseOnly],
    ['a dead grant is given', (user) => ({ ...user.env, OUTLOOK_REFRESH_TOKEN: 'a-grant-that-is-no-more' })],
    ['keys are given that read nothing', (user) => ({ ...user.env, OUTLOOK_TOKEN_ENCRYPTION_KEYS: 'bad' })],
    [
      'nobody listens where Graph should be',
      (user) => ({ ...user.env, OUTLOOK_GRAPH_BASE_URL: 'http://127.0.0.1:1/v1.0' }),
    ],
  ])('goes on where %s', async (_what, env) => {
    for (const more of [['--retain'], []]) {
      const { user, cleanUp } = await subscribed();
      const told = await cleanUp(env(user), more);
      expect(told.summary).toMatchObject({ status: 'cleaned', subscription: 'left' });
      expect(told.log.filter(({ level }) => level === 'warn')).not.toEqual([]);
      expect(subscriptionsOf(scene, user)).toHaveLength(1);
      if (more.length > 0) expect(await columnsOf(scene, user)).toEqual(nothingStored);
      else expect(told.summary).toMatchObject({ provider: 'deleted' });
    }
  });

  it('takes a part of its time for Graph and no more', async () => {
    const { user, cleanUp } = await subscribed();
    const mend = scene.graph.faults.add({
      when: ({ method }) => method === 'DELETE',
      reply: { hang: true },
      times: Infinity,
    });
    const told = await cleanUp({ ...user.env, OUTLOOK_SYNC_DEADLINE_SECONDS: '10' });
    mend();
    expect(told.summary).toMatchObject({ provider: 'deleted', subscription: 'left' });
  });

  it('takes a subscription that Graph does not know for one that is gone', async () => {
    const { user, cleanUp } = await subscribed();
    scene.graph.faults.add({
      when: ({ method }) => method === 'DELETE',
      reply: refusal(404, 'ResourceNotFound', 'The object was not found.'),
    });
    expect((await cleanUp(user.env)).summary).toMatchObject({ subscription: 'absent' });
  });

  it('keeps a refresh token that was rotated on the way', async () => {
    const { user, cleanUp } = await subscribed();
    await user.change(`"tokenExpiry" = timezone('UTC', now())`);
    const before = (await user.provider()).refreshToken;
    await cleanUp(user.env, ['--retain']);
    expect((await user.provider()).refreshToken).not.toBe(before);
    await user.synced();
  });

  it('of somebody else’s row asks Graph nothing', async () => {
    const { user, cleanUp } = await subscribed();
    const told = await cleanUp(user.env, ['--retain', '--user-id', 'somebody-else']);
    expect(told.summary).toMatchObject({ provider: 'untouched', subscription: 'absent' });
    expect(subscriptionsOf(scene, user)).toHaveLength(1);
    expect(subscriptionRequests(scene.graph)).toEqual([]);
  });
});
