import { describe, expect, it } from 'vitest';
import { isHandled, nextMark, waitingMark } from '../../../api/notificationMark.ts';

const mark = '2026-11-25T08:00:00.000Z';

describe('a mark', () => {
  it('waits until it was handled', () => {
    expect(waitingMark({})).toBeNull();
    expect(waitingMark({ lastHandledSyncRequest: mark })).toBeNull();
    expect(waitingMark({ syncRequestedAt: mark })).toBe(mark);
    expect(waitingMark({ syncRequestedAt: mark, lastHandledSyncRequest: '2026-11-25T07:00:00.000Z' })).toBe(
      mark,
    );
    expect(waitingMark({ syncRequestedAt: mark, lastHandledSyncRequest: mark })).toBeNull();
  });

  it('was handled by itself or together with an annotation, but not by what only contains it', () => {
    expect(isHandled(mark, mark)).toBe(true);
    expect(isHandled(mark, `by-hand,${mark}`)).toBe(true);
    expect(isHandled(mark, `${mark},by-hand`)).toBe(false);
    expect(isHandled(mark, `x${mark}`)).toBe(false);
    expect(isHandled(mark, '')).toBe(false);
  });
});

describe('the next mark', () => {
  const now = new Date('2026-11-25T08:00:00.000Z');

  it('is now', () => {
    expect(nextMark(undefined, now)).toBe(now.toISOString());
    expect(nextMark('2026-11-25T07:59:59.999Z', now)).toBe(now.toISOString());
    expect(nextMark('not a time', now)).toBe(now.toISOString());
  });

  it('is later than the one before, however clocks differ', () => {
    expect(nextMark(now.toISOString(), now)).toBe('2026-11-25T08:00:00.001Z');
    expect(nextMark('2026-11-25T09:00:00.000Z', now)).toBe('2026-11-25T09:00:00.001Z');
  });
});
