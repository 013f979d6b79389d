import type { ProviderSpec } from '../../api/providerSpec.ts';
import type { ProviderStatus } from '../../api/providerStatus.ts';
import type { View } from './conditions.ts';
import { cronJobManifest, needsApply } from './cronJob.ts';
import { decideDeletion, wantedFinalizers } from './deletion.ts';
import { eventsOf, subscriptionEventsOf } from './events.ts';
import { syncJob } from './job.ts';
import { leaseManifest } from './lease.ts';
import { givenUpAt, type LostRun, lostRun } from './lostRuns.ts';
import { nextJob, type NextJob } from './nextJob.ts';
import { isForeign, type Obstacle, obstacleTo } from './obstacle.ts';
import type { Observed } from './observed.ts';
import { latenessOf } from './overdue.ts';
import type { Action, OperatorStatus, Plan, PlannedEvent } from './plan.ts';
import { firingOf, OVERDUE_AFTER } from './schedule.ts';
import { nextSyncAt, operatorStatus, withReport } from './status.ts';
import { renewalDueAt } from './subscription.ts';

/**
 * What is to be done about one provider, from what was seen of it at one moment and nothing else. Carried out whole,
 * it leaves nothing to do; carried out in part, the rest is decided again from what is then to be seen.
 */
export function decide(observed: Observed): Plan {
  const { provider, namespaceTerminating } = observed;
  if (provider.deletedAt !== null) return decideDeletion(observed);
  if (namespaceTerminating)
    return { actions: [], status: null, events: [], requeueAfterMs: null, awaitsBackfill: false };
  const lost = lostRun(observed, provider.status);
  if (lost === null) return planFor(observed, provider.status, null);
  const plan = planFor(observed, withReport(provider.status, lost.status), lost);
  const pair = [provider.status.conditions ?? [], lost.status.conditions ?? []] as const;
  return {
    ...plan,
    actions: [...plan.actions, { kind: 'reportForJob', status: lost.status }],
    events: [...plan.events, ...subscriptionEventsOf(...pair)],
  };
}

/** `status` is the provider's as it stands when the plan's own status is written. */
function planFor(observed: Observed, status: ProviderStatus, lost: LostRun | null): Plan {
  const { provider } = observed;
  const obstacle = obstacleTo(observed, status);
  const next = nextJob(observed, status, obstacle === null);
  const late = latenessOf(observed, status);
  const view: View = {
    observed,
    status,
    obstacle,
    firing: provider.spec === null ? null : firingOf(provider, provider.spec),
    isOverdue: late.missed >= OVERDUE_AFTER,
    starts: next.job !== null,
  };
  const written = operatorStatus(view, next, lost?.uid ?? null);
  return {
    actions: childActions(observed, obstacle, next),
    status: written,
    events: eventsFor(observed, written, lost !== null),
    requeueAfterMs: wakeAfter(view, [
      late.overdueAt,
      givenUpAt(observed, status),
      Date.parse(nextSyncAt(view) ?? ''),
      next.heldUntil,
      obstacle === null ? renewalDueAt(observed, status) : null,
    ]),
    awaitsBackfill: next.awaitsBackfill,
  };
}

/**
 * Where the API server refused a plan's action: the status that says so, in place of the plan's own. It stays for as
 * long as the refusal does, for the plan is decided anew each time.
 */
export function decideRefused(
  observed: Observed,
  refusal: { readonly reason: 'ScheduleRefused' | 'AccessMissing'; readonly message: string },
): Pick<Plan, 'status' | 'events'> {
  const { provider } = observed;
  const { status } = provider;
  const obstacle: Obstacle = { ...refusal, stalls: refusal.reason === 'ScheduleRefused', cronJob: 'keep' };
  const view: View = { observed, status, obstacle, firing: null, isOverdue: false, starts: false };
  const written = operatorStatus(view, { job: null, awaitsBackfill: false, heldUntil: null }, null);
  return { status: written, events: eventsFor(observed, written, false) };
}

function eventsFor(
  { provider }: Observed,
  written: OperatorStatus | null,
  isReport: boolean,
): readonly PlannedEvent[] {
  if (written === null) return [];
  return eventsOf(provider.status.conditions ?? [], written.conditions ?? [], isReport);
}

/** The finalizer comes before anything that it is there for, and the Lease before what takes it. */
function childActions(observed: Observed, obstacle: Obstacle | null, next: NextJob): Action[] {
  const { provider, lease } = observed;
  const { spec } = provider;
  if (spec === null || obstacle?.cronJob === 'keep') return [];
  if (obstacle?.cronJob === 'silence') return cronJobActions(observed, spec, obstacle);
  const finalizers = wantedFinalizers(observed);
  return [
    ...(finalizers === null ? [] : [{ kind: 'setFinalizers', finalizers } as const]),
    ...(lease === null && runsAtAll(observed, next)
      ? [{ kind: 'createLease', manifest: leaseManifest(provider) } as const]
      : []),
    ...cronJobActions(observed, spec, obstacle),
    ...(next.job === null
      ? []
      : [{ kind: 'createJob', manifest: syncJob(observed, spec, next.job) } as const]),
  ];
}

/**
 * A Lease is for runs. It is made with the first of them, whoever started it, and again whenever it is missing after
 * that: thousands of providers applied at once then cost one write less each while they wait for their first sync.
 */
function runsAtAll({ provider, jobs }: Observed, next: NextJob): boolean {
  return next.job !== null || jobs.length > 0 || provider.status.lastAttemptAt !== undefined;
}

function cronJobActions(observed: Observed, spec: ProviderSpec, obstacle: Obstacle | null): Action[] {
  const { cronJob } = observed;
  const isOthers = isForeign(observed, cronJob) || (cronJob === null && obstacle?.cronJob === 'silence');
  // One that is on its way out is made anew when it is gone.
  if (isOthers || (cronJob !== null && cronJob.deletedAt !== null)) return [];
  const manifest = cronJobManifest(observed, spec, obstacle !== null);
  return needsApply(manifest, cronJob) ? [{ kind: 'applyCronJob', manifest }] : [];
}

/** What is in the way of a name is not watched. */
const CONFLICT_MS = 60_000;
const LONGEST_MS = 3_600_000;

/** The first of the moments at which something changes without anything happening. */
function wakeAfter({ observed, obstacle }: View, moments: readonly (number | null)[]): number | null {
  const now = observed.now.getTime();
  const conflict = obstacle?.reason === 'NameConflict' ? [now + CONFLICT_MS] : [];
  const ahead = [...moments, ...conflict].filter((at) => at !== null && at > now) as number[];
  if (ahead.length === 0) return null;
  // Never before it: that would only be too early, again and again.
  return Math.min(LONGEST_MS, Math.max(1000, Math.min(...ahead) - now));
}
