// Requests that arrive at any moment, while runs begin and end and the operator is killed: each is served by a run
// that began after it, and many at once by few.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decide } from '../../../../operator/plan/decide.ts';
import type { Observed } from '../../../../operator/plan/observed.ts';
import { actionsOf, after, atRest, changed, isIdle, jobOf, withStatus } from './scene.ts';
import { applied } from './world.ts';

type Step =
  /** A notification is marked, or a person asks. */
  | { readonly kind: 'notified' | 'asked' }
  /** The operator looks, and is killed after so many writes. */
  | { readonly kind: 'operator'; readonly writes: number }
  /** The CronJob starts a run; the run under way ends; a Job that has ended is swept away. */
  | { readonly kind: 'scheduled' | 'ended' | 'swept' }
  /** As much time passes as a notification may be held back for the sake of pace. */
  | { readonly kind: 'passed' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('notified' as const, 'asked' as const) }),
  fc.record({ kind: fc.constant('operator' as const), writes: fc.constantFrom(0, 1, 2, 100) }),
  fc.record({ kind: fc.constantFrom('scheduled' as const, 'ended' as const, 'swept' as const) }),
  fc.record({ kind: fc.constant('passed' as const) }),
);

interface World {
  readonly state: Observed;
  /** How many requests there were when the Job of that name began. */
  readonly begun: ReadonlyMap<string, number>;
  readonly requests: number;
}

function next(world: World, { kind, ...rest }: Step): World {
  const { state, requests } = world;
  const { provider, jobs } = state;
  switch (kind) {
    case 'notified': {
      const syncRequestedAt = after(requests * 1000);
      return { ...world, state: withStatus(state, { syncRequestedAt }), requests: requests + 1 };
    }
    case 'asked': {
      const annotations = { 'outlooksync.dev/sync-requested-at': `asked ${requests}` };
      const asked = changed(state, { provider: { ...provider, annotations } });
      return { ...world, state: asked, requests: requests + 1 };
    }
    case 'operator':
      return noted({ ...world, state: applied(state, decide(state), (rest as { writes: number }).writes) });
    case 'scheduled':
      return noted(withSchedule(world));
    case 'ended':
      return {
        ...world,
        state: { ...state, jobs: jobs.map((job) => ({ ...job, phase: 'complete' as const })) },
      };
    case 'passed':
      return { ...world, state: { ...state, now: new Date(state.now.getTime() + 16_000) } };
    case 'swept':
      return { ...world, state: { ...state, jobs: jobs.filter(({ phase }) => phase === 'active') } };
  }
}

/** Kubernetes' own Forbid: only its own runs count. */
function withSchedule(world: World): World {
  const { state, begun } = world;
  if (state.jobs.some(({ phase, trigger }) => phase === 'active' && trigger === 'schedule')) return world;
  const name = `scheduled-${begun.size}`;
  return { ...world, state: { ...state, jobs: [...state.jobs, jobOf({ name, uid: name })] } };
}

function noted(world: World): World {
  const begun = new Map(world.begun);
  for (const { name } of world.state.jobs) if (!begun.has(name)) begun.set(name, world.requests);
  return { ...world, begun };
}

const start = (): World => ({ state: atRest(), begun: new Map(), requests: 0 });

it('no request is lost, and at most one Job of the operator’s runs at a time', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let world = start();
      for (const one of steps) {
        world = next(world, one);
        const own = world.state.jobs.filter(
          ({ phase, trigger }) => phase === 'active' && trigger !== 'schedule',
        );
        expect(own.length).toBeLessThanOrEqual(1);
      }
      for (let round = 0; round < 6; round += 1) {
        world = next(world, { kind: 'operator', writes: 100 });
        world = next(world, { kind: 'ended' });
        world = next(world, { kind: 'passed' });
      }
      world = next(world, { kind: 'operator', writes: 100 });
      expect(isIdle(decide(world.state))).toBe(true);
      if (world.requests > 0) expect(Math.max(0, ...world.begun.values())).toBe(world.requests);
    }),
    { numRuns: 500 },
  );
});

it('a burst makes at most two Jobs, however often the operator looks and is killed meanwhile', () => {
  const calm = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('notified' as const, 'asked' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('operator' as const), writes: fc.nat(3) }) },
  );
  fc.assert(
    fc.property(fc.array(calm, { minLength: 1, maxLength: 30 }), (steps) => {
      let world = start();
      for (const one of steps) world = next(world, one);
      for (let round = 0; round < 6; round += 1) {
        world = next(world, { kind: 'operator', writes: 100 });
        world = next(world, { kind: 'ended' });
      }
      expect(actionsOf(decide(world.state), 'createJob')).toEqual([]);
      expect(world.begun.size).toBeLessThanOrEqual(2);
    }),
    { numRuns: 500 },
  );
});
