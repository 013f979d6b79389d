// Graph's subscription as a run sees to it: made once, renewed ahead of time, made anew, learnt from refusals,
// deleted; and never a reason for a sync to fail.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyClientState } from '../../../api/clientState.ts';
import type { RequestInfo } from '../../harness/graph/faults.ts';
import type { JobOutcome } from '../../harness/job.ts';
import {
  columnsOf,
  isCreation,
  nothingStored,
  pushEnv,
  type Receiver,
  refusal,
  secret,
  startReceiver,
  subscriptionOf,
  subscriptionRequests,
  subscriptionsOf,
  token,
} from './pushStage.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
let receiver: Receiver;
beforeAll(async () => {
  scene = await openScene();
  scene.secrets.add('the webhook token', token);
  scene.secrets.add('the client state secret', secret);
});
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());
afterAll(() => scene.close());

async function run(user: User, more: Record<string, string> = {}): Promise<JobOutcome> {
  scene.graph.clearRequests();
  const told = await user.synced({ env: { ...pushEnv(receiver), ...more } });
  for (const { clientState } of scene.graph.subscriptions()) scene.secrets.add('a clientState', clientState);
  scene.secrets.assertUnseen(told.stdout, 'stdout');
  scene.secrets.assertUnseen(told.stderr, 'stderr');
  return told;
}

const asked = (): string[] => subscriptionRequests(scene.graph);

const messagesIn = ({ log }: JobOutcome): string[] => log.map(({ msg }) => String(msg));
const passesOf = (told: JobOutcome): number =>
  messagesIn(told).filter((msg) => msg === 'Finished a pass').length;

/** Minutes from now until the subscription at Graph ends, rounded. */
const minutesLeft = ({ expirationDateTime }: { expirationDateTime: string }): number =>
  Math.round((Date.parse(expirationDateTime) - Date.now()) / 60_000);

const late = 'Written while Graph shook hands';

/** A message comes at the first handshake. */
function writeOnce({ mailbox }: User): () => void {
  let written = false;
  return () => {
    if (!written) mailbox.createMessage({ subject: late });
    written = true;
  };
}

const subjectsOf = async (user: User): Promise<(string | null)[]> =>
  (await user.messages()).map(({ subject }) => subject);

const agoSql = (minutes: number): string => `timezone('UTC', now()) - interval '${minutes} minutes'`;

describe('a run with a notification URL', () => {
  it('subscribes to the mailbox once, and makes one more pass', async () => {
    const user = scene.addUser({ messages: 5 });
    const first = await run(user);
    expect(asked()).toEqual(['GET 200', 'POST 201']);
    const { id: providerId } = await user.provider();
    const one = subscriptionOf(scene, user);
    const url = `${receiver.url}?providerId=${providerId}&token=${token}`;
    expect(one).toMatchObject({
      changeType: 'created,updated,deleted',
      resource: '/me/messages',
      notificationUrl: url,
      lifecycleNotificationUrl: url.replace('/push?', '/lifecycle?'),
    });
    expect(verifyClientState([secret], one.clientState ?? '')).toBe(providerId);
    expect(minutesLeft(one)).toBe(2880);
    const columns = await columnsOf(scene, user);
    expect(columns).toMatchObject({ id: one.id, expiresAt: one.expirationDateTime });
    expect(Date.parse(columns.lastRenewedAt ?? '')).toBeGreaterThan(Date.now() - 120_000);
    expect(passesOf(first)).toBe(2);
    const creation = scene.graph.requests.find((request) => request.method === 'POST');
    expect(creation?.prefer).toContain('IdType="ImmutableId"');

    const second = await run(user);
    expect(asked()).toEqual(['GET 200']);
    expect(subscriptionOf(scene, user).id).toBe(one.id);
    expect(passesOf(second)).toBe(1);
    expect(await columnsOf(scene, user)).toEqual(columns);
  });

  it('sees in its second pass what changed while it subscribed', async () => {
    const user = scene.addUser({ messages: 3 });
    receiver.onHandshake = writeOnce(user);
    await run(user);
    expect(await subjectsOf(user)).toContain(late);
  });

  it('holds no transaction and no row while Graph shakes hands with the webhook', async () => {
    const user = scene.addUser({ messages: 3 });
    const seen: string[] = [];
    receiver.onHandshake = async () => {
      const open = await scene.database.query<{ query: string }>(
        `SELECT "query" FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL`,
      );
      seen.push(...open.map(({ query }) => query));
      await scene.database.query('SELECT FROM email_providers WHERE "userId" = $1 FOR UPDATE NOWAIT', [
        user.userId,
      ]);
    };
    await run(user);
    expect(receiver.handshakes).toHaveLength(2);
    expect(seen).toEqual([]);
    expect(subscriptionsOf(scene, user)).toHaveLength(1);
  });

  it('is one of two at once, of which one subscribes', async () => {
    const user = scene.addUser({ messages: 20 });
    await Promise.all([1, 2].map(() => user.sync({ env: pushEnv(receiver) })));
    expect(subscriptionsOf(scene, user)).toHaveLength(1);
  });

  it('asks for a clientState of chance where there is no secret', async () => {
    const user = scene.addUser({ messages: 1 });
    await run(user, { OUTLOOK_PUSH_CLIENT_STATE_SECRET: '' });
    expect(subscriptionOf(scene, user).clientState).toMatch(/^[\w-]{43}$/);
  });

  it('uses the first of several secrets and tokens, and subscribes anew for others', async () => {
    const user = scene.addUser({ messages: 1 });
    const several = {
      OUTLOOK_PUSH_CLIENT_STATE_SECRET: `${secret}, the-former-secret`,
      OUTLOOK_PUSH_WEBHOOK_TOKEN: `${token},the-former-token`,
    };
    await run(user, several);
    const first = subscriptionOf(scene, user);
    const { id: providerId } = await user.provider();
    expect(verifyClientState([secret], first.clientState ?? '')).toBe(providerId);
    expect(new URL(first.notificationUrl).searchParams.get('token')).toBe(token);
    await run(user);
    expect(subscriptionOf(scene, user).id).toBe(first.id);
    const told = await run(user, { OUTLOOK_PUSH_CLIENT_STATE_SECRET: 'the-secret-that-follows' });
    const second = subscriptionOf(scene, user);
    expect(second.id).not.toBe(first.id);
    expect(verifyClientState(['the-secret-that-follows'], second.clientState ?? '')).toBe(providerId);
    expect(passesOf(told)).toBe(2);
  });
});

describe('a subscription', () => {
  it('is renewed ahead of its end, and not again until it is due', async () => {
    const user = scene.addUser({ messages: 1 });
    await run(user, { OUTLOOK_PUSH_SUBSCRIPTION_DURATION_MINUTES: '600' });
    const { id } = subscriptionOf(scene, user);
    await user.change(
      `"outlookPushSubscriptionExpiresAt" = timezone('UTC', now()) + interval '119 minutes',
       "outlookPushSubscriptionLastRenewedAt" = ${agoSql(481)}`,
    );
    const told = await run(user);
    expect(asked()).toEqual(['PATCH 200']);
    expect(passesOf(told)).toBe(1);
    const one = subscriptionOf(scene, user);
    expect([one.id, minutesLeft(one)]).toEqual([id, 2880]);
    expect(await columnsOf(scene, user)).toMatchObject({ id, expiresAt: one.expirationDateTime });
    await run(user);
    expect(asked()).toEqual(['GET 200']);
  });

  it('that is shorter than the threshold is not renewed in each run', async () => {
    const user = scene.addUser({ messages: 1 });
    const env = { OUTLOOK_PUSH_SUBSCRIPTION_DURATION_MINUTES: '60' };
    await run(user, env);
    await run(user, env);
    expect(asked()).toEqual(['GET 200']);
    await user.change(
      `"outlookPushSubscriptionExpiresAt" = timezone('UTC', now()) + interval '29 minutes',
       "outlookPushSubscriptionLastRenewedAt" = ${agoSql(31)}`,
    );
    await run(user, env);
    expect(asked()).toEqual(['PATCH 200']);
  });

  it.each<[string, (user: User) => Promise<void> | void, readonly string[]]>([
    ['that Graph has forgotten', () => undefined, ['GET 404', 'GET 200', 'POST 201']],
    [
      'that is found gone when it is renewed',
      (user) =>
        user.change(
          `"outlookPushSubscriptionExpiresAt" = timezone('UTC', now()) + interval '9 minutes',
           "outlookPushSubscriptionLastRenewedAt" = ${agoSql(60)}`,
        ),
      ['PATCH 404', 'GET 200', 'POST 201'],
    ],
    [
      'that has expired',
      (user) => user.change(`"outlookPushSubscriptionExpiresAt" = ${agoSql(1)}`),
      ['DELETE 404', 'GET 200', 'POST 201'],
    ],
    [
      'that another program has stored',
      (user) => user.change(`"outlookPushSubscriptionId" = 'theirs'`),
      ['DELETE 404', 'GET 200', 'POST 201'],
    ],
  ])('%s is made anew, and a second pass catches what nobody was told of', async (_what, age, requests) => {
    const user = scene.addUser({ messages: 2 });
    await run(user);
    const { id } = subscriptionOf(scene, user);
    scene.graph.forgetSubscription(id);
    await age(user);
    if (requests[0] === 'DELETE 404') {
      await scene.database.query(
        `UPDATE outlook_sync_state SET "pushTerms" = NULL
         WHERE "providerId" IN (SELECT "id" FROM email_providers WHERE "outlookPushSubscriptionId" = 'theirs')`,
      );
    }
    receiver.onHandshake = writeOnce(user);
    const told = await run(user);
    expect(asked()).toEqual(requests);
    expect(passesOf(told)).toBe(2);
    const one = subscriptionOf(scene, user);
    expect(one.id).not.toBe(id);
    expect(await columnsOf(scene, user)).toMatchObject({ id: one.id });
    expect(await subjectsOf(user)).toContain(late);
  });

  it.each([
    ['refuses', refusal(403, 'ErrorAccessDenied', 'No.')],
    [
      'rejects any token',
      refusal(401, 'ExtensionError', 'Operation: Delete; Exception: [Status Code: NotFound]'),
    ],
    ['fails', refusal(500, 'ExtensionError', 'There was an error processing a storage extension.')],
  ])('that has expired and that Graph %s to delete stands in the way of no new one', async (_what, reply) => {
    const user = scene.addUser({ messages: 1 });
    await run(user);
    const { id } = subscriptionOf(scene, user);
    scene.graph.forgetSubscription(id);
    await user.change(`"outlookPushSubscriptionExpiresAt" = ${agoSql(1)}`);
    const isDeletion = ({ method, path }: RequestInfo): boolean => method === 'DELETE' && path.endsWith(id);
    const mend = scene.graph.faults.add({ when: isDeletion, reply, times: Infinity });
    await run(user);
    mend();
    expect(await columnsOf(scene, user)).toMatchObject({ id: subscriptionOf(scene, user).id });
  });

  it('is asked for as long as Graph allows', async () => {
    const user = scene.addUser({ messages: 1 });
    scene.graph.faults.add({
      when: isCreation,
      reply: refusal(
        400,
        'InvalidRequest',
        'Subscription expiration can only be 1230 minutes in the future.',
      ),
    });
    await run(user);
    expect(asked()).toEqual(['GET 200', 'POST 400', 'POST 201']);
    expect(minutesLeft(subscriptionOf(scene, user))).toBe(1230);
  });

  it('is asked for in steps where Graph does not say how long it may be', async () => {
    const user = scene.addUser({ messages: 1 });
    scene.graph.faults.add({
      when: isCreation,
      times: 2,
      reply: refusal(400, 'ErrorInvalidParameter', 'The expirationDateTime is too far away.'),
    });
    await run(user);
    expect(asked()).toEqual(['GET 200', 'POST 400', 'POST 400', 'POST 201']);
    expect(minutesLeft(subscriptionOf(scene, user))).toBe(720);
  });

  it('whose webhook does not shake hands fails no sync, and is stored nowhere', async () => {
    const user = scene.addUser({ messages: 2 });
    receiver.status = 403;
    const told = await run(user);
    expect(asked()).toEqual(['GET 200', 'POST 400']);
    expect(passesOf(told)).toBe(1);
    expect(await columnsOf(scene, user)).toEqual(nothingStored);
    expect(told.log).toContainEqual(
      expect.objectContaining({
        code: 'GraphRequestRefused',
        reason: expect.stringContaining('(400 ValidationError)') as string,
      }),
    );
    expect(await user.provider()).toMatchObject({ status: 'connected', lastSyncError: null });
    receiver.status = 200;
    await run(user);
    expect(subscriptionsOf(scene, user)).toHaveLength(1);
  });

  it.each([
    ['denied', refusal(403, 'ErrorAccessDenied', 'No.'), 1],
    ['unavailable', { status: 503 }, Infinity],
    ['cut off', { reset: true }, Infinity],
    ['no JSON', { status: 201, body: '<html>' }, Infinity],
    ['no subscription', { status: 201, body: {} }, Infinity],
  ])('that is %s fails no sync', async (_what, reply, times) => {
    const user = scene.addUser({ messages: 2 });
    const mend = scene.graph.faults.add({ when: isCreation, reply, times });
    const told = await run(user);
    mend();
    expect(messagesIn(told)).toContain('The subscription for push could not be seen to');
    expect(await columnsOf(scene, user)).toEqual(nothingStored);
    await run(user);
    expect(subscriptionsOf(scene, user)).toHaveLength(1);
  });

  it('is looked for before it is asked for again, where the answer was lost', async () => {
    const user = scene.addUser({ messages: 2 });
    scene.graph.faults.add({ when: isCreation, reply: { truncate: true } });
    await run(user);
    expect(asked()).toEqual(['GET 200', 'POST 201', 'GET 200', 'DELETE 204', 'POST 201']);
    expect(await columnsOf(scene, user)).toMatchObject({ id: subscriptionOf(scene, user).id });
  });

  it('is deleted where none is wanted any more', async () => {
    const user = scene.addUser({ messages: 1 });
    await run(user);
    scene.graph.clearRequests();
    await user.synced();
    expect(asked()).toEqual(['DELETE 204']);
    expect(subscriptionsOf(scene, user)).toEqual([]);
    expect(await columnsOf(scene, user)).toEqual(nothingStored);
    scene.graph.clearRequests();
    await user.synced();
    expect(asked()).toEqual([]);
  });
});
