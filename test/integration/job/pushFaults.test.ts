// What becomes of a subscription when runs are killed, stopped and hurried, and that nobody else's is touched.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { syncArguments, startJob } from '../../harness/job.ts';
import {
  columnsOf,
  isCreation,
  nothingStored,
  pushEnv,
  type Receiver,
  startReceiver,
  subscriptionOf,
  subscriptionsOf,
} from './pushStage.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
let receiver: Receiver;
beforeAll(async () => {
  // Lists have several pages.
  scene = await openScene({ subscriptionsPerPage: 2 });
});
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());
afterAll(() => scene.close());

const freeLease = (user: User): Promise<void> => user.change('"syncLeaseExpiresAt" = NULL');

/** As another program of the same app might have made it, for the same mailbox. */
async function subscribeElsewhere(user: User, notificationUrl: string): Promise<string> {
  const response = await fetch(`${scene.graph.graphBaseUrl}/subscriptions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${scene.graph.issueAccessToken(user.mailbox.email)}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      changeType: 'created',
      notificationUrl,
      resource: '/me/messages',
      expirationDateTime: new Date(Date.now() + 3_600_000).toISOString(),
    }),
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

/** Resolves when `job` has asked Graph for a subscription, and its webhook is being called. */
const untilHandshake = (): Promise<void> =>
  vi.waitFor(() => expect(receiver.handshakes).not.toEqual([]), { timeout: 20_000, interval: 10 });

describe('leftovers', () => {
  it('of our webhook and this provider are removed before a new one is made, foreign ones stay', async () => {
    const user = scene.addUser({ messages: 1 });
    await user.synced();
    const { id } = await user.provider();
    const ours = `${receiver.url}?providerId=${id.toUpperCase()}&token=old`;
    const foreign = [
      `${receiver.url}?providerId=${randomUUID()}`,
      receiver.url,
      `${receiver.url}/further?providerId=${id}`,
      `${receiver.url.replace('127.0.0.1', 'localhost')}?providerId=${id}`,
    ];
    const kept: string[] = [];
    for (const url of foreign) kept.push(await subscribeElsewhere(user, url));
    await subscribeElsewhere(user, ours);
    await user.synced({ env: pushEnv(receiver) });
    const { id: own } = await columnsOf(scene, user);
    const left = subscriptionsOf(scene, user).map((one) => one.id);
    expect(left.sort()).toEqual([...kept, own].sort());
  });

  it('of a run that is killed before it stores what it made are none after the next run', async () => {
    const user = scene.addUser({ messages: 3 });
    await user.synced();
    // The statement that stores the subscription takes a while, so that the kill meets it.
    await scene.database.query(
      `CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2); RETURN NEW; END'`,
    );
    await scene.database.query(
      `CREATE TRIGGER dawdle BEFORE UPDATE OF "outlookPushSubscriptionId" ON email_providers
       FOR EACH ROW WHEN (NEW."outlookPushSubscriptionId" IS NOT NULL) EXECUTE FUNCTION dawdle()`,
    );
    const job = user.start({ env: pushEnv(receiver) });
    await vi.waitFor(() => expect(subscriptionsOf(scene, user)).toHaveLength(1), {
      timeout: 20_000,
      interval: 10,
    });
    job.kill('SIGKILL');
    await job.outcome;
    await scene.database.query('DROP FUNCTION dawdle() CASCADE');
    expect(await columnsOf(scene, user)).toEqual(nothingStored);
    await freeLease(user);
    await user.synced({ env: pushEnv(receiver) });
    expect(await columnsOf(scene, user)).toMatchObject({ id: subscriptionOf(scene, user).id });
  });

  it('of a run that is killed while Graph shakes hands are none after the next run', async () => {
    const user = scene.addUser({ messages: 3 });
    const { promise: killed, resolve: goOn } = Promise.withResolvers<true>();
    receiver.onHandshake = async () => {
      await killed;
    };
    const job = user.start({ env: pushEnv(receiver) });
    await untilHandshake();
    job.kill('SIGKILL');
    await job.outcome;
    goOn(true);
    await vi.waitFor(() => expect(subscriptionsOf(scene, user)).toHaveLength(1), { timeout: 20_000 });
    expect(await columnsOf(scene, user)).toEqual(nothingStored);
    await freeLease(user);
    await user.synced({ env: pushEnv(receiver) });
    expect(await columnsOf(scene, user)).toMatchObject({ id: subscriptionOf(scene, user).id });
  });

  it('are looked for on no other host than Graph’s', async () => {
    const user = scene.addUser({ messages: 1 });
    scene.graph.faults.add({
      when: ({ method, path }) => method === 'GET' && path === '/v1.0/subscriptions',
      reply: { mutate: () => ({ value: [], '@odata.nextLink': 'http://elsewhere.example/subscriptions' }) },
    });
    const told = await user.synced({ env: pushEnv(receiver) });
    expect(told.log).toContainEqual(expect.objectContaining({ code: 'ForeignLink' }));
    expect(await columnsOf(scene, user)).toEqual(nothingStored);
  });
});

describe('a run that is told to stop while Graph shakes hands', () => {
  it('stops at once and gives its lease back', async () => {
    const user = scene.addUser({ messages: 3 });
    const { promise: stopped, resolve: goOn } = Promise.withResolvers<true>();
    receiver.onHandshake = async () => {
      await stopped;
    };
    const job = user.start({ env: pushEnv(receiver) });
    await untilHandshake();
    job.kill('SIGTERM');
    const told = await job.outcome;
    goOn(true);
    expect([told.code, told.summary.status], told.stderr).toEqual([0, 'interrupted']);
    expect(await user.provider()).toMatchObject({ status: 'connected', syncLeaseExpiresAt: null });
  });
});

describe('a run near its deadline', () => {
  it('waits no longer for a webhook that does not answer, and ends well', async () => {
    const user = scene.addUser({ messages: 3 });
    const { promise: ended, resolve: goOn } = Promise.withResolvers<true>();
    receiver.onHandshake = async () => {
      await ended;
    };
    const told = await user.synced({ env: { ...pushEnv(receiver), OUTLOOK_SYNC_DEADLINE_SECONDS: '10' } });
    goOn(true);
    expect(told.log).toContainEqual(
      expect.objectContaining({
        msg: 'The subscription for push could not be seen to',
        code: 'GraphTimeout',
      }),
    );
    expect(await user.messages()).not.toEqual([]);
  });

  it('waits for no throttle of subscriptions beyond it', async () => {
    const user = scene.addUser({ messages: 3 });
    const mend = scene.graph.faults.add({
      when: isCreation,
      reply: { status: 429, headers: { 'Retry-After': '3600' } },
      times: Infinity,
    });
    const told = await user.synced({ env: pushEnv(receiver) });
    mend();
    expect(told.log).toContainEqual(
      expect.objectContaining({
        msg: 'The subscription for push could not be seen to',
        code: 'GraphThrottled',
      }),
    );
  });
});

describe('in Application mode', () => {
  it('the mailbox is named, and subscriptions of other mailboxes are left alone', async () => {
    const [user, other] = [scene.addUser({ messages: 1 }), scene.addUser({ messages: 1 })];
    await other.synced({ env: pushEnv(receiver) });
    const theirs = subscriptionOf(scene, other);
    const env = {
      ...user.env,
      ...pushEnv(receiver),
      OUTLOOK_AUTH_MODE: 'Application',
      OUTLOOK_TENANT_ID: 'contoso.example',
      OUTLOOK_TOKEN_URL: scene.graph.tokenUrlOf('contoso.example'),
    };
    const told = await startJob(syncArguments(user.mailbox.email, user.userId), env).outcome;
    expect(told.summary, told.stderr).toMatchObject({ status: 'connected' });
    expect(subscriptionOf(scene, user).resource).toBe(`/users/${user.mailbox.email}/messages`);
    expect(subscriptionOf(scene, other)).toEqual(theirs);
  });
});
