// An installation without OUTLOOK_PUSH_WEBHOOK_TOKEN and OUTLOOK_PUSH_CLIENT_STATE_SECRET, which are both optional.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pushQuery, subscriptionUrls } from '../../api/pushUrl.ts';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';
import { type Provider, providers } from './kinds.ts';
import { type Owner, isReady } from './owner.ts';
import { breakdown, followMail } from './pushJourney.ts';
import { type PushStage, openPushStage, seeMirrored, subscribedOwner, subscriptionOf } from './pushStage.ts';

let push: PushStage;

beforeAll(async () => {
  push = await openPushStage('push-open', { pushSecrets: {} });
  const operator = await push.startOperator();
  await operator.leads();
}, SHARED_START_TIMEOUT_MS);

afterAll(() => push.close());

async function post(url: string, entry: object): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify({ value: [entry] }) })).status;
}

/** The run after the one before, whose mark is served by then. */
function seeNextRun(owner: Owner, { status: before }: Provider): Promise<Provider> {
  return push.stage.seeProvider(
    owner,
    'synced by push',
    (one) =>
      one.status?.lastAttemptAt !== before?.lastAttemptAt &&
      one.status?.lastTrigger === 'push' &&
      isReady(one),
  );
}

test('leads from a subscription to a row as well, and says what it does without', async () => {
  const { stage, webhooks } = push;
  const owner = await subscribedOwner(stage);
  const { metadata } = await stage.client.get(providers, owner);
  const { clientState, ...subscription } = subscriptionOf(stage, owner);
  expect(subscription).toMatchObject(subscriptionUrls(webhooks.notificationUrl, metadata.uid ?? '', ''));
  expect(new URL(subscription.notificationUrl).searchParams.has(pushQuery.token)).toBe(false);
  // Nobody can verify it, so nobody is to guess it either.
  const another = subscriptionOf(stage, await subscribedOwner(stage));
  expect(clientState?.length).toBeGreaterThan(40);
  expect(another.clientState).not.toBe(clientState);
  console.info(breakdown(await followMail(push, owner)));
  await seeMirrored(stage, owner);
  const warnings = webhooks.replicas().flatMap((one) => one.log().filter(({ level }) => level === 'warn'));
  const said = JSON.stringify(warnings);
  for (const name of ['OUTLOOK_PUSH_WEBHOOK_TOKEN', 'OUTLOOK_PUSH_CLIENT_STATE_SECRET'])
    expect(said).toContain(name);
});

test.each(['the subscription that it names', 'the provider in the query'])('goes by %s', async (by) => {
  const { stage, webhooks } = push;
  const owner = await subscribedOwner(stage);
  const [here, subscription] = [await stage.client.get(providers, owner), subscriptionOf(stage, owner)];
  const isByQuery = by === 'the provider in the query';
  const url = isByQuery ? subscription.notificationUrl : webhooks.notificationUrl;
  const subscriptionId = isByQuery ? randomUUID() : subscription.id;
  expect(await post(url, { subscriptionId, clientState: 'anything', changeType: 'created' })).toBe(202);
  await seeNextRun(owner, here);
});
