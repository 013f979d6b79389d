// What is told of push: of all providers together, for of single ones the status tells. Counted when somebody scrapes.
import { setImmediate as turn } from 'node:timers/promises';
import { waitingMark } from '../api/notificationMark.ts';
import type { ProviderRecord } from './observe/records.ts';

const pieceOf = 250;

/** Fields as they are stored, maybe by anybody. */
interface Status {
  readonly subscription?: { readonly expiresAt?: unknown } | null;
  readonly syncRequestedAt?: unknown;
  readonly lastHandledSyncRequest?: unknown;
  readonly conditions?: unknown;
}

interface Figures {
  subscriptions: number;
  failing: number;
  /** Milliseconds: when the mark came that has waited for longest; now where none waits. */
  oldest: number;
}

export async function* pushMetrics(
  providers: () => Iterable<readonly [string, ProviderRecord]>,
): AsyncGenerator<string, void, undefined> {
  const now = Date.now();
  const figures: Figures = { subscriptions: 0, failing: 0, oldest: now };
  let count = 0;
  for (const [, { statusJson }] of providers()) {
    // Where push is not in use there is nothing to read.
    if (/"(?:subscription|syncRequestedAt)":|"SubscriptionFailed"/.test(statusJson))
      add(figures, statusJson, now);
    count += 1;
    if (count % pieceOf === 0) await turn();
  }
  const { subscriptions, failing, oldest } = figures;
  yield gauge(
    'outlook_push_subscriptions',
    'Providers with a subscription that has not ended',
    subscriptions,
  );
  yield gauge(
    'outlook_push_subscriptions_failing',
    'Providers whose subscription the last run could not see to',
    failing,
  );
  yield gauge(
    'outlook_push_oldest_request_seconds',
    'For how long the oldest mark of the webhook has waited for its Job',
    (now - oldest) / 1000,
  );
}

function add(figures: Figures, statusJson: string, now: number): void {
  const status = JSON.parse(statusJson) as Status;
  const { subscription, syncRequestedAt, lastHandledSyncRequest, conditions } = status;
  if (Array.isArray(conditions) && conditions.some(isFailure)) figures.failing += 1;
  if (timeOf(subscription?.expiresAt) > now) figures.subscriptions += 1;
  const handled = typeof lastHandledSyncRequest === 'string' ? lastHandledSyncRequest : '';
  const mark = typeof syncRequestedAt === 'string' ? syncRequestedAt : '';
  const came = timeOf(waitingMark({ syncRequestedAt: mark, lastHandledSyncRequest: handled }));
  if (came < figures.oldest) figures.oldest = came;
}

const isFailure = (condition: unknown): boolean =>
  typeof condition === 'object' &&
  condition !== null &&
  'reason' in condition &&
  condition.reason === 'SubscriptionFailed';

const timeOf = (value: unknown): number => (typeof value === 'string' ? Date.parse(value) : Number.NaN);

function gauge(name: string, help: string, value: number): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`;
}
