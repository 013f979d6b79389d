import type { subscriptionEvents } from '../api/providerStatus.ts';

/**
 * What stands between a request and the cluster: which OutlookProviders it concerns, and that they are told. A request
 * says what has happened, in whatever form; from here on it is only that a mailbox is to be woken.
 */
export interface Provider {
  /** `namespace/name`. */
  readonly key: string;
  /** False: suspended or on its way out; it is not woken. */
  readonly isActive: boolean;
}

export interface Directory {
  /** By the id of the row in email_providers, in any case. More than one where several resources claim it. */
  byProviderId(providerId: string): readonly Provider[];
  /** By spec.emailAddress or spec.userPrincipalName, in any case. */
  byAddress(address: string): readonly Provider[];
  /** By the id of Graph's subscription, as the status has it. */
  bySubscription(subscriptionId: string): readonly Provider[];
}

export type SubscriptionEvent = (typeof subscriptionEvents)[number];

export interface WakeUps {
  /**
   * Resolves when it is certain that a sync begins after this moment, whatever becomes of this process: at once where
   * a mark already waits for its Job, else when the API server has kept a new one.
   * @throws NotKept where that cannot be had in time; the sender is to come again
   */
  wake(provider: Provider): Promise<void>;
  /** The same, and that the next run looks after the subscription. @throws NotKept */
  tell(provider: Provider, event: SubscriptionEvent): Promise<void>;
}

/** What was told could not be kept: the API server does not answer, or refuses for the moment. */
export class NotKept extends Error {
  override readonly name = 'NotKept';
}
