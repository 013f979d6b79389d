/**
 * Delivery as Graph does it by itself: late, in batches, again when it is not taken, and given up in the end; and
 * wrong in the ways its options ask for. All chance comes from the seed, drawn in the order of the changes.
 * Times are the machine's, not the simulated clock's.
 */
import { EndpointHealth, endpointOf } from './endpointHealth.ts';
import { jsonPost, type Posted, type Poster } from './poster.ts';
import type { PushSettings } from './pushOptions.ts';
import type { PushStatistics } from './pushStatistics.ts';
import { createRandom, hash, type Random } from './random.ts';
import type { Notification, Subscription } from './subscriptionRegister.ts';

/** How much longer than any other a notification is held back that shall be overtaken. */
const OVERTAKEN_MS = 50;

interface Waiting extends Notification {
  due: number;
}

/** What shares requests. In order of `due`. */
interface Lane {
  waiting: Waiting[];
  timer?: NodeJS.Timeout;
  /** Nothing that is in order may leave before this. */
  latest: number;
}

interface Batch {
  url: string;
  notifications: readonly Notification[];
  lifecycle: boolean;
  /** Tries before this one. */
  tries: number;
}

export interface PushQueueParts {
  poster: Poster;
  settings: () => PushSettings;
  statistics: () => PushStatistics;
  isAlive: (subscription: Subscription) => boolean;
  /** Some notification of the subscription will never arrive. */
  onLoss: (subscription: Subscription) => void;
}

export class PushQueue {
  readonly #parts: PushQueueParts;
  readonly #random: Random;
  readonly #health = new EndpointHealth();
  readonly #lanes = new Map<string, Lane>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #idle: (() => void)[] = [];
  #open = 0;
  #closed = false;

  constructor(parts: PushQueueParts) {
    this.#parts = parts;
    this.#random = createRandom(hash(parts.settings().seed, 'push'));
  }

  add(notification: Notification): void {
    const { settings, statistics, onLoss } = this.#parts;
    const { duplicate, lose } = settings();
    if (this.#random.chance(lose)) {
      statistics().lost += 1;
      onLoss(notification.subscription);
      return;
    }
    this.#schedule(notification);
    if (!this.#random.chance(duplicate)) return;
    statistics().duplicated += 1;
    this.#schedule(notification);
  }

  #schedule(notification: Notification): void {
    const { settings, statistics, onLoss } = this.#parts;
    const { delayMs, reorder, throttle, mixMailboxes } = settings();
    const { notificationUrl } = notification.subscription.terms;
    const now = performance.now();
    const health = this.#health.of(notificationUrl, throttle, now);
    if (health === 'drop') {
      statistics().dropped += 1;
      onLoss(notification.subscription);
      return;
    }
    const [least, most] = delayMs;
    const late =
      least + this.#random.next() * (most - least) + (health === 'slow' ? (throttle?.delayMs ?? 0) : 0);
    const key = mixMailboxes ? endpointOf(notificationUrl) : notificationUrl;
    const lane = this.#lanes.get(key) ?? { waiting: [], latest: 0 };
    this.#lanes.set(key, lane);
    if (this.#random.chance(reorder)) {
      statistics().reordered += 1;
      insert(lane.waiting, { ...notification, due: Math.max(now + most, lane.latest) + OVERTAKEN_MS });
    } else {
      lane.latest = Math.max(now + late, lane.latest);
      insert(lane.waiting, { ...notification, due: lane.latest });
    }
    this.#open += 1;
    this.#arm(lane);
  }

  #arm(lane: Lane): void {
    if (lane.timer !== undefined) this.#disarm(lane.timer);
    const [first] = lane.waiting;
    if (first === undefined) return;
    lane.timer = this.#after(Math.max(0, first.due - performance.now()), () => {
      this.#depart(lane);
    });
  }

  /** Sends whatever is due, in batches. */
  #depart(lane: Lane): void {
    const now = performance.now() + 1;
    const later = lane.waiting.findIndex(({ due }) => due > now);
    const due = lane.waiting.splice(0, later < 0 ? lane.waiting.length : later);
    const { batch } = this.#parts.settings();
    for (let from = 0; from < due.length; from += batch) {
      const notifications = due.slice(from, from + batch);
      const url = notifications[0]?.subscription.terms.notificationUrl ?? '';
      this.#open += 1;
      void this.#attempt({ url, notifications, lifecycle: false, tries: 0 });
    }
    this.#arm(lane);
    this.#leave(due.length);
  }

  /** A lifecycle event, which no throttle holds back. */
  addLifecycle(url: string, notification: Notification): void {
    this.#open += 1;
    void this.#attempt({ url, notifications: [notification], lifecycle: true, tries: 0 });
  }

  async #attempt(batch: Batch): Promise<void> {
    if (this.#closed) return;
    const { settings, poster } = this.#parts;
    const living = this.#livingOf(batch);
    if (living.length === 0) {
      this.#leave();
      return;
    }
    const { answerWithinMs } = settings();
    const value = living.map(({ body }) => body);
    const answer = await poster.post(jsonPost(batch.url, value, answerWithinMs));
    this.#conclude({ ...batch, notifications: living }, answer);
  }

  #conclude(batch: Batch, answer: Posted): void {
    if (this.#closed) return;
    this.note(batch.url, answer);
    if (isTaken(answer)) this.#parts.statistics().delivered += batch.notifications.length;
    else if (this.#triesAgain(batch, answer)) return;
    this.#leave();
  }

  #livingOf({ notifications, lifecycle }: Batch): readonly Notification[] {
    const { isAlive, settings, statistics } = this.#parts;
    if (lifecycle || settings().deliverAfterDeletion) return notifications;
    const living = notifications.filter(({ subscription }) => isAlive(subscription));
    statistics().obsolete += notifications.length - living.length;
    return living;
  }

  /** Whether there is another try to come. */
  #triesAgain(batch: Batch, { status }: Posted): boolean {
    const { settings, statistics, onLoss } = this.#parts;
    const { retryMs, retryClientErrors } = settings();
    const final = status >= 400 && status < 500 && !retryClientErrors;
    const wait = final ? undefined : retryMs[batch.tries];
    if (wait === undefined) {
      statistics().givenUp += batch.notifications.length;
      if (!batch.lifecycle) for (const { subscription } of batch.notifications) onLoss(subscription);
      return false;
    }
    this.#after(wait, () => {
      statistics().retried += 1;
      void this.#attempt({ ...batch, tries: batch.tries + 1 });
    });
    return true;
  }

  /** Counts an answer, also one to a request that did not come from here. */
  note(url: string, { status, ms }: Posted): void {
    const statistics = this.#parts.statistics();
    const { slowMs, throttle } = this.#parts.settings();
    const slow = ms > slowMs;
    statistics.posted += 1;
    statistics.answered[status] = (statistics.answered[status] ?? 0) + 1;
    if (slow) statistics.slow += 1;
    statistics.maxAnswerMs = Math.max(statistics.maxAnswerMs, ms);
    if (throttle !== undefined) this.#health.note(url, slow, performance.now());
  }

  /** Runs `act` after a wait, during which the queue is not idle. */
  later(ms: number, act: () => void): void {
    this.#open += 1;
    this.#after(ms, () => {
      act();
      this.#leave();
    });
  }

  #after(ms: number, act: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
    if (this.#closed) this.#disarm(timer);
    return timer;
  }

  #disarm(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.#timers.delete(timer);
  }

  #leave(count = 1): void {
    this.#open -= count;
    if (this.#open > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Resolves when nothing waits, is under way or is to be tried again; and when the queue is closed. */
  async idle(): Promise<void> {
    if (this.#open === 0 || this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
    });
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

export function isTaken({ status }: Pick<Posted, 'status'>): boolean {
  return status >= 200 && status < 300;
}

function insert(waiting: Waiting[], one: Waiting): void {
  const later = waiting.findIndex(({ due }) => due > one.due);
  waiting.splice(later < 0 ? waiting.length : later, 0, one);
}
