// When a provider is synced next, and what is said when no sync has succeeded for too long.
import { describe, expect, it } from 'vitest';
import { decide } from '../../../../operator/plan/decide.ts';
import type { Observed } from '../../../../operator/plan/observed.ts';
import { missedIntervals } from '../../../../operator/plan/overdue.ts';
import {
  actionsOf,
  after,
  atRest,
  changed,
  CHILD,
  eventNames,
  failedStatus,
  fresh,
  minutes,
  settle,
  specOf,
  standing,
  told,
  withStatus,
} from './scene.ts';

describe('a success that is missing', () => {
  /** Synced five seconds before noon, and never since. */
  const at = (time: string): Observed => {
    const scene = atRest({ provider: { createdAt: minutes(-600) } });
    const conditions = scene.provider.status.conditions?.map((one) => ({
      ...one,
      lastTransitionTime: minutes(-60),
    }));
    return { ...withStatus(scene, { conditions }), now: new Date(time) };
  };

  it.each([
    [0, 0],
    [4, 0],
    [9.9, 1],
    [10, 2],
    [14.9, 2],
    [15, 3],
    [60, 12],
  ])('%d minutes later counts %i intervals', (later, missed) => {
    expect(missedIntervals(at(after(later * 60_000 - 5000)))).toBe(missed);
  });

  it('is a condition and an Event after three, once', () => {
    expect(told(decide(at(minutes(14))), 'Ready')).toBe('True Succeeded');
    const late = at(minutes(15));
    expect(told(decide(late), 'Ready')).toBe('False SyncOverdue');
    expect(eventNames(decide(late))).toEqual(['Warning SyncOverdue']);
    expect(eventNames(decide({ ...settle(late), now: new Date(minutes(20)) }))).toEqual([]);
  });

  it('is noticed at the time, though nothing happens', () => {
    const due: number[] = [];
    let state = settle(at(minutes(1)));
    for (let round = 0; round < 20 && standing(state, 'Ready') === 'True Succeeded'; round += 1) {
      const wait = decide(state).requeueAfterMs ?? Number.NaN;
      state = settle({ ...state, now: new Date(state.now.getTime() + wait) });
      due.push(state.now.getTime() - Date.parse(after(0)));
    }
    expect(due.at(-1)).toBe(895_000);
  });

  it('is not missing on the day that a suspended provider goes on', () => {
    const suspended = settle(changed(at(minutes(1)), { provider: { spec: specOf({ suspend: true }) } }));
    expect(missedIntervals({ ...suspended, now: new Date(minutes(6000)) })).toBe(0);
    const resumed = settle({
      ...changed(suspended, { provider: { spec: specOf() } }),
      now: new Date(minutes(6000)),
    });
    expect(standing(resumed, 'Ready')).toBe('True Succeeded');
    expect(told(decide({ ...resumed, now: new Date(minutes(6016)) }), 'Ready')).toBe('False SyncOverdue');
  });

  it('is not expected of a schedule that never fires or does not exist', () => {
    const never = { ...specOf(), schedule: '0 0 31 2 *' };
    const nowhere = { ...specOf(), timeZone: 'Nowhere/Land' };
    for (const spec of [never, nowhere]) {
      const scene = changed(at(minutes(600)), { provider: { spec } });
      expect(missedIntervals(scene)).toBe(0);
      expect(told(decide(scene), 'Ready')).toBe('True Succeeded');
    }
  });

  it('is told with the last error where there was one', () => {
    const scene = withStatus(at(minutes(30)), failedStatus('GraphThrottled'));
    const plan = decide(withStatus(scene, { lastSyncedAt: after(-5000) }));
    expect(told(plan, 'Ready')).toBe('False SyncOverdue');
    expect(plan.status?.conditions?.[0]?.message).toContain('GraphThrottled');
  });
});

describe('the next sync', () => {
  it('is when the schedule fires next, in its time zone', () => {
    const spec = specOf({ schedule: '30 9 * * *', timeZone: 'Asia/Kolkata' });
    expect(decide(fresh({ provider: { spec } })).status?.nextSyncAt).toBe('2026-11-26T04:00:00Z');
  });

  it('stays until it has passed, and is looked at then', () => {
    const scene = atRest();
    expect(scene.provider.status.nextSyncAt).toBe(minutes(5));
    expect(decide(scene).requeueAfterMs).toBe(300_000);
    const passed = decide({ ...scene, now: new Date(minutes(5)) });
    expect(passed.status?.nextSyncAt).toBe(minutes(10));
  });

  it('follows the schedule', () => {
    const spec = specOf({ schedule: '0 18 * * *' });
    const plan = decide(changed(atRest(), { provider: { spec, generation: 2 } }));
    expect(plan.status?.nextSyncAt).toBe('2026-11-25T18:00:00Z');
    expect(plan.requeueAfterMs).toBe(3_600_000);
    expect(actionsOf(plan, 'applyCronJob')[0]?.manifest.metadata.name).toBe(CHILD);
  });
});
