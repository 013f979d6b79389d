/** The subscriptions that are alive, and what each of them has not been told yet. */
import type { SimulatedMailbox } from './mailbox.ts';
import { isWanted, notificationOf } from './notifications.ts';
import type { SubscriptionTerms } from './subscriptionTerms.ts';

export interface Subscription {
  id: string;
  /** The order of creation, from 1. */
  serial: number;
  terms: SubscriptionTerms;
  mailbox: SimulatedMailbox;
  scope: string;
  immutable: boolean;
  /** Changes up to this sequence have been told, or will never be. */
  told: number;
  /** Waits to be authorised anew: what happens meanwhile is never told. */
  withheld: boolean;
}

export interface Notification {
  subscription: Subscription;
  body: object;
}

export class SubscriptionRegister {
  readonly #clock: () => number;
  readonly #all = new Map<string, Subscription>();
  #count = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  add(subscription: Omit<Subscription, 'serial'>): Subscription {
    const added = { ...subscription, serial: ++this.#count };
    this.#all.set(added.id, added);
    return added;
  }

  /** In order of creation. An expiry passes silently. */
  all(): Subscription[] {
    for (const id of this.#all.keys()) this.find(id);
    return [...this.#all.values()];
  }

  of(mailbox: SimulatedMailbox): Subscription[] {
    return this.#all.size === 0 ? [] : this.all().filter((one) => one.mailbox === mailbox);
  }

  find(id: string): Subscription | undefined {
    const found = this.#all.get(id);
    if (found === undefined || Date.parse(found.terms.expirationDateTime) > this.#clock()) return found;
    this.#all.delete(id);
    return undefined;
  }

  remove(id: string): void {
    this.#all.delete(id);
  }

  /** What the given ones have to be told, oldest first; it is handed out once. */
  takeUntold(subscriptions: readonly Subscription[]): { told: Notification[]; withheld: number } {
    const told: Notification[] = [];
    let withheld = 0;
    for (const subscription of subscriptions) {
      const { log } = subscription.mailbox;
      const changes = log.between(subscription.scope, subscription.told, log.sequence);
      subscription.told = log.sequence;
      const wanted = changes.filter((change) => isWanted(subscription, change));
      if (subscription.withheld) withheld += wanted.length;
      else
        told.push(...wanted.map((change) => ({ subscription, body: notificationOf(subscription, change) })));
    }
    return { told, withheld };
  }
}
