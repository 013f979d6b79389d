/**
 * Graph's side of push, as tests see it: when notifications leave, what became of them, and what the service says of
 * its subscriptions. By default nothing leaves by itself, so that order and loss are the test's choice.
 */
import { lifecycleOf, type LifecycleEvent } from './notifications.ts';
import type { SimulatedMailbox } from './mailbox.ts';
import { jsonPost, Poster } from './poster.ts';
import { sendBurst, type BurstOptions, type BurstReport } from './pushBurst.ts';
import {
  pushSettings,
  type AdjustablePushOptions,
  type PushOptions,
  type PushSettings,
} from './pushOptions.ts';
import { isTaken, PushQueue } from './pushQueue.ts';
import { noStatistics, type PushStatistics } from './pushStatistics.ts';
import type { Subscription, SubscriptionRegister } from './subscriptionRegister.ts';

/** As long as Graph waits for an answer to a handshake; requests by hand are given the same. */
const PATIENCE_MS = 10_000;

export interface Delivery {
  url: string;
  /** 0 when the receiver could not be reached in time. */
  status: number;
  /** From the first byte sent to the last one read. */
  ms: number;
  /** When that was, as Date.now(). */
  at: number;
  value: object[];
}

export interface SimulatedPush {
  /** A copy: what has been counted until now. */
  statistics(): PushStatistics;
  resetStatistics(): void;
  /** Alters how notifications are delivered from now on; what is queued already keeps its time. */
  adjust(options: AdjustablePushOptions): void;
  /** Resolves when nothing waits, is under way or is to be tried again. */
  idle(): Promise<void>;
  /** Posts so many notifications to the subscribers, each counted in the report and nowhere else. */
  burst(options: BurstOptions): Promise<BurstReport>;
}

export class Push implements SimulatedPush {
  readonly poster: Poster;
  readonly #register: SubscriptionRegister;
  readonly #queue: PushQueue;
  readonly #ended = new AbortController();
  /** Subscriptions that will be told that they have missed something. */
  readonly #owed = new Set<string>();
  #options: PushOptions;
  #settings: PushSettings;
  #statistics = noStatistics();

  constructor(register: SubscriptionRegister, options: PushOptions, seed: number) {
    this.#register = register;
    this.#options = options;
    this.#settings = pushSettings(options, seed);
    this.poster = new Poster(this.#settings.connections);
    this.#queue = new PushQueue({
      poster: this.poster,
      settings: () => this.#settings,
      statistics: () => this.#statistics,
      isAlive: ({ id }) => register.find(id) !== undefined,
      onLoss: (subscription) => {
        this.#tellMissed(subscription);
      },
    });
  }

  statistics(): PushStatistics {
    return structuredClone(this.#statistics);
  }

  resetStatistics(): void {
    this.#statistics = noStatistics();
  }

  adjust(options: AdjustablePushOptions): void {
    this.#options = { ...this.#options, ...options };
    this.#settings = pushSettings(this.#options, this.#settings.seed);
  }

  /** Something has happened in a mailbox. */
  changed(mailbox: SimulatedMailbox): void {
    if (!this.#settings.auto) return;
    const { told, withheld } = this.#register.takeUntold(this.#register.of(mailbox));
    this.#statistics.withheld += withheld;
    for (const notification of told) this.#queue.add(notification);
  }

  /** Posts what has changed since the last delivery, one request per URL, mixed across subscriptions; tried once. */
  async deliver(): Promise<Delivery[]> {
    const byUrl = new Map<string, object[]>();
    const { told, withheld } = this.#register.takeUntold(this.#register.all());
    this.#statistics.withheld += withheld;
    for (const { subscription, body } of told) {
      const { notificationUrl } = subscription.terms;
      byUrl.set(notificationUrl, [...(byUrl.get(notificationUrl) ?? []), body]);
    }
    return Promise.all([...byUrl].map(([url, value]) => this.#send(url, value)));
  }

  async #send(url: string, value: object[]): Promise<Delivery> {
    const answer = await this.poster.post(jsonPost(url, value, PATIENCE_MS));
    const at = Date.now();
    this.#queue.note(url, answer);
    if (isTaken(answer)) this.#statistics.delivered += value.length;
    return { url, status: answer.status, ms: answer.ms, at, value };
  }

  /** Posts a lifecycle event to the URL given at creation; throws when the subscription has none. */
  async sendLifecycle(id: string, event: LifecycleEvent): Promise<Delivery> {
    const subscription = this.#register.find(id);
    const url = subscription?.terms.lifecycleNotificationUrl;
    if (subscription === undefined || url === undefined) throw new Error('No such subscription, or no URL.');
    if (event === 'subscriptionRemoved') this.#register.remove(id);
    if (event === 'reauthorizationRequired') subscription.withheld = true;
    return this.#send(url, [lifecycleOf(subscription, event)]);
  }

  #tellMissed(subscription: Subscription): void {
    const { missedAfterMs } = this.#settings;
    const url = subscription.terms.lifecycleNotificationUrl;
    if (missedAfterMs === undefined || url === undefined || this.#owed.has(subscription.id)) return;
    this.#owed.add(subscription.id);
    this.#queue.later(missedAfterMs, () => {
      this.#owed.delete(subscription.id);
      if (this.#register.find(subscription.id) === undefined) return;
      this.#queue.addLifecycle(url, { subscription, body: lifecycleOf(subscription, 'missed') });
    });
  }

  idle(): Promise<void> {
    return this.#queue.idle();
  }

  burst(options: BurstOptions): Promise<BurstReport> {
    const { email } = options;
    const wanted = email === undefined ? undefined : [email].flat().map((one) => one.toLowerCase());
    const live = this.#register
      .all()
      .filter(
        ({ mailbox, withheld }) => !withheld && (wanted?.includes(mailbox.email.toLowerCase()) ?? true),
      );
    return sendBurst(live, options, this.#ended.signal);
  }

  async close(): Promise<void> {
    this.#queue.close();
    this.#ended.abort();
    await this.poster.close();
  }
}
