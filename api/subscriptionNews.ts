import { type Condition, conditionTypes } from './conditions.ts';

/**
 * What is told once, as an Event, of what a run found of Graph's subscription: by the job, or by the operator where the
 * job could not. The words are the condition's, which are safe to show.
 */
export interface SubscriptionNews {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: 'Subscribe';
  readonly note: string;
}

const types: Readonly<Record<string, SubscriptionNews['type']>> = {
  Subscribed: 'Normal',
  SubscriptionFailed: 'Warning',
};

/**
 * A failure that goes on is no news, whatever its words; nor is a renewal, nor that nobody asks for push.
 * @param before the conditions as the run before left them
 * @param after what became of `PushSubscribed`; undefined where the run did not get there
 */
export function subscriptionNews(
  before: readonly Condition[],
  after: Pick<Condition, 'reason' | 'message'> | undefined,
): SubscriptionNews | null {
  if (after === undefined) return null;
  const { reason, message: note } = after;
  const type = types[reason];
  const former = before.find((one) => one.type === conditionTypes.pushSubscribed);
  return type === undefined || former?.reason === reason ? null : { type, reason, action: 'Subscribe', note };
}
