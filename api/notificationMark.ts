import type { ProviderStatus } from './providerStatus.ts';

/**
 * `status.syncRequestedAt`: the webhook's mark that a mailbox has changed. The operator answers a mark with a Job and
 * keeps, in `lastHandledSyncRequest`, the last one that it acted on. A mark that waits for its Job covers every
 * notification that comes meanwhile.
 */
type Marks = Pick<ProviderStatus, 'syncRequestedAt' | 'lastHandledSyncRequest'>;

/** The mark that waits for a Job, or null. */
export function waitingMark({
  syncRequestedAt: mark = '',
  lastHandledSyncRequest: handled = '',
}: Marks): string | null {
  return mark === '' || isHandled(mark, handled) ? null : mark;
}

/** What was handled is a mark, or the value of an annotation, or both with a comma between them. */
export function isHandled(mark: string, handled: string): boolean {
  return handled === mark || handled.endsWith(`,${mark}`);
}

/** A mark for now that differs from the one before and is later. */
export function nextMark(before: string | undefined, now: Date): string {
  const last = Date.parse(before ?? '');
  const at = Number.isNaN(last) ? now.getTime() : Math.max(now.getTime(), last + 1);
  return new Date(at).toISOString();
}
