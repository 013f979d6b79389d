// A provider that is being deleted, and the finalizer that holds it until its rows are gone.
import { describe, expect, it } from 'vitest';
import { decide } from '../../../../operator/plan/decide.ts';
import type { Observed } from '../../../../operator/plan/observed.ts';
import {
  actionsOf,
  after,
  atRest,
  changed,
  CHILD,
  eventNames,
  fresh,
  isIdle,
  jobOf,
  podOf,
  specOf,
  UID,
} from './scene.ts';
import { applied } from './world.ts';

const FINALIZER = 'outlooksync.dev/cleanup';
const spec = specOf({ deletionPolicy: 'Delete' });
const kindsOf = (observed: Observed) => decide(observed).actions.map(({ kind }) => kind);
const finalizersAfter = (observed: Observed) => actionsOf(decide(observed), 'setFinalizers')[0]?.finalizers;

const deleted = (parts: Parameters<typeof changed>[1] = {}): Observed =>
  changed(
    changed(atRest({ provider: { spec, finalizers: ['another'] } }), { provider: { deletedAt: after(0) } }),
    parts,
  );

/** When the schedule is gone and nothing runs. */
const quiet = () => deleted({ cronJob: null });

describe('the finalizer', () => {
  it('is there while rows are to be deleted, and no longer', () => {
    expect(finalizersAfter(fresh({ provider: { spec, finalizers: ['another'] } }))).toEqual([
      'another',
      FINALIZER,
    ]);
    expect(finalizersAfter(fresh({ provider: { finalizers: ['another', FINALIZER] } }))).toEqual(['another']);
    expect(finalizersAfter(fresh())).toBeUndefined();
  });

  it('is not put on a duplicate, whose row is another’s', () => {
    expect(finalizersAfter(fresh({ provider: { spec }, duplicateOf: 'bert' }))).toBeUndefined();
  });
});

describe('a deletion', () => {
  it('without our finalizer is nobody’s business', () => {
    expect(isIdle(decide(deleted({ provider: { finalizers: ['another'] } })))).toBe(true);
  });

  it('first ends the schedule and the runs', () => {
    const jobs = [jobOf(), jobOf({ name: 'ended', phase: 'complete' })];
    const plan = decide(deleted({ jobs }));
    expect(plan.actions).toEqual([
      { kind: 'deleteCronJob', name: CHILD, uid: 'cronjob-uid' },
      { kind: 'deleteJob', name: jobOf().name, uid: 'job-uid' },
    ]);
  });

  it.each([
    ['a Job', { jobs: [jobOf({ deletedAt: after(0) })] }],
    ['a pod', { pods: [podOf()] }],
  ])('waits for %s that is still ending', (_, parts) => {
    const plan = decide(changed(quiet(), parts));
    expect([plan.actions, plan.requeueAfterMs]).toEqual([[], 300_000]);
  });

  it('then cleans up, by one bounded Job that needs the database alone', () => {
    const [created] = actionsOf(decide(quiet()), 'createJob');
    const text = JSON.stringify(created?.manifest);
    expect(created?.manifest['spec']).toMatchObject({ activeDeadlineSeconds: 300 });
    expect(text).toContain(
      `["cleanup","--provider-id=${UID}","--email=anna@contoso.com","--user-id=user-42"]`,
    );
    expect(text).toContain('DATABASE_URL');
    expect(text).not.toContain('REFRESH_TOKEN');
    expect(text).not.toContain('outlooksync.dev/trigger');
    expect(kindsOf(applied(quiet(), decide(quiet())))).toEqual([]);
  });

  it('does so though the Secret of the credentials was deleted with it', () => {
    expect(kindsOf({ ...quiet(), credentialsSecret: null })).toEqual(['createJob']);
  });

  const cleaning = (phase: 'active' | 'complete' | 'failed') => {
    const scene = applied(quiet(), decide(quiet()));
    return { ...scene, jobs: scene.jobs.map((job) => ({ ...job, phase })) };
  };

  it('ends when that is done', () => {
    const plan = decide(cleaning('complete'));
    expect(plan.actions).toEqual([{ kind: 'setFinalizers', finalizers: ['another'] }]);
    expect(eventNames(plan)).toEqual([]);
  });

  it('ends with a Warning when that fails', () => {
    const plan = decide(cleaning('failed'));
    expect(plan.actions).toEqual([{ kind: 'setFinalizers', finalizers: ['another'] }]);
    expect(eventNames(plan)).toEqual(['Warning CleanupFailed']);
  });

  it('ends with a Warning when it takes too long', () => {
    const waiting = cleaning('active');
    expect(decide(waiting).requeueAfterMs).toBe(300_000);
    const late = decide({ ...waiting, now: new Date(after(300_000)) });
    expect(late.actions).toEqual([{ kind: 'setFinalizers', finalizers: ['another'] }]);
    expect(eventNames(late)).toEqual(['Warning CleanupFailed']);
  });

  it.each<[string, Parameters<typeof changed>[1]]>([
    ['the namespace goes too', { namespaceTerminating: true }],
    ['it is a duplicate', { duplicateOf: 'bert' }],
    ['its rows are kept after all', { provider: { spec: specOf() } }],
    ['nothing was ever synced', { provider: { status: {} }, jobs: [] }],
  ])('ends at once when %s', (_, parts) => {
    const plan = decide(deleted(parts));
    expect(plan.actions).toEqual([{ kind: 'setFinalizers', finalizers: ['another'] }]);
    expect(eventNames(plan)).toEqual([]);
  });

  it('ends at once, and says so, when nobody can tell which rows are meant', () => {
    const plan = decide(deleted({ provider: { spec: null } }));
    expect(plan.actions).toEqual([{ kind: 'setFinalizers', finalizers: ['another'] }]);
    expect(eventNames(plan)).toEqual(['Warning CleanupFailed']);
  });
});

it('in a namespace that goes nothing is made', () => {
  expect(isIdle(decide(fresh({ namespaceTerminating: true })))).toBe(true);
});
