import type { Observed } from './observed.ts';

/**
 * How fast notifications may make Jobs. A mailbox in which much happens tells of it all the time, and each Job is a pod:
 * of one provider at most two are made within the window, the first at once and the second right after it. What comes
 * meanwhile waits as one mark. All that this rests on are the Jobs that the cluster shows, which are kept for longer
 * than the window after their end, so that an operator that starts anew goes on where the one before it was.
 */
const WINDOW_MS = 15_000;
const MOST = 2;
/** Of the time at which a Job was made whole seconds are known, so that it may have been so much later. */
const ROUNDING_MS = 1000;

/** When the next Job for a notification may be made, in milliseconds; null: now. */
export function heldUntil({ jobs, now }: Pick<Observed, 'jobs' | 'now'>): number | null {
  const made = jobs
    .filter(({ trigger }) => trigger === 'push')
    .map(({ createdAt }) => Date.parse(createdAt))
    // The API server's clock is ahead of ours by more than can be waited for: better too many than none.
    .filter((at) => at <= now.getTime() + WINDOW_MS)
    .sort((left, right) => left - right);
  const first = made.at(-MOST);
  if (first === undefined) return null;
  const until = first + ROUNDING_MS + WINDOW_MS;
  return until > now.getTime() ? until : null;
}
