import { Cron } from 'croner';
import type { ProviderSpec } from '../../api/providerSpec.ts';
import { resolveSchedule } from '../../api/schedule.ts';
import type { ObservedProvider } from './observed.ts';

/** When a schedule fires, and how many times it has fired in vain. */

export interface Firing {
  /** Five fields without `H`. */
  readonly schedule: string;
  readonly timeZone: string;
}

export function firingOf({ uid }: ObservedProvider, spec: ProviderSpec): Firing {
  return { schedule: resolveSchedule(spec.schedule, uid), timeZone: spec.timeZone ?? 'Etc/UTC' };
}

/** Thousands of providers share few schedules, and ask about few minutes: what was computed once is kept. */
class Memory<T> {
  readonly #most: number;
  readonly #known = new Map<string, T>();

  constructor(most: number) {
    this.#most = most;
  }

  recall(key: string, compute: () => T): T {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= this.#most) this.#known.clear();
    const made = compute();
    this.#known.set(key, made);
    return made;
  }
}

/** Few, for each holds a table of ten thousand years: 80 kB. */
const clocks = new Memory<Cron | null>(64);
const firings = new Memory<number | null>(2000);

/** Null for a schedule or time zone that does not exist: the API server says so, when it refuses the CronJob. */
function clockOf({ schedule, timeZone }: Firing): Cron | null {
  return clocks.recall(`${timeZone} ${schedule}`, () => {
    try {
      const clock = new Cron(schedule, { timezone: timeZone, mode: '5-part' });
      clock.nextRun(new Date(0));
      return clock;
    } catch {
      return null;
    }
  });
}

/** The next time after `at` (milliseconds) that the schedule fires; null for one that never does. */
export function nextFiring(firing: Firing, at: number): number | null {
  const minute = Math.floor(at / 60_000) * 60_000;
  const key = `${minute} ${firing.timeZone} ${firing.schedule}`;
  // A schedule fires at full minutes only, so that the answer is the same for all moments of a minute.
  return firings.recall(key, () => clockOf(firing)?.nextRun(new Date(minute))?.getTime() ?? null);
}

/** The last time before or at `at` that it fired. */
function lastFiring(firing: Firing, at: number): number | null {
  const [last] = clockOf(firing)?.previousRuns(1, new Date(at + 1)) ?? [];
  return last?.getTime() ?? null;
}

export interface Lateness {
  /** How many times in a row the schedule fired without a success, each having had an interval for it. */
  readonly missed: number;
  /** When the third will have been missed; null while that is not to be foreseen. */
  readonly overdueAt: number | null;
}

const NONE: Lateness = { missed: 0, overdueAt: null };
export const OVERDUE_AFTER = 3;

/**
 * A firing counts as missed when as much time has passed since it as lay between the last success and the firing
 * before that: with a regular schedule, whole intervals since the last success.
 */
export function lateness(firing: Firing, since: number, now: number): Lateness {
  const first = nextFiring(firing, since);
  // In most cases this is all there is to compute: it is looked at again when it has fired.
  if (first === null || first > now) return NONE;
  const second = nextFiring(firing, first);
  const third = second === null ? null : nextFiring(firing, second);
  if (second === null || third === null) return NONE;
  const before = lastFiring(firing, since) ?? first;
  const slack = Math.min(Math.max(0, since - before), first - before);
  const missed = [first, second, third].filter((at) => at + slack <= now).length;
  const interval = (third - first) / 2;
  const more = missed < OVERDUE_AFTER ? 0 : Math.floor((now - third - slack) / interval);
  return { missed: missed + more, overdueAt: third + slack };
}
