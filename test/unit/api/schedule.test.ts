import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schedulePattern } from '../../../api/patterns.ts';
import { resolveSchedule } from '../../../api/schedule.ts';
import { anySchedule } from '../../harness/scheduleArbitraries.ts';

const uids = fc.sample(fc.uuid(), { numRuns: 2000, seed: 1 });
const UID = '0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0';
const minutes = (schedule: string): number[] =>
  uids.map((uid) => Number(resolveSchedule(schedule, uid).split(' ')[0]?.split('-')[0]));

describe('a schedule with H', () => {
  it('becomes one without, of the same grammar, and the same each time', () => {
    fc.assert(
      fc.property(anySchedule, fc.uuid(), (schedule, uid) => {
        const resolved = resolveSchedule(schedule, uid);
        expect(resolved).not.toMatch(/\bH\b/);
        expect(resolved).toMatch(new RegExp(schedulePattern));
        expect(resolveSchedule(schedule, uid)).toBe(resolved);
        expect(resolveSchedule(resolved, uid)).toBe(resolved);
      }),
    );
  });

  it('stays as it is where there is no H', () => {
    for (const schedule of ['*/5 * * * *', '0 8-18 * MAR Thu', '? ? 1,15 * 5/2']) {
      expect(resolveSchedule(schedule, UID)).toBe(schedule);
    }
  });

  it('keeps what providers have run at since the first version', () => {
    expect(resolveSchedule('H/5 * * * *', UID)).toBe('1-59/5 * * * *');
    expect(resolveSchedule('H H H H H', UID)).toBe('11 4 18 5 5');
    expect(resolveSchedule('H(0-9),30 H(22-23)/2 * * *', UID)).toBe('1,30 22 * * *');
  });

  it('starts every n-th value at one of the first n, and ends with the last', () => {
    const found = new Set(uids.map((uid) => resolveSchedule('H/5 * * * *', uid)));
    expect([...found].sort()).toEqual([0, 1, 2, 3, 4].map((start) => `${start}-59/5 * * * *`));
  });

  it('takes a day that every month has', () => {
    const days = uids.map((uid) => Number(resolveSchedule('0 0 H * *', uid).split(' ')[2]));
    expect(new Set(days)).toEqual(new Set(Array.from({ length: 28 }, (_, at) => at + 1)));
  });

  it.each([
    ['H * * * *', 60],
    ['H/5 * * * *', 5],
    ['H(10-19) * * * *', 10],
    ['H/60 * * * *', 60],
  ])('spreads providers evenly: %s', (schedule, places) => {
    const counts = new Map<number, number>();
    for (const minute of minutes(schedule)) counts.set(minute, (counts.get(minute) ?? 0) + 1);
    expect(counts.size).toBe(places);
    const expected = uids.length / places;
    // Pearson's statistic stays below 2 per place for all but one in a million of even spreads with 60 places.
    const statistic = [...counts.values()].reduce(
      (sum, count) => sum + (count - expected) ** 2 / expected,
      0,
    );
    expect(statistic).toBeLessThan(Math.max(2 * places, 30));
  });

  it('spreads over the minutes of the day, not over pairs that belong together', () => {
    const pairs = new Set(
      uids.map((uid) => resolveSchedule('H H * * *', uid).split(' ').slice(0, 2).join(':')),
    );
    // 2,000 in 1,440 places leave a quarter of them empty by chance.
    expect(pairs.size).toBeGreaterThan(1440 * 0.7);
  });

  it('fires at least once a year, whatever the uid', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('H H H H *', 'H H H/31 2 *', 'H H * * H', 'H/45 H/20 H/9 * *'),
        fc.uuid(),
        (s, uid) => {
          const next = new Cron(resolveSchedule(s, uid), { timezone: 'UTC' }).nextRun('2026-01-01T00:00:00Z');
          expect(next?.getTime()).toBeLessThan(Date.UTC(2027, 0, 2));
        },
      ),
    );
  });
});
