// What the end of a run makes of the status, as far as push is concerned.
import { describe, expect, it } from 'vitest';
import type { ProviderStatus } from '../../../api/providerStatus.ts';
import { type PushReport, type RunReport, statusAtEnd } from '../../../api/runReport.ts';

const run = { jobName: 'anna-1', trigger: 'push', generation: 4, credentialsVersion: '1' } as const;
const subscription = { id: 's1', expiresAt: '2026-11-27T08:00:00.000Z' };

const report: RunReport = {
  status: 'connected',
  reported: false,
  providerId: '5f0c6b4e-3c1d-4a7e-9b52-0a6f1d2c3e4f',
  upserted: 1,
  removed: 0,
  stored: 7,
  cursor: 'Steady',
  attempts: 1,
  durationMs: 10,
  startedAt: '2026-11-25T08:00:00.000Z',
  finishedAt: '2026-11-25T08:00:10.000Z',
};

const before: ProviderStatus = {
  subscription: { id: 's0', expiresAt: '2026-11-25T09:00:00Z' },
  conditions: [
    {
      type: 'PushSubscribed',
      status: 'True',
      reason: 'Subscribed',
      message: 'as it was',
      observedGeneration: 3,
      lastTransitionTime: '2026-11-01T00:00:00Z',
    },
  ],
};

const pushOf = ({ conditions = [], subscription: shown }: ProviderStatus) => ({
  condition: conditions.filter(({ type }) => type === 'PushSubscribed'),
  subscription: shown,
});

const endings: readonly Partial<RunReport>[] = [
  { status: 'connected' },
  { status: 'interrupted' },
  { status: 'error', error: { code: 'GraphTimeout', message: 'No answer in time' } },
];

describe.each(endings)('a run that ends with $status', (ending) => {
  const end = (push?: PushReport) =>
    pushOf(statusAtEnd(before, run, { ...report, ...ending, ...(push && { push }) }));

  it('leaves everything as it was where it did not get to the subscription', () => {
    expect(end()).toEqual(pushOf(before));
  });

  it('shows the subscription that there is', () => {
    const told = end({ reason: 'Subscribed', message: 'as it is', subscription });
    expect(told.subscription).toEqual(subscription);
    expect(told.condition).toEqual([
      { ...before.conditions?.[0], message: 'as it is', observedGeneration: 4 },
    ]);
  });

  it.each(['NotConfigured', 'SubscriptionFailed'] as const)(
    'shows none for %s, and when that came',
    (reason) => {
      const told = end({ reason, message: 'why' });
      expect(told.subscription).toBeUndefined();
      const lastTransitionTime = '2026-11-25T08:00:10Z';
      expect(told.condition).toEqual([
        {
          type: 'PushSubscribed',
          status: 'False',
          reason,
          message: 'why',
          observedGeneration: 4,
          lastTransitionTime,
        },
      ]);
    },
  );

  it('shows a subscription that lives although it could not be renewed', () => {
    expect(end({ reason: 'SubscriptionFailed', message: 'why', subscription }).subscription).toEqual(
      subscription,
    );
  });
});
