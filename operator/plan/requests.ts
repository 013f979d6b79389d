import { waitingMark } from '../../api/notificationMark.ts';
import { annotations } from '../../api/resource.ts';
import type { ObservedProvider } from './observed.ts';

/**
 * Requests for a sync. A request is a value that was not there before; what was acted on last is kept in the status,
 * so that a burst of them is one request for as long as it waits.
 */
export interface SyncRequest {
  /** What is to be remembered once it was acted on. */
  readonly token: string;
  /** Asked for by the annotation, and not by a notification alone. */
  readonly byPerson: boolean;
}

/** Null where nothing new was asked for. That one of the two values went away asks for nothing. */
export function pendingSync({ annotations: given, status }: ObservedProvider): SyncRequest | null {
  const asked = given[annotations.syncRequestedAt] ?? '';
  const { syncRequestedAt: notified = '', lastHandledSyncRequest: handled = '' } = status;
  const token = [asked, notified].filter((part) => part !== '').join(',');
  if (token === handled) return null;
  const byPerson = asked !== '' && asked !== handled && !handled.startsWith(`${asked},`);
  return byPerson || waitingMark(status) !== null ? { token, byPerson } : null;
}

/** The new value of the annotation, or null. */
export function pendingResync({ annotations: given, status }: ObservedProvider): string | null {
  const asked = given[annotations.resyncRequestedAt] ?? '';
  return asked === '' || asked === status.lastHandledResyncRequest ? null : asked;
}
