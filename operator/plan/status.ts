import { isDeepStrictEqual } from 'node:util';
import { operatorConditionTypes } from '../../api/conditions.ts';
import type { Phase, ProviderStatus } from '../../api/providerStatus.ts';
import type { JobStatus } from '../../api/runReport.ts';
import { operatorConditions, type View } from './conditions.ts';
import type { NextJob } from './nextJob.ts';
import { standingPhase } from './phase.ts';
import type { OperatorStatus } from './plan.ts';
import { nextFiring } from './schedule.ts';

/** The operator's fields of the status: always all of them, for what is not applied is taken away. */

const isOperators = ({ type }: { readonly type: string }): boolean => operatorConditionTypes.includes(type);

/** Of a status, the operator's part as it stands. */
function operatorPart(status: ProviderStatus): OperatorStatus {
  const { phase, observedGeneration, lastHandledSyncRequest, lastHandledResyncRequest, lastLostPod } = status;
  return present({
    phase,
    observedGeneration,
    nextSyncAt: status.nextSyncAt,
    lastHandledSyncRequest,
    lastHandledResyncRequest,
    lastLostPod,
    conditions: (status.conditions ?? []).filter(isOperators),
  });
}

function present<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** A status once the job's part of it was written. */
export function withReport(status: ProviderStatus, report: JobStatus): ProviderStatus {
  const { conditions = [], ...mine } = operatorPart(status);
  const { syncRequestedAt, subscriptionEvent } = status;
  return {
    ...mine,
    ...present({ syncRequestedAt, subscriptionEvent }),
    ...report,
    conditions: [...conditions, ...(report.conditions ?? [])],
  };
}

/** Null where nothing is to be written. */
export function operatorStatus(view: View, next: NextJob, lostPod: string | null): OperatorStatus | null {
  const { observed, status } = view;
  const wanted = present({
    phase: phaseOf(view),
    observedGeneration: observed.provider.generation,
    nextSyncAt: nextSyncAt(view),
    lastHandledSyncRequest: next.handledSync ?? status.lastHandledSyncRequest,
    lastHandledResyncRequest: next.handledResync ?? status.lastHandledResyncRequest,
    lastLostPod: lostPod ?? status.lastLostPod,
    conditions: operatorConditions(view),
  });
  return isSame(operatorPart(status), wanted) ? null : wanted;
}

function isSame(before: OperatorStatus, after: OperatorStatus): boolean {
  const sorted = (status: OperatorStatus) => ({
    ...status,
    conditions: (status.conditions ?? [])
      .map((one) => present(one))
      .sort((a, b) => (a.type < b.type ? -1 : 1)),
  });
  return isDeepStrictEqual(sorted(before), sorted(after));
}

/** A run that is under way has its own word; what was chosen comes before what was. */
function phaseOf({ status, obstacle }: View): Phase {
  if (status.phase === 'Syncing') return 'Syncing';
  if (obstacle?.reason === 'Suspended') return 'Suspended';
  return standingPhase(status);
}

/** It stays until it has passed, so that a resync at rest writes nothing. Absent while nothing is scheduled. */
export function nextSyncAt({ observed, status, obstacle, firing }: View): string | undefined {
  if (firing === null || obstacle !== null)
    return obstacle?.cronJob === 'keep' ? status.nextSyncAt : undefined;
  const now = observed.now.getTime();
  const isSameSpec = status.observedGeneration === observed.provider.generation;
  if (isSameSpec && Date.parse(status.nextSyncAt ?? '') > now) return status.nextSyncAt;
  const next = nextFiring(firing, now);
  return next === null ? undefined : new Date(next).toISOString().replace('.000Z', 'Z');
}
