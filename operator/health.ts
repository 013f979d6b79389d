// Whether the operator works (`/healthz`: if not, start it anew) and whether it knows the cluster (`/readyz`): PURE.
import type { CacheFigures } from './observe/cache.ts';

export interface Vitals {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly startedAt: number;
  readonly relistMs: number;
  readonly longestWorkMs: number;
  readonly informers: readonly CacheFigures[];
}

/** A reconcile is a few calls of at most 15 seconds each, with their retries. */
const longestWorkMs = 300_000;

/**
 * What is wrong, in words; empty when nothing is. An API server that is away, or refuses a namespace that was deleted
 * with our rights in it, is not our illness: a new start would not mend it, and serve the others no more.
 */
export function ailments({ now, startedAt, relistMs, longestWorkMs: work, informers }: Vitals): string[] {
  const silentMs = Math.max(600_000, 3 * relistMs);
  const silent = informers
    .filter(({ lastTurnAt }) => now - Math.max(lastTurnAt, startedAt) > silentMs)
    .map(({ kind }) => `the watch of ${kind} has not come round for too long`);
  const stuck =
    work > longestWorkMs ? [`a reconcile has been under way for ${Math.round(work / 1000)} s`] : [];
  return [...silent, ...stuck];
}
