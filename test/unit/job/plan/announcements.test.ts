// What a run tells as Events: transitions, once.
import { describe, expect, it } from 'vitest';
import type { ProviderStatus } from '../../../../api/providerStatus.ts';
import type { PushReport, RunReport } from '../../../../api/runReport.ts';
import { subscriptionUrls } from '../../../../api/pushUrl.ts';
import { refusal } from '../../../../job/graph/answer.ts';
import { announcements } from '../../../../job/plan/announcements.ts';
import { refusedTo } from '../../../../job/push/removal.ts';
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

type PushReason = PushReport['reason'];

const asLeft = (reason: PushReason): ProviderStatus => ({
  ...steady,
  conditions: [
    {
      type: 'PushSubscribed',
      status: reason === 'Subscribed' ? 'True' : 'False',
      reason,
      message: 'As the run before found it',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    },
  ],
});

const pushed = (reason: PushReason, message: string, run = connected): RunReport => ({
  ...run,
  push: { reason, message },
});

describe('of the subscription a run tells', () => {
  it.each<[string, PushReason | null, PushReason | null, string[]]>([
    ['that it is there for the first time', null, 'Subscribed', ['Normal Subscribed']],
    ['that it is there since push is asked for', 'NotConfigured', 'Subscribed', ['Normal Subscribed']],
    ['that it is there again', 'SubscriptionFailed', 'Subscribed', ['Normal Subscribed']],
    ['nothing of a renewal', 'Subscribed', 'Subscribed', []],
    ['that it failed at once', null, 'SubscriptionFailed', ['Warning SubscriptionFailed']],
    [
      'that it failed since push is asked for',
      'NotConfigured',
      'SubscriptionFailed',
      ['Warning SubscriptionFailed'],
    ],
    ['that it failed after it was there', 'Subscribed', 'SubscriptionFailed', ['Warning SubscriptionFailed']],
    ['nothing of a failure that goes on, in other words', 'SubscriptionFailed', 'SubscriptionFailed', []],
    ['nothing of push that nobody asks for', null, 'NotConfigured', []],
    ['nothing of push that nobody asks for any more', 'Subscribed', 'NotConfigured', []],
    ['nothing of a failure that nobody asks about any more', 'SubscriptionFailed', 'NotConfigured', []],
    ['nothing where it did not get there', 'SubscriptionFailed', null, []],
  ])('%s', (_what, former, found, expected) => {
    const before = former === null ? steady : asLeft(former);
    const report = found === null ? connected : pushed(found, 'As this run found it');
    const told = announcements(before, report, 0);
    expect(told.map(({ type, reason }) => `${type} ${reason}`)).toEqual(expected);
    expect(told.map(({ note }) => note)).toEqual(expected.map(() => 'As this run found it'));
  });

  it('beside what it tells of the sync', () => {
    const report = pushed('SubscriptionFailed', 'No', failed);
    const reasons = announcements(steady, report, 0).map(({ reason }) => reason);
    expect(reasons).toEqual(['SyncFailed', 'SubscriptionFailed']);
  });

  it('nothing of the URL that Graph could not reach, though Graph names it', () => {
    const base = 'https://outlook.example.com/outlook-sync/webhooks/push';
    const providerId = '5f0c6b4e-3c1d-4a7e-9b52-0a6f1d2c3e4f';
    const { notificationUrl } = subscriptionUrls(base, providerId, 'token-of-the-webhook');
    const { search } = new URL(notificationUrl);
    for (const code of ['ValidationError', notificationUrl, search, '']) {
      const words = { code, message: `Request to ${notificationUrl} failed`, innerError: { code: search } };
      const { message } = refusedTo('create the subscription', refusal(400, { error: words }));
      const [told] = announcements(steady, pushed('SubscriptionFailed', message), 0);
      expect(told?.note).toContain('Graph refused to create the subscription (400');
      expect(told?.note).not.toMatch(/[?&=]|token-of-the-webhook|outlook\.example|5f0c6b4e/);
    }
  });
});
