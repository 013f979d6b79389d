import type { ErrorCode } from './errorCodes.ts';

/**
 * Conditions of an OutlookProvider. `Ready` is the summary; `Reconciling` and `Stalled` are kstatus' abnormal-true
 * ones, absent when all is well. Types and reasons are a contract with alerts and scripts.
 */
export const conditionTypes = {
  /** Operator: the mailbox is in Postgres and fresh. */
  ready: 'Ready',
  /** Operator: the CronJob is what the spec asks for. */
  scheduled: 'Scheduled',
  /** Operator: something is on its way to what the spec asks for. */
  reconciling: 'Reconciling',
  /** Operator: nothing will get better until a person acts. */
  stalled: 'Stalled',
  /** Job: how the last run ended. */
  synced: 'Synced',
  /** Job: whether Microsoft accepts the grant and the app. */
  credentialsValid: 'CredentialsValid',
  /** Job: whether Graph has a subscription for us. */
  pushSubscribed: 'PushSubscribed',
} as const;

/** One writer for each. */
export const operatorConditionTypes: readonly string[] = [
  conditionTypes.ready,
  conditionTypes.scheduled,
  conditionTypes.reconciling,
  conditionTypes.stalled,
];
export const jobConditionTypes: readonly string[] = [
  conditionTypes.synced,
  conditionTypes.credentialsValid,
  conditionTypes.pushSubscribed,
];

export type ConditionType = (typeof conditionTypes)[keyof typeof conditionTypes];

/** Reasons of the operator's own, each with its meaning; those of a failed sync are the error codes. */
export const operatorReasons = {
  Succeeded: 'The last sync succeeded and is fresh',
  AwaitingFirstSync: 'No sync has ended yet',
  Progressing: 'The first sync is not through yet',
  Scheduled: 'The CronJob is what the spec asks for',
  Suspended: 'spec.suspend is set',
  SyncOverdue: 'No sync succeeded for three intervals of the schedule',
  SecretNotFound: 'A Secret that the job needs does not exist',
  SecretKeyMissing: 'A Secret that the job needs lacks a key',
  NameConflict: 'An object with the name that is needed exists and belongs to somebody else',
  DuplicateProvider: 'An older OutlookProvider of this namespace is for the same mailbox or row',
  InvalidSpec: 'The stored spec is not valid; it is from another version, or was written past the schema',
  ScheduleRefused: 'The API server refused the CronJob',
  AccessMissing: 'The operator lacks a right in this namespace',
  JobOOMKilled: 'A sync ran out of memory and was killed',
  JobDeadlineExceeded: 'A sync did not end in time',
  JobEvicted: 'The pod of a sync was evicted',
  JobImagePullFailed: 'The image of the sync job cannot be pulled',
  JobNotStarted: 'The pod of a sync cannot start',
  JobDied: 'A sync ended without a word',
  CleanupFailed: 'The cleanup before deletion did not succeed and was given up',
} as const;

export type OperatorReason = keyof typeof operatorReasons;
export type Reason = OperatorReason | ErrorCode | 'Subscribed' | 'NotConfigured' | 'SubscriptionFailed';

/** A condition as the API conventions have it; `lastTransitionTime` moves only when `status` does. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number | undefined;
  /** RFC 3339, in seconds. */
  readonly lastTransitionTime: string;
}

const seconds = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, 'Z');

/** A condition for now, whose transition time is that of `before` unless the status changed. */
export function transition(
  before: readonly Condition[],
  next: Omit<Condition, 'lastTransitionTime'>,
  now: Date,
): Condition {
  const same = before.find(({ type, status }) => type === next.type && status === next.status);
  return { ...next, lastTransitionTime: same?.lastTransitionTime ?? seconds(now) };
}
