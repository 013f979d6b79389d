import { conditionTypes } from '../../api/conditions.ts';
import type { ProviderStatus } from '../../api/providerStatus.ts';
import type { Observed } from './observed.ts';
import { firingOf, type Lateness, lateness } from './schedule.ts';
import { conditionOf } from './verdict.ts';

/** Whether a success is missing that the schedule promised. Silence is what is not noticed otherwise. */

/**
 * Counted from the last success, or from when the schedule was last set going: a provider that was suspended for a
 * month is not late on the day it goes on.
 */
export function latenessOf(observed: Observed, status: ProviderStatus): Lateness {
  const { now, provider } = observed;
  const scheduled = conditionOf(status, conditionTypes.scheduled);
  if (provider.spec === null || scheduled?.status !== 'True') return { missed: 0, overdueAt: null };
  const moments = [status.lastSyncedAt, scheduled.lastTransitionTime, provider.createdAt];
  const times = moments.map((at) => Date.parse(at ?? '')).filter((at) => !Number.isNaN(at));
  // A clock of another machine may be ahead of ours.
  const since = Math.min(now.getTime(), Math.max(...times));
  return lateness(firingOf(provider, provider.spec), since, now.getTime());
}

/** For the metric: firings in a row without a success; nothing is missed while nothing is scheduled. */
export function missedIntervals(observed: Observed): number {
  const { status, spec, deletedAt } = observed.provider;
  if (spec?.suspend === true || deletedAt !== null) return 0;
  return latenessOf(observed, status).missed;
}
