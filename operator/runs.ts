// What a change of a provider's status tells of its runs: PURE.
import { isHandled } from '../api/notificationMark.ts';
import type { ProviderStatus } from '../api/providerStatus.ts';

export interface Run {
  readonly result: 'success' | 'error';
  readonly trigger: string;
  /** Of a run that succeeded. */
  readonly seconds: number | undefined;
}

/** The part of a status that tells. */
export type Times = Pick<
  ProviderStatus,
  'lastSyncedAt' | 'lastSyncErrorAt' | 'lastTrigger' | 'lastSyncDuration' | 'nextSyncAt'
>;

/** The run that ended between the two; undefined when none did. */
export function endedRun(before: Times, now: Times): Run | undefined {
  const trigger = now.lastTrigger ?? 'unknown';
  if (now.lastSyncedAt !== undefined && now.lastSyncedAt !== before.lastSyncedAt) {
    const length = Number.parseFloat(now.lastSyncDuration ?? '');
    return { result: 'success', trigger, seconds: Number.isFinite(length) ? length : undefined };
  }
  if (now.lastSyncErrorAt === undefined || now.lastSyncErrorAt === before.lastSyncErrorAt) return undefined;
  return { result: 'error', trigger, seconds: undefined };
}

/** Whether the webhook's mark was acted on in between. */
export function answeredMark(
  before: Pick<ProviderStatus, 'lastHandledSyncRequest'>,
  now: Pick<ProviderStatus, 'lastHandledSyncRequest' | 'syncRequestedAt'>,
): boolean {
  const { syncRequestedAt: mark, lastHandledSyncRequest: handled = '' } = now;
  if (mark === undefined) return false;
  return isHandled(mark, handled) && !isHandled(mark, before.lastHandledSyncRequest ?? '');
}

/**
 * Whether an interval of the schedule went by without a success: the next sync moves on from a time that is past, and
 * nothing has succeeded for as long as it moves.
 * @param since when the provider came into being, which is when it could first have succeeded
 */
export function missedInterval(before: Times, now: Times, since: string): boolean {
  const due = Date.parse(before.nextSyncAt ?? '');
  const next = Date.parse(now.nextSyncAt ?? '');
  const success = Date.parse(now.lastSyncedAt ?? since);
  return next > due && success < due - (next - due);
}
