// Graph's part in a burst: so many notifications in so much time, each sent again when it is not taken, and how each was
// answered. (For a change at a time there is the simulator's own delivery.)
import { setTimeout as sleep } from 'node:timers/promises';
import type { SubscriptionRecord } from '../harness/graph/subscriptions.ts';

export interface Answered {
  readonly status: number;
  readonly tookMs: number;
  /** As Date.now(). */
  readonly at: number;
}

const headers = { 'content-type': 'application/json; charset=utf-8' };
/** Long after which Graph has given up an answer. */
const LIMIT_MS = 10_000;

/** Never rejects: status 0 stands for no answer. */
export async function post(url: string, value: readonly object[]): Promise<Answered> {
  const startedAt = performance.now();
  const body = JSON.stringify({ value });
  const status = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(LIMIT_MS) })
    .then(async (answer) => {
      await answer.arrayBuffer();
      return answer.status;
    })
    .catch(() => 0);
  return { status, tookMs: performance.now() - startedAt, at: Date.now() };
}

function notify(subscription: SubscriptionRecord, number: number): Promise<Answered> {
  const { id: subscriptionId, clientState, expirationDateTime, notificationUrl } = subscription;
  const resource = `Users/${subscription.mailbox}/Messages/${number}`;
  const entry = {
    subscriptionId,
    subscriptionExpirationDateTime: expirationDateTime,
    changeType: 'updated',
    resource,
    resourceData: { '@odata.type': '#Microsoft.Graph.Message', '@odata.id': resource, id: String(number) },
    clientState,
    tenantId: '',
  };
  return post(notificationUrl, [entry]);
}

export interface Burst {
  readonly count: number;
  /** Over which they are spread evenly. */
  readonly durationMs: number;
  /** Whose turn it is, and what has just happened to it. */
  readonly next: (number: number) => SubscriptionRecord;
}

/** Sends them without waiting for answers; resolves to all answers, in the order of sending. */
export async function sendBurst({ count, durationMs, next }: Burst): Promise<readonly Answered[]> {
  const startedAt = performance.now();
  const answers: Promise<Answered>[] = [];
  for (let number = 0; number < count; number += 1) {
    const aheadMs = startedAt + (number * durationMs) / count - performance.now();
    if (aheadMs > 1) await sleep(aheadMs);
    answers.push(notify(next(number), number));
  }
  return Promise.all(answers);
}
