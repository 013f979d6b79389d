// Subscriptions that end by the clock: renewed while somebody is there to do it, and made anew when they have ended.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { GraphSimulatorOptions } from '../harness/graph/simulator.ts';
import type { OperatorProcess } from './operatorProcess.ts';
import { providers } from './kinds.ts';
import type { Owner } from './owner.ts';
import { followMail } from './pushJourney.ts';
import {
  type PushStage,
  openPushStage,
  pushJobsOf,
  seeMirrored,
  subscribedOwner,
  subscriptionOf,
  subscriptionsOf,
} from './pushStage.ts';

let push: PushStage | undefined;

afterEach(async () => {
  await push?.close();
  push = undefined;
});

async function opened(graph: GraphSimulatorOptions): Promise<PushStage> {
  push = await openPushStage('push-expiry', { graph: { ...graph, tooLongSubscriptions: 'shortened' } });
  return push;
}

/** One that dies is succeeded after five seconds. */
async function operating({ startOperator }: PushStage): Promise<OperatorProcess> {
  const operator = await startOperator({
    variables: {
      OUTLOOK_OPERATOR_LEASE_DURATION_SECONDS: '5',
      OUTLOOK_OPERATOR_LEASE_RENEW_SECONDS: '3',
    },
  });
  await operator.leads();
  return operator;
}

/** Resolves when Graph has a subscription for the owner that is not the one of before, and the status tells of it. */
async function seeSubscribedAnew({ stage }: PushStage, owner: Owner, before: string): Promise<void> {
  const { status } = await stage.seeProvider(owner, 'subscribed anew', (one) => {
    const current = one.status?.subscription?.id;
    return current !== undefined && current !== before;
  });
  expect(subscriptionOf(stage, owner).id).toBe(status?.subscription?.id);
}

test('a short subscription is renewed in time, and is back with all mail after it has ended meanwhile', async () => {
  // Half a minute each; nothing else asks for a run.
  const here = await opened({ longestSubscriptionMinutes: 0.5, shortestSubscriptionMinutes: 0 });
  const { stage, teller } = here;
  const operator = await operating(here);
  const owner = await subscribedOwner(stage);
  const first = (await stage.client.get(providers, owner)).status?.subscription;
  const renewed = await stage.seeProvider(
    owner,
    'renewed',
    ({ status }) => status?.subscription?.expiresAt !== first?.expiresAt,
  );
  expect(renewed.status?.subscription?.id).toBe(first?.id);

  await operator.kill('SIGKILL');
  while (subscriptionsOf(stage, owner).length > 0) await sleep(100);
  const toldBefore = teller.answers.length;
  owner.mailbox.createMessage({ subject: 'Of which nobody can be told' });
  await teller.drained();
  expect(teller.answers).toHaveLength(toldBefore);

  await operating(here);
  await seeSubscribedAnew(here, owner, first?.id ?? '');
  await seeMirrored(stage, owner);
  const told = teller.next(subscriptionOf(stage, owner).notificationUrl);
  owner.mailbox.createMessage({ subject: 'Told of again' });
  expect((await told).status).toBe(202);
  await seeMirrored(stage, owner);
});

test('a subscription that has ended sooner than it was granted for is back by the next run, with all mail', async () => {
  let aheadMs = 0;
  const here = await opened({ longestSubscriptionMinutes: 60, clock: () => Date.now() + aheadMs });
  const { stage } = here;
  await operating(here);
  const owner = await subscribedOwner(stage);
  const { id } = subscriptionOf(stage, owner);
  // Graph's own clock decides, and ours does not know.
  aheadMs = 61 * 60_000;
  expect(subscriptionsOf(stage, owner)).toEqual([]);
  owner.mailbox.createMessage({ subject: 'Of which nobody can be told' });
  expect(await pushJobsOf(stage, owner)).toEqual([]);
  await stage.requestSync(owner);
  await seeSubscribedAnew(here, owner, id);
  await seeMirrored(stage, owner);
  await followMail(here, owner);
  await seeMirrored(stage, owner);
});
