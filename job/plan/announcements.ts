import type { ProviderStatus } from '../../api/providerStatus.ts';
import type { RunReport } from '../../api/runReport.ts';
import { subscriptionNews } from '../../api/subscriptionNews.ts';

/** What is told once, when it comes about, to those who look at the resource. */
export interface Announcement {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
  /** What was tried, where it is not the sync itself. */
  readonly action?: string;
}

/** Whether the stored error text, `code: message`, is of this code. */
const isOfCode = (text: string | undefined, code: string): boolean => text?.startsWith(`${code}: `) ?? false;

/**
 * The transitions that a run has brought about. An unchanged failure is no news, whatever its words.
 * @param before the status as the run before left it
 */
export function announcements(
  before: ProviderStatus,
  report: RunReport,
  quarantined: number,
): Announcement[] {
  const told = report.status === 'connected' ? ofSuccess(before, report) : ofFailure(before, report);
  if (report.cursor === 'Steady' && before.cursor !== undefined && before.cursor !== 'Steady') {
    told.push({ type: 'Normal', reason: 'BackfillCompleted', note: 'The whole mailbox has been read' });
  }
  if (quarantined > 0) {
    const note = `${quarantined} messages cannot be stored; outlook_quarantine has the reasons`;
    told.push({ type: 'Warning', reason: 'MessagesQuarantined', note });
  }
  const ofPush = subscriptionNews(before.conditions ?? [], report.push);
  return ofPush === null ? told : [...told, ofPush];
}

function ofSuccess(before: ProviderStatus, { upserted }: RunReport): Announcement[] {
  const told: Announcement[] = [];
  if (before.lastSyncError !== undefined) {
    const note = `The mailbox syncs again, after ${before.consecutiveFailures ?? 1} failed runs in a row`;
    told.push({ type: 'Normal', reason: 'SyncRecovered', note });
  }
  if (before.lastSyncedAt === undefined) {
    told.push({ type: 'Normal', reason: 'FirstSyncCompleted', note: `Wrote ${upserted} messages` });
  }
  return told;
}

function ofFailure(before: ProviderStatus, { error }: RunReport): Announcement[] {
  if (!error || isOfCode(before.lastSyncError, error.code)) return [];
  return [{ type: 'Warning', reason: 'SyncFailed', note: `${error.code}: ${error.message}` }];
}
