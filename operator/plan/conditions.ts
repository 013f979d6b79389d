import { type Condition, conditionTypes, type Reason, transition } from '../../api/conditions.ts';
import type { ProviderStatus } from '../../api/providerStatus.ts';
import { bounded } from './bounded.ts';
import { type Finding, waiting } from './death.ts';
import { isActiveSync } from './job.ts';
import { childName } from './names.ts';
import type { Observed } from './observed.ts';
import type { Obstacle } from './obstacle.ts';
import type { Firing } from './schedule.ts';
import { hasSynced, lastFailure } from './verdict.ts';

/** The operator's conditions: what a provider is worth to its user now, and who has to act if it is worth nothing. */

export interface View {
  readonly observed: Observed;
  /** As it stands once the plan's reports are written. */
  readonly status: ProviderStatus;
  readonly obstacle: Obstacle | null;
  /** Null where the spec is not valid. */
  readonly firing: Firing | null;
  readonly isOverdue: boolean;
  /** The plan starts a Job. */
  readonly starts: boolean;
}

type Verdict = Pick<Condition, 'status' | 'message'> & { readonly reason: Reason };

export function operatorConditions(view: View): Condition[] {
  const { now, provider } = view.observed;
  const stuck = stuckPod(view.observed);
  const found: readonly (readonly [string, Verdict | null])[] = [
    [conditionTypes.ready, ready(view, stuck)],
    [conditionTypes.scheduled, scheduled(view)],
    [conditionTypes.reconciling, reconciling(view, stuck)],
    [conditionTypes.stalled, stalled(view)],
  ];
  const before = provider.status.conditions ?? [];
  return found.flatMap(([type, verdict]) =>
    verdict === null
      ? []
      : [transition(before, { type, ...verdict, observedGeneration: provider.generation }, now)],
  );
}

/** Of the runs that are under way, what keeps one from starting. */
function stuckPod({ pods, jobs }: Observed): Finding | null {
  const running = jobs.filter(isActiveSync).map(({ name }) => name);
  const found = pods
    .filter(({ jobName, phase }) => running.includes(jobName) && phase === 'Pending')
    .map(waiting)
    .filter((one) => one !== null);
  return found.at(-1) ?? null;
}

/** An image may come yet, and what is there is fresh; a key that is missing is put there by nobody else. */
function standsInTheWay(view: View, stuck: Finding): boolean {
  return stuck.reason !== 'JobImagePullFailed' || view.isOverdue || !hasSynced(view.status);
}

function ready(view: View, stuck: Finding | null): Verdict {
  const { observed, status, obstacle } = view;
  const no = (reason: Reason, message: string): Verdict => ({ status: 'False', reason, message });
  if (obstacle !== null) return no(obstacle.reason, obstacle.message);
  const failure = lastFailure(observed, status);
  const isStalled = failure?.isPersonal === true && failure.isCurrent;
  if (isStalled) return no(failure.code as Reason, failure.message);
  if (stuck !== null && standsInTheWay(view, stuck)) return no(stuck.reason, stuck.message);
  if (view.isOverdue) return no('SyncOverdue', overdueMessage(status));
  if (failure !== null) return no(failure.code as Reason, failure.message);
  if (hasSynced(status))
    return { status: 'True', reason: 'Succeeded', message: 'The mailbox is in Postgres and fresh' };
  return firstSync(view);
}

function overdueMessage({ lastSyncedAt, lastSyncError }: ProviderStatus): string {
  const since =
    lastSyncedAt === undefined ? 'No sync succeeded yet' : `No sync succeeded since ${lastSyncedAt}`;
  return bounded(lastSyncError === undefined ? since : `${since}: ${lastSyncError}`);
}

function firstSync({ observed, status, starts }: View): Verdict {
  const isRunning = starts || status.phase === 'Syncing' || observed.jobs.some(isActiveSync);
  return isRunning
    ? { status: 'Unknown', reason: 'Progressing', message: 'The first sync is under way' }
    : { status: 'Unknown', reason: 'AwaitingFirstSync', message: 'No sync has ended yet' };
}

function scheduled({ observed, obstacle, firing }: View): Verdict {
  if (obstacle !== null || firing === null) {
    const { reason, message } = obstacle ?? {
      reason: 'InvalidSpec',
      message: 'The stored spec is not valid',
    };
    return { status: 'False', reason, message };
  }
  const name = childName(observed.provider.name);
  const message = `The CronJob ${name} fires at "${firing.schedule}" (${firing.timeZone})`;
  return { status: 'True', reason: 'Scheduled', message };
}

function reconciling(view: View, stuck: Finding | null): Verdict | null {
  const { observed, status, obstacle } = view;
  if (obstacle !== null) return null;
  if (stuck !== null) return { status: 'True', reason: stuck.reason, message: stuck.message };
  const failure = lastFailure(observed, status);
  if (failure === null) return hasSynced(status) ? null : { ...firstSync(view), status: 'True' };
  if (!failure.isPersonal || failure.isCurrent) return null;
  return { status: 'True', reason: 'Progressing', message: 'What the last sync failed for was changed' };
}

function stalled({ observed, status, obstacle }: View): Verdict | null {
  if (obstacle !== null) {
    const { reason, message, stalls } = obstacle;
    return stalls ? { status: 'True', reason, message } : null;
  }
  const failure = lastFailure(observed, status);
  if (failure?.isPersonal !== true || !failure.isCurrent) return null;
  return { status: 'True', reason: failure.code as Reason, message: failure.message };
}
