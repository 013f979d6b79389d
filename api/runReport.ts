import * as z from 'zod';
import { type Condition, conditionTypes, jobConditionTypes, transition } from './conditions.ts';
import { credentialCodes } from './errorCodes.ts';
import { type Phase, type ProviderStatus, cursorStates } from './providerStatus.ts';
import { type triggers } from './resource.ts';

/**
 * What a run of the job has to say, and what that makes of the job's fields of the status. The job applies it itself;
 * where it could not, the operator does so on its behalf, from the termination message of the pod or, of a pod that
 * died without one, from what the node's agent says. Both apply all of the job's fields at once, under its name.
 */
const at = z.iso.datetime();

/** What became of Graph's subscription. */
const pushReport = z.object({
  reason: z.enum(['Subscribed', 'NotConfigured', 'SubscriptionFailed']),
  message: z.string(),
  /** The one that there is, as far as is known. */
  subscription: z.object({ id: z.string(), expiresAt: at }).optional(),
});
export type PushReport = z.infer<typeof pushReport>;

/** The termination message of the job's container: one line of JSON, well below the 4 kB that a node keeps. */
export const runReport = z.object({
  status: z.enum(['connected', 'skipped', 'interrupted', 'error']),
  /** Whether the job wrote this to the OutlookProvider itself. */
  reported: z.boolean(),
  providerId: z.string().nullable(),
  upserted: z.int().min(0),
  removed: z.int().min(0),
  /** Rows of the mailbox in Postgres; null where they were not counted. */
  stored: z.int().min(0).nullable(),
  cursor: z.enum(cursorStates),
  attempts: z.int().min(1),
  durationMs: z.number().min(0),
  startedAt: at,
  finishedAt: at,
  /** The code becomes the reason of a condition, which the API server wants in this form. */
  /** Absent where the run did not get there. */
  push: pushReport.optional(),
  error: z.object({ code: z.string().regex(/^[A-Z][A-Za-z]{0,99}$/), message: z.string() }).optional(),
});
export type RunReport = z.infer<typeof runReport>;

/** Which run: what the operator told the job of itself. */
export interface RunIdentity {
  readonly jobName: string;
  readonly trigger: (typeof triggers)[number];
  /** Generation of the spec that the run was made from. */
  readonly generation: number;
  readonly credentialsVersion: string;
}

/** The job's fields of a status, all of them; what is absent here is removed by the next apply. */
export type JobStatus = Omit<
  ProviderStatus,
  | 'observedGeneration'
  | 'nextSyncAt'
  | 'lastHandledSyncRequest'
  | 'lastHandledResyncRequest'
  | 'lastLostPod'
  | 'syncRequestedAt'
  | 'subscriptionEvent'
>;

/** Of a status, the part that belongs to the job, as it stands. */
export function jobPart(status: ProviderStatus): JobStatus {
  const {
    observedGeneration: _1,
    nextSyncAt: _2,
    lastHandledSyncRequest: _3,
    lastHandledResyncRequest: _4,
    lastLostPod: _5,
    syncRequestedAt: _6,
    subscriptionEvent: _7,
    conditions = [],
    ...mine
  } = status;
  return { ...mine, conditions: conditions.filter(({ type }) => jobConditionTypes.includes(type)) };
}

/**
 * A run has the lease and begins. The version of the Secret stays that of the last verdict: what a former grant was
 * refused for must not be held against this one.
 */
export function statusAtStart(before: ProviderStatus, run: RunIdentity, startedAt: Date): JobStatus {
  return {
    ...jobPart(before),
    phase: 'Syncing',
    lastAttemptAt: startedAt.toISOString(),
    lastJob: run.jobName,
    lastTrigger: run.trigger,
  };
}

/** A run has ended and said how. One that found the lease held has nothing to say: the holder does. */
export function statusAtEnd(before: ProviderStatus, run: RunIdentity, report: RunReport): JobStatus {
  const ended = statusOfEnding(before, run, report);
  return report.push ? withPush(ended, run, { push: report.push, at: report.finishedAt }) : ended;
}

function statusOfEnding(before: ProviderStatus, run: RunIdentity, report: RunReport): JobStatus {
  const { startedAt, finishedAt, durationMs, providerId, cursor, upserted, removed } = report;
  const begun = statusAtStart(before, run, new Date(startedAt));
  const stored = report.stored ?? before.messages?.stored ?? 0;
  const known: JobStatus = {
    ...begun,
    attempts: report.attempts,
    ...(providerId !== null && { providerId }),
    ...(cursor !== 'None' && { cursor }),
    messages: { upserted, removed, stored },
  };
  if (report.status === 'error') {
    const { code, message } = report.error ?? { code: 'InternalError', message: 'The run failed' };
    return failed(known, run, { code, message, at: finishedAt });
  }
  if (report.status === 'interrupted') return { ...known, phase: restingPhase(before) };
  const { lastSyncError: _1, lastSyncErrorAt: _2, ...clean } = known;
  const message = `Wrote ${upserted} and removed ${removed} messages; ${stored} are stored`;
  return {
    ...clean,
    phase: 'Connected',
    credentialsVersion: run.credentialsVersion,
    lastSyncedAt: finishedAt,
    lastSyncDuration: `${(durationMs / 1000).toFixed(3)}s`,
    consecutiveFailures: 0,
    conditions: withConditions(known, run, finishedAt, [
      { type: conditionTypes.synced, status: 'True', reason: 'Succeeded', message },
      {
        type: conditionTypes.credentialsValid,
        status: 'True',
        reason: 'Succeeded',
        message: 'Microsoft accepts the grant',
      },
    ]),
  };
}

function withPush(
  ended: JobStatus,
  run: RunIdentity,
  { push, at: when }: { push: PushReport; at: string },
): JobStatus {
  const { subscription: _, ...rest } = ended;
  const { reason, message, subscription } = push;
  const status = reason === 'Subscribed' ? 'True' : 'False';
  const condition = { type: conditionTypes.pushSubscribed, status, reason, message } as const;
  return {
    ...rest,
    ...(subscription && { subscription }),
    conditions: withConditions(ended, run, when, [condition]),
  };
}

/** A pod of the job died without a word; `reason` and `message` say what the node's agent knows. */
export function statusAfterDeath(
  before: ProviderStatus,
  run: RunIdentity,
  death: { readonly reason: string; readonly message: string; readonly at: string },
): JobStatus {
  const { reason: code, message, at: when } = death;
  return failed({ ...jobPart(before), lastJob: run.jobName, lastTrigger: run.trigger }, run, {
    code,
    message,
    at: when,
  });
}

function failed(
  known: JobStatus,
  run: RunIdentity,
  { code, message, at: when }: { code: string; message: string; at: string },
): JobStatus {
  const credentials = (credentialCodes as readonly string[]).includes(code)
    ? [{ type: conditionTypes.credentialsValid, status: 'False' as const, reason: code, message }]
    : [];
  return {
    ...known,
    phase: 'Error',
    credentialsVersion: run.credentialsVersion,
    lastSyncError: `${code}: ${message}`,
    lastSyncErrorAt: when,
    consecutiveFailures: (known.consecutiveFailures ?? 0) + 1,
    conditions: withConditions(known, run, when, [
      { type: conditionTypes.synced, status: 'False', reason: code, message },
      ...credentials,
    ]),
  };
}

function withConditions(
  known: JobStatus,
  run: RunIdentity,
  when: string,
  changed: readonly Pick<Condition, 'type' | 'status' | 'reason' | 'message'>[],
): NonNullable<JobStatus['conditions']> {
  const before = known.conditions ?? [];
  const kept = before.filter(({ type }) => !changed.some((one) => one.type === type));
  const made = changed.map((one) =>
    transition(before, { ...one, observedGeneration: run.generation }, new Date(when)),
  );
  return [...kept, ...made];
}

/** Where a provider stands while no run is under way, as far as its runs tell. */
export function restingPhase(status: ProviderStatus): Phase {
  if (status.lastSyncError !== undefined) return 'Error';
  return status.lastSyncedAt === undefined ? 'Pending' : 'Connected';
}
