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

interface Run {
  readonly before?: ProviderStatus;
  readonly report?: RunReport;
  readonly quarantined?: number;
}

describe('a run tells', () => {
  it.each<[string, Run, string[]]>([
    ['nothing when nothing has changed', {}, []],
    ['of the first success', { before: {} }, ['FirstSyncCompleted']],
    ['of a failure that is new', { report: failed }, ['SyncFailed']],
    ['nothing of one that goes on, in other words', { before: broken, report: failed }, []],
    [
      'of a failure of another code',
      { before: { ...broken, lastSyncError: 'GraphTimeout: late' }, report: failed },
      ['SyncFailed'],
    ],
    ['of a recovery', { before: broken }, ['SyncRecovered']],
    ['of the end of a backfill', { before: { ...steady, cursor: 'Paging' } }, ['BackfillCompleted']],
    ['of what it could not store', { quarantined: 3 }, ['MessagesQuarantined']],
    ['nothing when it was stopped', { before: broken, report: interrupted }, []],
  ])('%s', (_what, { before = steady, report = connected, quarantined = 0 }, reasons) => {
    expect(announcements(before, report, quarantined).map(({ reason }) => reason)).toEqual(reasons);
  });
});
