import type { ProviderStatus } from '../../api/providerStatus.ts';
import { finalizer } from '../../api/resource.ts';
import { cleanupJob, isActiveSync, isSync } from './job.ts';
import { childName, jobName } from './names.ts';
import { isForeign } from './obstacle.ts';
import type { Observed, ObservedProvider } from './observed.ts';
import type { Action, Plan, PlannedEvent } from './plan.ts';
import { mayBeSubscribed } from './subscription.ts';

/**
 * The end of a provider. The rows that were asked to go, and the subscription at Graph, outlive the cluster's garbage
 * collection: one cleanup Job takes them away, after the last sync has ended; it is waited for, but not for ever: a
 * deletion always comes to its end, with a Warning if need be. A subscription that is left behind ends by itself.
 */

/** The finalizers that the provider should have, or null where they are as they should be. */
export function wantedFinalizers(observed: Observed): readonly string[] | null {
  const { provider, duplicateOf } = observed;
  const { finalizers, spec } = provider;
  // Which rows an unreadable spec meant is not known; the row of a duplicate belongs to another provider.
  if (spec === null || (duplicateOf !== null && !finalizers.includes(finalizer))) return null;
  const isNeeded = spec.deletionPolicy === 'Delete' || mayBeSubscribed(observed);
  if (isNeeded === finalizers.includes(finalizer)) return null;
  return isNeeded ? [...finalizers, finalizer] : withoutOurs(provider);
}

const withoutOurs = ({ finalizers }: ObservedProvider): readonly string[] =>
  finalizers.filter((one) => one !== finalizer);

const nothing: Plan = { actions: [], status: null, events: [], requeueAfterMs: null, awaitsBackfill: false };

export function decideDeletion(observed: Observed): Plan {
  const { provider, settings, now } = observed;
  if (!provider.finalizers.includes(finalizer)) return nothing;
  if (hasNothingToClean(observed)) return release(provider);
  const hindrance = hindranceOf(observed);
  if (hindrance !== null) return release(provider, hindrance);
  const patience = Date.parse(provider.deletedAt ?? '') + settings.cleanupTimeoutMs - now.getTime();
  // Also where one of the two is no time at all.
  if (!(patience > 0)) return release(provider, 'The cleanup did not end in time; it was given up');
  const cleanup = observed.jobs.find(({ name }) => name === cleanupName(provider));
  if (cleanup?.phase === 'complete') return release(provider);
  if (cleanup?.phase === 'failed')
    return release(provider, 'The cleanup failed; the log of its Job says why');
  const actions = [...stopSyncs(observed), ...startCleanup(observed)];
  return { ...nothing, actions, requeueAfterMs: Math.max(1000, patience) };
}

const cleanupName = (provider: ObservedProvider): string => jobName(provider, 'cleanup');

function hasNothingToClean(observed: Observed): boolean {
  const { provider, namespaceTerminating, duplicateOf, jobs } = observed;
  if (namespaceTerminating || duplicateOf !== null) return true;
  if (provider.spec === null) return false;
  const { deletionPolicy, providerId } = provider.spec;
  const deletesRows = deletionPolicy === 'Delete';
  if (!deletesRows && !mayBeSubscribed(observed)) return true;
  const mayHaveRows = deletesRows && providerId !== undefined;
  return !mayHaveRows && !jobs.some(isSync) && hasNeverRun(provider.status);
}

/** Why a cleanup would be in vain. For the Secret that it takes to remove rows is waited; it may be put back. */
function hindranceOf({ provider, settings, jobSecret }: Observed): string | null {
  if (provider.spec === null)
    return 'The spec is not valid, so that nobody can tell which rows are meant; they stay';
  if (provider.spec.deletionPolicy === 'Delete' || jobSecret !== null) return null;
  return `The Secret ${settings.jobSecretName} is gone; the subscription at Graph ends by itself`;
}

function hasNeverRun({ lastAttemptAt, providerId }: ProviderStatus): boolean {
  return lastAttemptAt === undefined && providerId === undefined;
}

function release(provider: ObservedProvider, failure?: string): Plan {
  const warning: PlannedEvent[] =
    failure === undefined
      ? []
      : [{ type: 'Warning', reason: 'CleanupFailed', action: 'Cleanup', note: failure }];
  return {
    ...nothing,
    actions: [{ kind: 'setFinalizers', finalizers: withoutOurs(provider) }],
    events: warning,
  };
}

function stopSyncs(observed: Observed): Action[] {
  const { provider, cronJob, jobs } = observed;
  const isOurs = cronJob !== null && !isForeign(observed, cronJob) && cronJob.deletedAt === null;
  const schedule: Action[] = isOurs
    ? [{ kind: 'deleteCronJob', name: childName(provider.name), uid: cronJob.uid }]
    : [];
  const running = jobs.filter((job) => isActiveSync(job) && job.deletedAt === null);
  return [...schedule, ...running.map(({ name, uid }): Action => ({ kind: 'deleteJob', name, uid }))];
}

/** When nothing of the provider runs any more: a Job goes before its pod has ended. */
function startCleanup(observed: Observed): Action[] {
  const { provider, cronJob, jobs, pods } = observed;
  const name = cleanupName(provider);
  const hasSchedule = cronJob !== null && !isForeign(observed, cronJob);
  const runs = pods.filter(({ phase, jobName: job }) => job !== name && isUnderWay(phase));
  const isMade = jobs.some((job) => job.name === name);
  if (provider.spec === null || hasSchedule || isMade || runs.length > 0 || jobs.some(isActiveSync))
    return [];
  return [{ kind: 'createJob', manifest: cleanupJob(observed, provider.spec, name) }];
}

const isUnderWay = (phase: string): boolean => phase !== 'Succeeded' && phase !== 'Failed';
