/**
 * Many notifications in a short time, for load: evenly spread over it, mailbox after mailbox in turns, each answer
 * kept. A receiver that falls behind does not slow the sender down, but for the bound on connections.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Change } from './changeLog.ts';
import { notificationOf } from './notifications.ts';
import { jsonPost, Poster } from './poster.ts';
import { isTaken } from './pushQueue.ts';
import type { Notification, Subscription } from './subscriptionRegister.ts';

export interface BurstOptions {
  /** Whose; default every mailbox with a subscription. */
  email?: string | readonly string[];
  /** Notifications in all. */
  count: number;
  /** Default 0: all at once. */
  withinMs?: number;
  /** Notifications in one request, default 1; more than one goes to the URL of the first, whosever the others are. */
  batch?: number;
  /** Requests at a time, default 64. */
  connections?: number;
  /** Default 3,000. */
  answerWithinMs?: number;
  /** The waits before each further try of what was not taken; default none: a single try. */
  retryMs?: readonly number[];
}

interface BurstAnswer {
  /** Whose notification was the first of the request. */
  mailbox: string;
  /** Of the last try; 0 when none came in time. */
  status: number;
  /** The last try alone, without the wait for a connection. */
  ms: number;
  tries: number;
}

export interface BurstReport {
  /** One for each request, in the order of sending. */
  answers: BurstAnswer[];
  byStatus: Record<number, number>;
  /** Requests that a 2xx ended. */
  taken: number;
  /** Of answer times, over all last tries. */
  medianMs: number;
  p99Ms: number;
  maxMs: number;
  /** From the first request to the last answer. */
  elapsedMs: number;
}

/** A change that never was, of a message that is there if the mailbox has any: a wake-up call like any other. */
function madeUp(subscription: Subscription, number: number): Notification {
  const { mailbox } = subscription;
  const [kind] = subscription.terms.changeType.split(',');
  const change: Change = {
    sequence: mailbox.log.sequence + number,
    item: number % Math.max(1, mailbox.store.all().length),
    kind: kind === 'created' ? 'added' : kind === 'deleted' ? 'removed' : 'updated',
    moves: 0,
    keys: [],
  };
  return { subscription, body: notificationOf(subscription, change) };
}

function requestsOf(
  subscriptions: readonly Subscription[],
  { count, batch = 1 }: BurstOptions,
): Notification[][] {
  const all = Array.from({ length: count }, (_, number) =>
    madeUp(subscriptions[number % subscriptions.length] as Subscription, number),
  );
  const requests: Notification[][] = [];
  for (let from = 0; from < count; from += batch) requests.push(all.slice(from, from + batch));
  return requests;
}

async function postOne(
  poster: Poster,
  notifications: readonly Notification[],
  options: BurstOptions,
): Promise<BurstAnswer> {
  const { terms, mailbox } = (notifications[0] as Notification).subscription;
  const { answerWithinMs = 3_000, retryMs = [] } = options;
  const value = notifications.map(({ body }) => body);
  for (let tries = 1; ; tries += 1) {
    const answer = await poster.post(jsonPost(terms.notificationUrl, value, answerWithinMs));
    const wait = retryMs[tries - 1];
    if (isTaken(answer) || wait === undefined) {
      return { mailbox: mailbox.email, status: answer.status, ms: answer.ms, tries };
    }
    await sleep(wait);
  }
}

function reportOf(answers: BurstAnswer[], elapsedMs: number): BurstReport {
  const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  const part = (share: number): number => times[Math.max(0, Math.ceil(times.length * share) - 1)] ?? 0;
  const byStatus: Record<number, number> = {};
  for (const { status } of answers) byStatus[status] = (byStatus[status] ?? 0) + 1;
  const taken = answers.filter((answer) => isTaken(answer)).length;
  return { answers, byStatus, taken, medianMs: part(0.5), p99Ms: part(0.99), maxMs: part(1), elapsedMs };
}

/** Throws when nobody is subscribed. `signal` ends it early: what is open is then unanswered. */
export async function sendBurst(
  subscriptions: readonly Subscription[],
  options: BurstOptions,
  signal: AbortSignal,
): Promise<BurstReport> {
  if (subscriptions.length === 0) throw new Error('Nobody is subscribed.');
  const poster = new Poster(options.connections ?? 64);
  const end = (): void => void poster.close();
  signal.addEventListener('abort', end);
  const requests = requestsOf(subscriptions, options);
  const startedAt = performance.now();
  try {
    const answers: Promise<BurstAnswer>[] = [];
    for (const [number, notifications] of requests.entries()) {
      const due = startedAt + (number * (options.withinMs ?? 0)) / requests.length;
      if (due - performance.now() > 1) await sleep(due - performance.now());
      if (signal.aborted) break;
      answers.push(postOne(poster, notifications, options));
    }
    return reportOf(await Promise.all(answers), performance.now() - startedAt);
  } finally {
    signal.removeEventListener('abort', end);
    await poster.close();
  }
}
