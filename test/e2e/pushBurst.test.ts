// Bursts: many notifications, few Jobs, every answer in time, and the last change is never the one that is missed.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitingMark } from '../../api/notificationMark.ts';
import { createRandom } from '../harness/graph/random.ts';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';
import { type Provider, providers } from './kinds.ts';
import { type Tries, sendBurst } from './notifier.ts';
import { type Owner, isReady } from './owner.ts';
import {
  type PushStage,
  isSubscribed,
  openPushStage,
  pushed,
  pushJobsOf,
  seeMirrored,
  subscribedOwner,
  subscriptionOf,
} from './pushStage.ts';

/** Graph's patience with an answer (Graph docs: change notifications). */
const PATIENCE_MS = 3_000;
const BURST_MS = 10_000;
/** Of all notifications. */
const MOST_AGAIN = 0.01;
/** Three hundred runs, on two cores. */
const LONG_MS = 400_000;

let push: PushStage;

beforeAll(async () => {
  // Here all come from one address, and sooner than Graph would send them.
  push = await openPushStage('push-burst', { variables: { OUTLOOK_WEBHOOK_RATE_LIMIT: '0' } });
  // The burst tells of every change already.
  push.teller.pause(true);
  const operator = await push.startOperator();
  await operator.leads();
}, SHARED_START_TIMEOUT_MS);

afterAll(() => push.close());

const random = createRandom(20261125);

/** One change of the mailbox, of any kind. */
function change({ mailbox }: Owner, number: number): void {
  const messages = mailbox.messages();
  const id = messages.at(random.below(messages.length))?.id;
  const draw = random.next();
  if (id === undefined || draw < 0.1) mailbox.createMessage({ subject: `New ${number}` });
  else if (draw < 0.15) mailbox.deleteMessage(id);
  else if (draw < 0.25) mailbox.moveMessage(id, random.chance(0.5) ? 'archive' : 'inbox');
  else mailbox.setRead(id, random.chance(0.5));
}

const beganAfter = (provider: Provider | undefined, at: number): boolean =>
  Date.parse(provider?.status?.lastAttemptAt ?? '') > at;

const isAtRest = (provider: Provider): boolean =>
  isReady(provider) && waitingMark(provider.status ?? {}) === null;

/** Each was taken, almost all at once, and no answer was late. Gives when each was taken. */
function assertTaken(sent: readonly Tries[]): readonly number[] {
  const answers = sent.flat();
  const slowest = Math.round(Math.max(...answers.map(({ tookMs }) => tookMs)));
  const again = answers.length - sent.length;
  console.info(`${sent.length} notifications, ${again} sent again, the slowest answer after ${slowest} ms`);
  expect(slowest).toBeLessThan(PATIENCE_MS);
  expect(sent.filter((tries) => tries.at(-1)?.status !== 202)).toEqual([]);
  // What cannot be kept in time may be asked for again; that is to remain an exception.
  expect(answers.filter(({ status }) => status !== 202 && status !== 503)).toEqual([]);
  expect(again).toBeLessThanOrEqual(sent.length * MOST_AGAIN);
  return sent.map((tries) => tries.at(-1)?.at ?? Infinity);
}

test('a thousand notifications of a mailbox that changes for ten seconds make few Jobs', async () => {
  const { stage } = push;
  const owner = await subscribedOwner(stage, { messages: 20 });
  const subscription = subscriptionOf(stage, owner);
  const sent = await sendBurst({
    count: 1_000,
    durationMs: BURST_MS,
    next: (number) => {
      change(owner, number);
      return subscription;
    },
  });
  const lastAt = Math.max(...assertTaken(sent));
  const firstTries = sent.flatMap((tries) => tries.slice(0, 1));
  const beganAt = Math.min(...firstTries.map(({ at, tookMs }) => at - tookMs));
  const endedAt = Math.max(...firstTries.map(({ at }) => at));
  expect(endedAt - beganAt, 'all of them told').toBeLessThan(BURST_MS + PATIENCE_MS);
  await stage.seeProvider(owner, 'a run that began after the last answer', (one) => beganAfter(one, lastAt));
  await seeMirrored(stage, owner);
  // No Job is to come any more.
  await stage.seeProvider(owner, 'at rest', isAtRest);
  const jobs = await pushJobsOf(stage, owner);
  expect(jobs.length, 'the first and at most two more').toBeLessThanOrEqual(3);
});

test(
  'ten thousand notifications over a hundred mailboxes are all answered in time, and each mailbox is right',
  async () => {
    const { stage } = push;
    const owners = await Promise.all(Array.from({ length: 100 }, () => stage.addOwner({ messages: 2 })));
    const startedAt = performance.now();
    await Promise.all(owners.map((owner) => stage.applyProvider(owner, pushed)));
    await stage.see(providers, {
      what: 'a hundred providers, subscribed',
      find: (seen) => owners.every(({ name }) => isSubscribed(seen.get(name))) || undefined,
      timeoutMs: 150_000,
    });
    console.info(`a hundred first runs took ${Math.round(performance.now() - startedAt)} ms`);
    const subscriptions = owners.map((owner) => subscriptionOf(stage, owner));
    const last = new Map<number, number>();
    const sent = await sendBurst({
      count: 10_000,
      durationMs: BURST_MS,
      next: (number) => {
        const which = number % owners.length;
        const [owner, subscription] = [owners[which], subscriptions[which]];
        if (owner === undefined || subscription === undefined) throw new Error('Nobody’s turn');
        change(owner, number);
        return subscription;
      },
    });
    for (const [number, at] of assertTaken(sent).entries()) {
      const which = number % owners.length;
      last.set(which, Math.max(at, last.get(which) ?? 0));
    }
    await stage.see(providers, {
      what: 'for each mailbox a run that began after its last answer',
      find: (seen) =>
        owners.every(({ name }, which) => beganAfter(seen.get(name), last.get(which) ?? Infinity)) ||
        undefined,
      timeoutMs: 150_000,
    });
    await seeMirrored(stage, ...owners);
    console.info(`all of it took ${Math.round(performance.now() - startedAt)} ms`);
  },
  LONG_MS,
);
