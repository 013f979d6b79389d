import type { ProviderStatus } from '../../api/providerStatus.ts';
import type { Trigger } from '../../api/resource.ts';
import { credentialsVersion } from './childMetadata.ts';
import { isActiveSync, isSync } from './job.ts';
import { jobName } from './names.ts';
import type { Observed } from './observed.ts';
import { heldUntil } from './pacing.ts';
import { standingPhase } from './phase.ts';
import { pendingResync, pendingSync } from './requests.ts';
import { renewalDueAt } from './subscription.ts';
import { lastFailure } from './verdict.ts';

/** Which Job is to be started beside the schedule, if any; at most one at a time, and none while another runs. */
export interface NextJob {
  readonly job: { readonly name: string; readonly trigger: Trigger } | null;
  /** Requests that are done with: by this Job, or because none will come of them. */
  readonly handledSync?: string | undefined;
  readonly handledResync?: string | undefined;
  readonly awaitsBackfill: boolean;
  /** Milliseconds at which what is held back for the sake of pace may start; null where nothing is. */
  readonly heldUntil: number | null;
}

interface Cause {
  /** What the Job is for; the same cause never makes a second Job while the first is known. */
  readonly cause: readonly string[];
  readonly trigger: Trigger;
  /** The request that is the cause. */
  readonly handles?: Pick<NextJob, 'handledSync' | 'handledResync'>;
  /** One of those that fill the cluster when they come all at once. */
  readonly isCapped?: true;
}

export function nextJob(observed: Observed, status: ProviderStatus, mayRun: boolean): NextJob {
  if (!mayRun) return { ...nothing, ...withoutRun(observed) };
  const urgent = requested(observed, status) ?? renewal(observed, status);
  const held = urgent?.trigger === 'push' ? heldUntil(observed) : null;
  if (urgent !== null && (held === null || isMade(observed, urgent))) {
    // Every run that begins after a request serves it; to walk anew is served by such a run alone.
    const handledSync = pendingSync(observed.provider)?.token;
    return jobFor(observed, urgent, { handledSync });
  }
  // What is held back waits for its own Job, whatever runs meanwhile.
  const next = continuation(observed, status);
  return { ...(next === null ? nothing : jobFor(observed, next, {})), heldUntil: held };
}

function jobFor(observed: Observed, cause: Cause, handles: Pick<NextJob, 'handledSync'>): NextJob {
  const name = nameOf(observed, cause);
  // It was made, but what it serves was not told any more.
  if (isMade(observed, cause)) return { ...nothing, ...cause.handles };
  if (observed.jobs.some(isActiveSync)) return nothing;
  if (cause.isCapped && !observed.mayBackfill) return { ...nothing, awaitsBackfill: true };
  return { ...nothing, ...handles, ...cause.handles, job: { name, trigger: cause.trigger } };
}

const nothing: NextJob = { job: null, awaitsBackfill: false, heldUntil: null };

const nameOf = ({ provider }: Observed, { cause }: Cause): string => jobName(provider, ...cause);

function isMade(observed: Observed, cause: Cause): boolean {
  return observed.jobs.some(({ name }) => name === nameOf(observed, cause));
}

/**
 * While no sync can be started, a notification is done with: kept, all mailboxes would come at once when the reason
 * is gone, and their schedules come soon anyway. What a person asked for waits.
 */
function withoutRun({ provider }: Observed): Pick<NextJob, 'handledSync'> {
  const sync = pendingSync(provider);
  return sync === null || sync.byPerson ? {} : { handledSync: sync.token };
}

/**
 * By a person or by a notification. What was handled before is part of the cause: a value that comes back later is
 * another request.
 */
function requested(observed: Observed, status: ProviderStatus): Cause | null {
  const { provider } = observed;
  const failure = lastFailure(observed, status);
  if (failure?.isPersonal === true && !failure.isCurrent) {
    const mended = [credentialsVersion(observed), String(provider.generation)];
    const cause: Cause = { cause: ['mended', ...mended], trigger: 'manual' };
    // What was done about it is tried once; from then on the schedule does.
    if (!isMade(observed, cause)) return cause;
  }
  const resync = pendingResync(provider);
  if (resync !== null)
    return {
      cause: ['resync', resync, status.lastHandledResyncRequest ?? ''],
      trigger: 'resync',
      handles: { handledResync: resync },
    };
  const sync = pendingSync(provider);
  if (sync === null) return null;
  const { token, byPerson } = sync;
  return {
    cause: ['sync', token, status.lastHandledSyncRequest ?? ''],
    trigger: byPerson ? 'manual' : 'push',
    handles: { handledSync: token },
  };
}

/** A subscription that would end before the schedule fires. Once for each of its ends: then the schedule goes on. */
function renewal(observed: Observed, status: ProviderStatus): Cause | null {
  const due = renewalDueAt(observed, status);
  if (due === null || due > observed.now.getTime()) return null;
  const cause: Cause = { cause: ['renewal', status.subscription?.expiresAt ?? ''], trigger: 'push' };
  const isDone = isMade(observed, cause) || status.lastJob === nameOf(observed, cause);
  return isDone ? null : cause;
}

/** A mailbox that is not all there yet. */
function continuation({ jobs }: Observed, status: ProviderStatus): Cause | null {
  const { lastAttemptAt, lastJob, cursor } = status;
  if (lastAttemptAt === undefined)
    return jobs.some(isSync) ? null : { cause: ['first'], trigger: 'backfill', isCapped: true };
  const hasMore = cursor === 'Bootstrapping' || cursor === 'Paging';
  if (standingPhase(status) !== 'Connected' || !hasMore || lastJob === undefined) return null;
  return { cause: ['backfill', lastJob], trigger: 'backfill', isCapped: true };
}
