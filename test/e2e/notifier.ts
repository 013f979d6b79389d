// Graph's part in a burst: so many notifications in so much time, and how each was answered.
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonPost, Poster } from '../harness/graph/poster.ts';
import type { SubscriptionRecord } from '../harness/graph/subscriptions.ts';

export interface Answered {
  readonly status: number;
  readonly tookMs: number;
  /** As Date.now(). */
  readonly at: number;
}

/** Long after which Graph has given up an answer. */
const LIMIT_MS = 10_000;
const CONNECTIONS = 64;
const TAKEN = 202;
const MOST_TRIES = 10;
/** Graph waits longer; a test does not. */
const AGAIN_MS = 1_000;

/** The answers to one notification, the first of them first. */
export type Tries = readonly Answered[];

/** Never rejects: status 0 stands for no answer. A wait for a connection is not in the time. */
export async function post(poster: Poster, url: string, value: readonly object[]): Promise<Answered> {
  const { status, ms } = await poster.post(jsonPost(url, value, LIMIT_MS));
  return { status, tookMs: ms, at: Date.now() };
}

async function postUntilTaken(poster: Poster, url: string, value: readonly object[]): Promise<Tries> {
  const tries: Answered[] = [];
  for (;;) {
    const answered = await post(poster, url, value);
    tries.push(answered);
    if (answered.status === TAKEN || tries.length >= MOST_TRIES) return tries;
    await sleep(AGAIN_MS);
  }
}

function entryOf(subscription: SubscriptionRecord, number: number): object {
  const { id: subscriptionId, clientState, expirationDateTime } = subscription;
  const resource = `Users/${subscription.mailbox}/Messages/${number}`;
  return {
    subscriptionId,
    subscriptionExpirationDateTime: expirationDateTime,
    changeType: 'updated',
    resource,
    resourceData: { '@odata.type': '#Microsoft.Graph.Message', '@odata.id': resource, id: String(number) },
    clientState,
    tenantId: '',
  };
}

export interface Burst {
  readonly count: number;
  /** Over which they are spread evenly. */
  readonly durationMs: number;
  /** Whose turn it is, and what has just happened to it. */
  readonly next: (number: number) => SubscriptionRecord;
}

/**
 * Sends them without waiting for answers, and again what was not taken, as Graph does; resolves to the answers to each,
 * in the order of sending, of which the last took it or was the last try.
 */
export async function sendBurst({ count, durationMs, next }: Burst): Promise<readonly Tries[]> {
  const startedAt = performance.now();
  const answers: Promise<Tries>[] = [];
  const poster = new Poster(CONNECTIONS);
  for (let number = 0; number < count; number += 1) {
    const aheadMs = startedAt + (number * durationMs) / count - performance.now();
    if (aheadMs > 1) await sleep(aheadMs);
    const subscription = next(number);
    answers.push(postUntilTaken(poster, subscription.notificationUrl, [entryOf(subscription, number)]));
  }
  const all = await Promise.all(answers);
  await poster.close();
  return all;
}
