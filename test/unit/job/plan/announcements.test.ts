// What a run tells as Events: transitions, once.
import { describe, expect, it } from 'vitest';
import type { ProviderStatus } from '../../../../api/providerStatus.ts';
import type { RunReport } from '../../../../api/runReport.ts';
import { announcements } from '../../../../job/plan/announcements.ts';
import { reportOf } from '../../../../job/report.ts';

const times = { startedAt: new Date(0), finishedAt: new Date(1_000) };
const connected: RunReport = reportOf({ status: 'connected', cursor: 'Steady' }, times, 1);
const error = { code: 'GraphUnavailable', message: 'Graph answered 503' };
const failed: RunReport = reportOf({ status: 'error', error }, times, 1);
const interrupted: RunReport = reportOf({ status: 'interrupted' }, times, 1);

const steady: ProviderStatus = { lastSyncedAt: '2026-01-01T00:00:00Z', cursor: 'Steady' };
const broken: ProviderStatus = { ...steady, lastSyncError: 'GraphUnavailable: Graph answered 500' };

describe('a run tells', () => {
  it.each<[string, ProviderStatus, RunReport, number, string[]]>([
    ['nothing when nothing has changed', steady, connected, 0, []],
    ['of the first success', {}, connected, 0, ['FirstSyncCompleted']],
    ['of a failure that is new', steady, failed, 0, ['SyncFailed']],
    ['nothing of one that goes on, in other words', broken, failed, 0, []],
    [
      'of a failure of another code',
      { ...broken, lastSyncError: 'GraphTimeout: late' },
      failed,
      0,
      ['SyncFailed'],
    ],
    ['of a recovery', broken, connected, 0, ['SyncRecovered']],
    ['of the end of a backfill', { ...steady, cursor: 'Paging' }, connected, 0, ['BackfillCompleted']],
    ['of what it could not store', steady, connected, 3, ['MessagesQuarantined']],
    ['nothing when it was stopped', broken, interrupted, 0, []],
  ])('%s', (_what, before, report, quarantined, reasons) => {
    expect(announcements(before, report, quarantined).map(({ reason }) => reason)).toEqual(reasons);
  });
});
