import { type ConditionType, type OperatorReason, type Reason, operatorReasons } from './conditions.ts';
import { type ErrorCode, errorMeanings } from './errorCodes.ts';

/** What the conditions say to people: who writes which, and what `True` and its absence mean. */
export const conditionMeanings: Readonly<
  Record<ConditionType, { readonly writer: 'operator' | 'job'; readonly meaning: string }>
> = {
  Ready: { writer: 'operator', meaning: 'The mailbox is in Postgres and fresh; the summary of all others' },
  Scheduled: { writer: 'operator', meaning: 'The CronJob is what the spec asks for' },
  Reconciling: {
    writer: 'operator',
    meaning: 'Something is on its way to what the spec asks for; absent when nothing is',
  },
  Stalled: {
    writer: 'operator',
    meaning: 'Nothing will get better until a person acts; absent when that is not so',
  },
  Synced: { writer: 'job', meaning: 'The last run succeeded' },
  CredentialsValid: { writer: 'job', meaning: 'Microsoft accepts the grant and the app' },
  PushSubscribed: { writer: 'job', meaning: 'Graph has a subscription for change notifications' },
};

const pushReasons: Readonly<Record<Exclude<Reason, OperatorReason | ErrorCode>, string>> = {
  Subscribed: 'Graph notifies the webhook of changes',
  NotConfigured: 'spec.push.enabled is not set, or the installation has no webhook',
  SubscriptionFailed: 'Graph refuses the subscription; syncs go on by the schedule',
};

/** Every reason that a condition can have, with its meaning. */
export const reasonMeanings: Readonly<Record<Reason, string>> = {
  ...operatorReasons,
  ...pushReasons,
  ...errorMeanings,
};
