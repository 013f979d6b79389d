import { describe, expect, it } from 'vitest';
import { type DelayClock, delayLine } from '../../harness/delayLine.ts';

/** A clock that stands still until it is moved, and calls back half a millisecond early. */
function manualClock(): DelayClock & { moveTo: (ms: number) => void } {
  let now = 0;
  let waiting: { at: number; callback: () => void }[] = [];
  const due = (): typeof waiting => waiting.filter(({ at }) => at <= now);
  return {
    now: () => now,
    wait: (ms, callback) => {
      const entry = { at: now + Math.max(ms - 0.5, 0.1), callback };
      waiting.push(entry);
      return () => {
        waiting = waiting.filter((other) => other !== entry);
      };
    },
    moveTo: (ms) => {
      for (; now < ms; now = Math.round((now + 0.1) * 10) / 10) {
        const ready = due();
        waiting = waiting.filter((entry) => !ready.includes(entry));
        for (const { callback } of ready) callback();
      }
    },
  };
}

describe('delayLine', () => {
  it('runs each action its own delay after it was pushed, in order', () => {
    const clock = manualClock();
    const line = delayLine(10, clock);
    const ran: string[] = [];
    line.push(() => ran.push('a'));
    clock.moveTo(4);
    line.push(() => ran.push('b'));
    line.push(() => ran.push('c'));
    clock.moveTo(10);
    expect(ran).toEqual([]);
    clock.moveTo(11);
    expect(ran).toEqual(['a']);
    clock.moveTo(14);
    expect(ran).toEqual(['a']);
    clock.moveTo(15);
    expect(ran).toEqual(['a', 'b', 'c']);
  });

  it('works on after it has run empty', () => {
    const clock = manualClock();
    const line = delayLine(2, clock);
    const ran: string[] = [];
    line.push(() => ran.push('a'));
    clock.moveTo(5);
    line.push(() => ran.push('b'));
    clock.moveTo(8);
    expect(ran).toEqual(['a', 'b']);
  });

  it('runs what an action pushes after a delay of its own', () => {
    const clock = manualClock();
    const line = delayLine(2, clock);
    const ran: string[] = [];
    line.push(() => {
      ran.push('a');
      line.push(() => ran.push('b'));
    });
    clock.moveTo(3);
    expect(ran).toEqual(['a']);
    clock.moveTo(6);
    expect(ran).toEqual(['a', 'b']);
  });

  it('runs at once without a delay', () => {
    const ran: string[] = [];
    delayLine(0).push(() => ran.push('a'));
    expect(ran).toEqual(['a']);
  });

  it('takes another delay for what comes next, which overtakes nothing', () => {
    const clock = manualClock();
    let delayMs = 10;
    const line = delayLine(() => delayMs, clock);
    const ran: string[] = [];
    line.push(() => ran.push('a'));
    delayMs = 0;
    line.push(() => ran.push('b'));
    clock.moveTo(9);
    expect(ran).toEqual([]);
    clock.moveTo(11);
    expect(ran).toEqual(['a', 'b']);
    line.push(() => ran.push('c'));
    expect(ran).toEqual(['a', 'b', 'c']);
  });

  it('forgets what was cleared', () => {
    const clock = manualClock();
    const line = delayLine(2, clock);
    const ran: string[] = [];
    line.push(() => ran.push('a'));
    line.clear();
    line.push(() => ran.push('b'));
    clock.moveTo(5);
    expect(ran).toEqual(['b']);
  });
});
