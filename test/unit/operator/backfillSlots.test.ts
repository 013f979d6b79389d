import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BackfillSlots } from '../../../operator/act/backfillSlots.ts';

interface Scene {
  readonly slots: BackfillSlots;
  readonly woken: string[];
  readonly pass: (ms: number) => void;
  /** One reconcile of a provider that wants a backfill; whether it started. */
  readonly want: (provider: string) => boolean;
  readonly show: (provider: string) => void;
  readonly end: (provider: string) => void;
  /** Its Job came and went while nobody looked. */
  readonly showEnded: (provider: string) => void;
}

function scene(most: number): Scene {
  let now = 0;
  const woken: string[] = [];
  const slots = new BackfillSlots(
    most,
    (provider) => woken.push(provider),
    () => now,
  );
  const jobOf = (provider: string) => {
    const metadata = { name: `job-of-${provider}`, namespace: 'team' };
    return { apiVersion: 'batch/v1', kind: 'Job', metadata };
  };
  return {
    slots,
    woken,
    pass: (ms) => (now += ms),
    want: (provider) => {
      const started = slots.reserve(provider);
      slots.settle(provider, { started, awaits: !started });
      return started;
    },
    show: (provider) =>
      slots.jobChanged(jobOf(provider), { provider, isActiveBackfill: true, cameEnded: false }),
    end: (provider) =>
      slots.jobChanged(jobOf(provider), { provider, isActiveBackfill: false, cameEnded: false }),
    showEnded: (provider) =>
      slots.jobChanged(jobOf(provider), { provider, isActiveBackfill: false, cameEnded: true }),
  };
}

test('no more start than there are slots, even before the first of them shows up', () => {
  const { want } = scene(2);
  expect([want('a'), want('b'), want('c')]).toEqual([true, true, false]);
});

test('the end of one wakes the one that waits for longest, and nobody overtakes it', () => {
  const { want, show, end, woken } = scene(1);
  want('a');
  show('a');
  want('b');
  want('c');
  end('a');
  expect(woken).toEqual(['b']);
  expect([want('d'), want('c'), want('b')]).toEqual([false, false, true]);
});

test('one that no longer wants to makes room for the next', () => {
  const { slots, want, show, end, woken } = scene(1);
  want('a');
  show('a');
  want('b');
  want('c');
  end('a');
  slots.reserve('b');
  slots.settle('b', { started: false, awaits: false });
  expect(woken).toEqual(['b', 'c']);
  expect(want('c')).toBe(true);
});

test('a slot whose Job never shows up is free again after a while', () => {
  const { want, pass } = scene(1);
  expect(want('a')).toBe(true);
  expect(want('b')).toBe(false);
  pass(60_000);
  expect(want('b')).toBe(true);
});

test('a Job that had ended when it was first seen keeps no slot', () => {
  const { want, showEnded, woken } = scene(1);
  want('a');
  want('b');
  showEnded('a');
  expect(woken).toEqual(['b']);
  expect(want('b')).toBe(true);
});

test('with no slots at all nobody starts', () => {
  expect(scene(0).want('a')).toBe(false);
});

test('Jobs that were there before count', () => {
  const { want, show, end } = scene(1);
  show('old');
  expect(want('a')).toBe(false);
  end('old');
  expect(want('a')).toBe(true);
});

test('whatever happens, no more run than there are slots, and none waits while one is free', () => {
  const step = fc.record({ provider: fc.constantFrom('a', 'b', 'c', 'd', 'e'), ends: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 60 }), (most, steps) => {
      const { slots, woken, want, show, end } = scene(most);
      const running = new Set<string>();
      const wanting = (provider: string): void => {
        if (running.has(provider) || !want(provider)) return;
        running.add(provider);
        show(provider);
      };
      for (const { provider, ends } of steps) {
        if (ends && running.delete(provider)) end(provider);
        else wanting(provider);
        for (const next of woken.splice(0)) wanting(next);
        expect(running.size).toBeLessThanOrEqual(most);
        expect(slots.waiting === 0 || running.size === most).toBe(true);
      }
    }),
  );
});
