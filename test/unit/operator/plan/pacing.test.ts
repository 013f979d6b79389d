// Notifications and the Jobs that they make, in time: each is followed by a Job, and many by few.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextMark } from '../../../../api/notificationMark.ts';
import { decide } from '../../../../operator/plan/decide.ts';
import type { Observed, ObservedJob } from '../../../../operator/plan/observed.ts';
import { after, atRest, changed, isIdle, jobOf, NOW, specOf, triggersOf, withStatus } from './scene.ts';
import { applied } from './world.ts';

const seconds = (count: number): Date => new Date(Date.parse(NOW) + count * 1000);
const at = (scene: Observed, count: number): Observed => ({ ...scene, now: seconds(count) });
const mark = (scene: Observed, count: number): Observed =>
  withStatus(at(scene, count), { syncRequestedAt: seconds(count).toISOString() });
const pushJob = (count: number, phase: ObservedJob['phase'] = 'complete'): ObservedJob => {
  const name = `push-${count}`;
  return jobOf({ name, uid: name, trigger: 'push', createdAt: after(count * 1000), phase });
};
const ended = (scene: Observed): Observed => ({
  ...scene,
  jobs: scene.jobs.map((job) => ({ ...job, phase: 'complete' as const })),
});

describe('of one provider’s Jobs for notifications', () => {
  it('the first and the second are started at once', () => {
    expect(triggersOf(decide(mark(atRest(), 1)))).toEqual(['push']);
    expect(triggersOf(decide(mark(atRest({ jobs: [pushJob(0)] }), 1)))).toEqual(['push']);
  });

  it('the third waits until no 15 seconds have three, and the operator looks again then', () => {
    const scene = mark(atRest({ jobs: [pushJob(0), pushJob(4)] }), 5);
    const plan = decide(scene);
    expect(triggersOf(plan)).toEqual([]);
    expect(plan.status?.lastHandledSyncRequest).toBeUndefined();
    // The first may have been made at the end of its second.
    expect(plan.requeueAfterMs).toBe(11_000);
    expect(triggersOf(decide(at(scene, 15.999)))).toEqual([]);
    expect(triggersOf(decide(at(scene, 16)))).toEqual(['push']);
  });

  it('nothing is held back by runs for another reason', () => {
    const jobs = [pushJob(0), jobOf({ name: 'manual', trigger: 'manual', phase: 'complete' })];
    expect(triggersOf(decide(mark(atRest({ jobs }), 1)))).toEqual(['push']);
  });

  it('a person’s request is not held back, and serves the mark that is', () => {
    const annotations = { 'outlooksync.dev/sync-requested-at': '1' };
    const scene = changed(mark(atRest({ jobs: [pushJob(0), pushJob(4)] }), 5), { provider: { annotations } });
    const plan = decide(scene);
    expect(triggersOf(plan)).toEqual(['manual']);
    expect(plan.status?.lastHandledSyncRequest).toBe(`1,${seconds(5).toISOString()}`);
  });

  it('a backfill goes on meanwhile, and is not taken for the answer', () => {
    const jobs = [pushJob(0), pushJob(4)];
    const scene = withStatus(mark(atRest({ jobs }), 5), { cursor: 'Paging' });
    const plan = decide(scene);
    expect([triggersOf(plan), plan.requeueAfterMs]).toEqual([['backfill'], 11_000]);
    const later = at(ended(applied(scene, plan)), 16);
    expect(triggersOf(decide(later))).toEqual(['push']);
  });

  it('one that was made is known to answer, though it fills the window', () => {
    const scene = mark(atRest({ jobs: [pushJob(0)] }), 1);
    const plan = decide(scene);
    const killed = applied(scene, plan, plan.actions.length);
    const again = decide(ended(killed));
    expect(triggersOf(again)).toEqual([]);
    expect(again.status?.lastHandledSyncRequest).toBe(seconds(1).toISOString());
  });

  it('those from a clock far ahead hold nothing back', () => {
    const jobs = [pushJob(600), pushJob(601)];
    expect(triggersOf(decide(mark(atRest({ jobs }), 1)))).toEqual(['push']);
  });

  it('one that waits is done with when the provider is suspended', () => {
    const scene = mark(atRest({ jobs: [pushJob(0), pushJob(4)] }), 5);
    const spec = specOf({ suspend: true });
    const plan = decide(changed(scene, { provider: { spec, generation: 2 } }));
    expect(plan.status?.lastHandledSyncRequest).toBe(seconds(5).toISOString());
  });
});

describe('a notification', () => {
  it.each(['schedule', 'push', 'backfill'] as const)(
    'that comes while a run (%s) is under way is served right after it, though the run began before',
    (trigger) => {
      const running = jobOf({ name: 'running', trigger, createdAt: after(0) });
      const scene = mark(atRest({ jobs: [running] }), 3);
      expect(isIdle(decide(scene))).toBe(true);
      expect(triggersOf(decide(at(ended(scene), 4)))).toEqual(['push']);
    },
  );

  it('that came while no operator ran is served by the next one', () => {
    const scene = [1, 5, 90].reduce(mark, atRest({ jobs: [jobOf({ phase: 'complete' })] }));
    expect(triggersOf(decide(at(scene, 3600)))).toEqual(['push']);
  });
});

/** A cluster in time. Its clock is exact; of when a Job was made its API server tells whole seconds. */
interface Story {
  /** Milliseconds at which notifications come, the schedule fires, and the operator is away. */
  readonly marks: readonly number[];
  readonly firings: readonly number[];
  readonly outages: readonly (readonly [from: number, length: number])[];
  /** Of the runs, in turn. */
  readonly lengths: readonly number[];
}

const KEPT_MS = 30_000;

class Play {
  readonly made: { readonly trigger: string; readonly at: number }[] = [];
  state = atRest();
  readonly #story: Story;
  readonly #ends = new Map<string, number>();
  #wakeAt: number | null = null;
  #now = 0;

  constructor(story: Story) {
    this.#story = story;
  }

  run(): void {
    for (let round = 0; round < 2000; round += 1) {
      const now = this.#nextMoment();
      if (now === null) return;
      this.#now = now;
      this.#happen();
      if (!this.#isAway(now)) this.#operate();
    }
    throw new Error('It goes on for ever');
  }

  #isAway(now: number): boolean {
    return this.#story.outages.some(([from, length]) => now >= from && now < from + length);
  }

  #nextMoment(): number | null {
    const { marks, firings, outages } = this.#story;
    const ends = [...this.#ends.values()];
    const moments = [...marks, ...firings, ...outages.map(([from, length]) => from + length), ...ends];
    const horizon = Math.max(0, ...moments) + 120_000;
    const all = [...moments, ...ends.map((end) => end + KEPT_MS), this.#wakeAt ?? -1];
    const ahead = all.filter((one) => one > this.#now && one < horizon);
    return ahead.length === 0 ? null : Math.min(...ahead);
  }

  #happen(): void {
    const { marks, firings } = this.#story;
    const now = new Date(Date.parse(NOW) + this.#now);
    const { syncRequestedAt } = this.state.provider.status;
    this.state = { ...this.state, now, jobs: this.#jobsNow() };
    if (marks.includes(this.#now))
      this.state = withStatus(this.state, { syncRequestedAt: nextMark(syncRequestedAt, now) });
    const isBusy = this.state.jobs.some(({ trigger, phase }) => trigger === 'schedule' && phase === 'active');
    if (!firings.includes(this.#now) || isBusy) return;
    const name = `scheduled-${this.#now}`;
    const job = jobOf({ name, uid: name, createdAt: now.toISOString().replace(/\.\d+Z$/, 'Z') });
    this.state = { ...this.state, jobs: [...this.state.jobs, job] };
    this.#note();
  }

  #jobsNow(): ObservedJob[] {
    const end = ({ name }: ObservedJob): number => this.#ends.get(name) ?? 0;
    return this.state.jobs
      .filter((job) => end(job) + KEPT_MS > this.#now)
      .map((job) => (end(job) <= this.#now ? { ...job, phase: 'complete' as const } : job));
  }

  #note(): void {
    const { lengths } = this.#story;
    for (const { name, trigger } of this.state.jobs) {
      if (this.#ends.has(name)) continue;
      const length = lengths[this.#ends.size % lengths.length] ?? 1000;
      this.#ends.set(name, this.#now + length);
      this.made.push({ trigger: trigger ?? '', at: this.#now });
    }
  }

  #operate(): void {
    const plan = decide(this.state);
    this.state = applied(this.state, plan);
    this.#note();
    // What it writes has it look again.
    const { requeueAfterMs } = isIdle(plan) ? plan : decide(this.state);
    this.#wakeAt = requeueAfterMs === null ? null : this.#now + requeueAfterMs;
  }
}

const moment = fc.integer({ min: 1, max: 60_000 });
const story: fc.Arbitrary<Story> = fc.record({
  marks: fc.oneof(
    fc.array(moment, { minLength: 1, maxLength: 30 }),
    fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 10, maxLength: 60 }),
  ),
  firings: fc.array(moment, { maxLength: 3 }),
  outages: fc.array(fc.tuple(moment, fc.integer({ min: 1, max: 20_000 })), { maxLength: 2 }),
  lengths: fc.array(fc.integer({ min: 300, max: 12_000 }), { minLength: 1, maxLength: 5 }),
});

function played(of: Story): { made: Play['made']; pushes: number[]; state: Observed } {
  const play = new Play(of);
  play.run();
  const pushes = play.made.filter(({ trigger }) => trigger === 'push').map((one) => one.at);
  return { made: play.made, pushes, state: play.state };
}

describe('whenever notifications come, however long runs take, and whenever the operator is away', () => {
  it('each is followed by a Job, and soon, and at most two are made within 15 seconds', () => {
    fc.assert(
      fc.property(story, (of) => {
        const { pushes, state } = played(of);
        const longest = Math.max(...of.lengths);
        // A run under way, the pace, and what the operator was away.
        const patience = 2 * longest + 17_000 + of.outages.reduce((sum, [, length]) => sum + length, 0);
        for (const come of of.marks) {
          const [answer] = pushes.filter((one) => one >= come);
          expect(answer).toBeDefined();
          expect((answer ?? 0) - come).toBeLessThanOrEqual(patience);
        }
        expect(isIdle(decide(state))).toBe(true);
        for (const [index, third] of pushes.slice(2).entries())
          expect(third - (pushes[index] ?? 0)).toBeGreaterThanOrEqual(15_000);
      }),
      { numRuns: 75 },
    );
  });

  it('a burst of ten seconds makes at most two Jobs beyond the first', () => {
    const burst = fc.record({
      marks: fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 2, maxLength: 100 }),
      firings: fc.constant([]),
      outages: fc.array(fc.tuple(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 3000 })), {
        maxLength: 3,
      }),
      lengths: fc.array(fc.integer({ min: 300, max: 3000 }), { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(burst, (of) => {
        const { made } = played(of);
        expect(made.length).toBeGreaterThan(0);
        expect(made.length).toBeLessThanOrEqual(3);
      }),
      { numRuns: 75 },
    );
  });
});
