import { environment } from '../../api/environment.ts';
import type { ProviderStatus } from '../../api/providerStatus.ts';
import type { Observed, PlanSettings } from './observed.ts';
import { firingOf, nextFiring } from './schedule.ts';

/**
 * Graph's subscription as the operator sees it. The runs make it, renew it and delete it; the operator sees to it that
 * there is a run in time, and that a provider does not go and leave one behind.
 */
type Pushed = Pick<Observed, 'provider' | 'settings'>;

/** The installation has a webhook, and the provider asks to be told by it. */
export function wantsPush({ provider, settings }: Pushed): boolean {
  const url = settings.jobVariables['OUTLOOK_PUSH_NOTIFICATION_URL'] ?? '';
  return url !== '' && provider.spec?.push.enabled === true;
}

/** One that a run was killed over is not told of in the status. */
export function mayBeSubscribed(observed: Pushed): boolean {
  return wantsPush(observed) || observed.provider.status.subscription !== undefined;
}

const MARGIN_MS = 30 * 60_000;
/** A run renews from a moment on that it computes by its own clock: ours has to be later. */
const SURELY = 0.9;

/**
 * When a run has to be started beside the schedule, for a subscription would else end before the schedule fires. Null
 * where the schedule is in time, or nothing is to be renewed. Half an hour before its end, but not before a run would
 * renew it: that is when it has passed the threshold and half of its life. Of its life nothing is known but that it
 * began before the last run ended.
 */
export function renewalDueAt(observed: Observed, status: ProviderStatus): number | null {
  const { provider, settings, now } = observed;
  const ends = Date.parse(status.subscription?.expiresAt ?? '');
  if (provider.spec === null || Number.isNaN(ends) || !wantsPush(observed)) return null;
  const lastRun = lastRunAt(status);
  // It had its chance, and the schedule goes on.
  if (lastRun === null || lastRun >= ends) return null;
  const due = ends - Math.min(MARGIN_MS, SURELY * Math.min(thresholdOf(settings), (ends - lastRun) / 2));
  const next = nextFiring(firingOf(provider, provider.spec), now.getTime());
  return next !== null && next <= due ? null : due;
}

function lastRunAt({ lastAttemptAt, lastSyncedAt, lastSyncErrorAt }: ProviderStatus): number | null {
  const times = [lastAttemptAt, lastSyncedAt, lastSyncErrorAt].map((at) => Date.parse(at ?? ''));
  const known = times.filter((at) => !Number.isNaN(at));
  return known.length === 0 ? null : Math.max(...known);
}

/** As the job reads it. */
function thresholdOf({ jobVariables }: PlanSettings): number {
  const { range, fallback } = environment.OUTLOOK_PUSH_SUBSCRIPTION_RENEW_THRESHOLD_MINUTES;
  const given = Number(jobVariables['OUTLOOK_PUSH_SUBSCRIPTION_RENEW_THRESHOLD_MINUTES'] ?? fallback);
  const [least, most] = range;
  return 60_000 * (Number.isNaN(given) ? Number(fallback) : Math.min(most, Math.max(least, given)));
}
