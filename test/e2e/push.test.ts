// Push as its owner sees it: a subscription, and a change in Outlook that is a row without a schedule; and all that may
// become of a subscription.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signClientState } from '../../api/clientState.ts';
import { pushQuery, subscriptionUrls } from '../../api/pushUrl.ts';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';
import { seeGone } from './children.ts';
import { type Provider, providers } from './kinds.ts';
import { type Owner, isReady, standing } from './owner.ts';
import { breakdown, followMail } from './pushJourney.ts';
import {
  type PushStage,
  openPushStage,
  pushJobsOf,
  pushSecrets,
  seeMirrored,
  subscribedOwner,
  subscriptionOf,
  subscriptionsOf,
} from './pushStage.ts';
import type { Stage } from './stage.ts';

let push: PushStage;
let stage: Stage;

beforeAll(async () => {
  push = await openPushStage('push');
  ({ stage } = push);
  const operator = await push.startOperator();
  await operator.leads();
}, SHARED_START_TIMEOUT_MS);

afterAll(() => push.close());

interface Row extends Record<string, unknown> {
  readonly outlookPushSubscriptionId: string | null;
  readonly outlookPushSubscriptionExpiresAt: Date | null;
  readonly outlookPushSubscriptionLastRenewedAt: Date | null;
}

async function columnsOf({ userId }: Owner): Promise<Row | undefined> {
  const [row] = await stage.database.query<Row>(
    `SELECT "outlookPushSubscriptionId", "outlookPushSubscriptionExpiresAt", "outlookPushSubscriptionLastRenewedAt"
     FROM email_providers WHERE "userId" = $1`,
    [userId],
  );
  return row;
}

const isSyncedByPush = (one: Provider): boolean =>
  isReady(one) && one.status?.phase === 'Connected' && one.status.lastTrigger === 'push';

const rowsOf = ({ userId }: Owner): Promise<unknown[]> =>
  stage.database.query('SELECT "id" FROM external_email_messages WHERE "userId" = $1 ORDER BY "id"', [
    userId,
  ]);

describe.concurrent('a provider with push', () => {
  test('is subscribed by its first run, and then a mail is a row with no schedule to wait for', async () => {
    const owner = await subscribedOwner(stage);
    const { status, metadata } = await stage.client.get(providers, owner);
    const subscription = subscriptionOf(stage, owner);
    const urls = subscriptionUrls(
      push.webhooks.notificationUrl,
      metadata.uid ?? '',
      pushSecrets.OUTLOOK_PUSH_WEBHOOK_TOKEN,
    );
    // Graph has shaken hands with both before it made the subscription.
    expect(subscription).toMatchObject(urls);
    expect(status?.subscription).toEqual({
      id: subscription.id,
      expiresAt: subscription.expirationDateTime,
    });
    expect(await columnsOf(owner)).toEqual({
      outlookPushSubscriptionId: subscription.id,
      outlookPushSubscriptionExpiresAt: new Date(subscription.expirationDateTime),
      outlookPushSubscriptionLastRenewedAt: expect.any(Date) as Date,
    });
    await followMail(push, owner);
    const [job, ...others] = await pushJobsOf(stage, owner);
    expect([job !== undefined, others.length]).toEqual([true, 0]);
    await stage.seeProvider(owner, 'synced by push', isSyncedByPush);
    await seeMirrored(stage, owner);
  });

  test('whose subscription Graph has lost is subscribed anew, and what came meanwhile is there', async () => {
    const owner = await subscribedOwner(stage);
    const { id } = subscriptionOf(stage, owner);
    stage.graph.forgetSubscription(id);
    owner.mailbox.createMessage({ subject: 'Of which nobody was told' });
    await stage.requestSync(owner);
    await stage.seeProvider(owner, 'subscribed anew', ({ status }) => {
      const current = status?.subscription?.id;
      return current !== undefined && current !== id;
    });
    await seeMirrored(stage, owner);
    await followMail(push, owner);
    await seeMirrored(stage, owner);
  });

  test('that is told of a removed subscription has a new one at once, and misses no mail', async () => {
    const owner = await subscribedOwner(stage);
    const { id } = subscriptionOf(stage, owner);
    const { status } = await stage.graph.sendLifecycle(id, 'subscriptionRemoved');
    expect(status).toBe(202);
    owner.mailbox.createMessage({ subject: 'While there was no subscription' });
    await stage.seeProvider(owner, 'subscribed anew', (one) => {
      const current = one.status?.subscription?.id;
      return current !== undefined && current !== id;
    });
    await seeMirrored(stage, owner);
    expect(subscriptionOf(stage, owner).id).not.toBe(id);
  });

  test('renews its subscription when Graph asks for it', async () => {
    const owner = await subscribedOwner(stage);
    const { id } = subscriptionOf(stage, owner);
    const before = await columnsOf(owner);
    const { status } = await stage.graph.sendLifecycle(id, 'reauthorizationRequired');
    expect(status).toBe(202);
    await stage.seeProvider(owner, 'synced by push', isSyncedByPush);
    const asked = stage.graph.requests.filter(
      ({ method, path }) => method === 'PATCH' && path.toLowerCase().endsWith(`/subscriptions/${id}`),
    );
    expect(asked).toHaveLength(1);
    const after = await columnsOf(owner);
    expect(after?.outlookPushSubscriptionId).toBe(id);
    expect(after?.outlookPushSubscriptionLastRenewedAt?.getTime()).toBeGreaterThan(
      before?.outlookPushSubscriptionLastRenewedAt?.getTime() ?? Infinity,
    );
  });

  test('of which push is taken back has no subscription any more', async () => {
    const owner = await subscribedOwner(stage);
    await stage.applyProvider(owner, { push: { enabled: false } });
    await stage.requestSync(owner);
    const after = await stage.seeProvider(
      owner,
      'not subscribed',
      (one) => isReady(one) && standing(one, 'PushSubscribed') === 'False NotConfigured',
    );
    expect(after.status).not.toHaveProperty('subscription');
    expect(subscriptionsOf(stage, owner)).toEqual([]);
    expect(await columnsOf(owner)).toEqual({
      outlookPushSubscriptionId: null,
      outlookPushSubscriptionExpiresAt: null,
      outlookPushSubscriptionLastRenewedAt: null,
    });
  });

  test.each([
    { deletionPolicy: 'Retain', stays: true },
    { deletionPolicy: 'Delete', stays: false },
  ])('and $deletionPolicy that is deleted is unsubscribed; whether rows stay: $stays', async (given) => {
    const { deletionPolicy, stays } = given;
    const owner = await subscribedOwner(stage, { spec: { deletionPolicy } });
    const rows = await rowsOf(owner);
    expect(rows).not.toEqual([]);
    await stage.client.delete(providers, owner);
    await seeGone(stage, owner, [providers]);
    expect(subscriptionsOf(stage, owner)).toEqual([]);
    expect(await rowsOf(owner)).toEqual(stays ? rows : []);
  });

  test('that is suspended is told of without effect, and goes on when it is resumed', async () => {
    const owner = await subscribedOwner(stage);
    await stage.applyProvider(owner, { push: { enabled: true }, suspend: true });
    const { status } = await stage.seeProvider(
      owner,
      'suspended',
      (one) => standing(one, 'Ready') === 'False Suspended',
    );
    const told = push.teller.next(subscriptionOf(stage, owner).notificationUrl);
    owner.mailbox.createMessage({ subject: 'While suspended' });
    expect((await told).status).toBe(202);
    // What would be started, is started by now: another's notification has gone all the way meanwhile.
    await followMail(push, await subscribedOwner(stage));
    expect(await pushJobsOf(stage, owner)).toEqual([]);
    const since = await stage.client.get(providers, owner);
    expect(since.status?.lastAttemptAt).toBe(status?.lastAttemptAt);
    await stage.applyProvider(owner, { push: { enabled: true } });
    await stage.seeProvider(owner, 'resumed', isReady);
    await followMail(push, owner);
    await seeMirrored(stage, owner);
  });
});

describe.concurrent('a stranger', () => {
  async function post(owner: Owner, token: string, clientState: string): Promise<number> {
    const { metadata } = await stage.client.get(providers, owner);
    const { notificationUrl } = subscriptionUrls(push.webhooks.notificationUrl, metadata.uid ?? '', token);
    const value = [
      {
        subscriptionId: subscriptionOf(stage, owner).id,
        clientState,
        changeType: 'created',
        resource: `Users/${randomUUID()}/Messages/theirs`,
        resourceData: { id: 'theirs' },
      },
    ];
    const headers = { 'content-type': 'application/json' };
    return (await fetch(notificationUrl, { method: 'POST', headers, body: JSON.stringify({ value }) }))
      .status;
  }

  test('who does not know the token is refused, and one who does not know the secret has no effect', async () => {
    const owner = await subscribedOwner(stage);
    const { status, metadata } = await stage.client.get(providers, owner);
    const genuine = subscriptionOf(stage, owner).clientState ?? '';
    const { OUTLOOK_PUSH_WEBHOOK_TOKEN: token } = pushSecrets;
    expect(new URL(subscriptionOf(stage, owner).notificationUrl).searchParams.get(pushQuery.token)).toBe(
      token,
    );
    expect(await post(owner, 'guessed', genuine)).toBe(401);
    expect(await post(owner, '', genuine)).toBe(401);
    const forged = signClientState('another secret', metadata.uid ?? '');
    expect(await post(owner, token, forged)).toBe(202);
    expect(await post(owner, token, '')).toBe(202);
    const after = await stage.client.get(providers, owner);
    expect(after.status?.syncRequestedAt).toBe(status?.syncRequestedAt);
    // So it was not by chance.
    expect(await post(owner, token, genuine)).toBe(202);
    await stage.seeProvider(owner, 'synced', (one) => one.status?.lastTrigger === 'push' && isReady(one));
  });
});

// By itself: what else happens would be in the times.
test('the way of a mail to its row goes by the webhook’s mark, the operator’s Job and its run', async () => {
  const owner = await subscribedOwner(stage);
  const journey = await followMail(push, owner);
  console.info(breakdown(journey));
  const { changedAt, markedAt, answeredAt, jobAt, begunAt, rowAt } = journey;
  // Each follows from the one before; the answer had only to wait for the mark.
  for (const times of [
    [changedAt, markedAt, begunAt, rowAt],
    [changedAt, markedAt, jobAt, rowAt],
    [changedAt, markedAt, answeredAt],
  ])
    expect(times.toSorted((a, b) => a - b)).toEqual(times);
});

// By itself: nothing is told of anybody meanwhile.
test('a provider is synced when Graph says that it has missed to tell', async () => {
  const owner = await subscribedOwner(stage);
  const { id } = subscriptionOf(stage, owner);
  push.teller.pause(true);
  owner.mailbox.createMessage({ subject: 'Missed' });
  const { status } = await stage.graph.sendLifecycle(id, 'missed');
  expect(status).toBe(202);
  await seeMirrored(stage, owner);
  expect(await pushJobsOf(stage, owner)).toHaveLength(1);
  push.teller.pause(false);
});
