// What holds for every provider in every state: nothing is left to do once a plan is carried out, whatever it was.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadGrantCodes } from '../../../../api/errorCodes.ts';
import { cursorStates, phases, providerStatus, type ProviderStatus } from '../../../../api/providerStatus.ts';
import { triggers } from '../../../../api/resource.ts';
import { decide } from '../../../../operator/plan/decide.ts';
import { finalizer } from '../../../../api/resource.ts';
import type { Observed, ObservedJob, ObservedPod } from '../../../../operator/plan/observed.ts';
import { actionsOf, after, CHILD, fresh, isIdle, jobOf, NOW, podOf, secret, specOf, UID } from './scene.ts';
import { applied } from './world.ts';

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const time = fc.integer({ min: -3000, max: 0 }).map((at) => after(at * 1000));
const code = fc.constantFrom(
  ...deadGrantCodes,
  'GraphThrottled',
  'MailboxNotFound',
  'JobOOMKilled',
  'Succeeded',
);
const condition = (type: string) =>
  fc.record({
    type: fc.constant(type),
    status: fc.constantFrom('True' as const, 'False' as const, 'Unknown' as const),
    reason: fc.oneof(code, fc.constantFrom('Suspended', 'Scheduled', 'SyncOverdue', 'JobImagePullFailed')),
    message: fc.constantFrom('', 'It went wrong'),
    observedGeneration: fc.constantFrom(1, 2),
    lastTransitionTime: time,
  });

const types = ['Ready', 'Scheduled', 'Reconciling', 'Stalled', 'Synced', 'CredentialsValid', 'Other'];
const status: fc.Arbitrary<ProviderStatus> = fc
  .tuple(
    fc.record(
      {
        phase: fc.constantFrom(...phases),
        observedGeneration: fc.constantFrom(1, 2),
        nextSyncAt: fc.integer({ min: -600, max: 600 }).map((at) => after(at * 1000)),
        lastHandledSyncRequest: fc.constantFrom('1', '2', `1,${NOW}`),
        lastHandledResyncRequest: fc.constantFrom('1', '2'),
        lastLostPod: fc.constantFrom('pod-0', 'pod-1', 'gone'),
        lastAttemptAt: time,
        lastSyncedAt: time,
        lastSyncError: fc.constant('GraphThrottled: Too many requests'),
        lastSyncErrorAt: time,
        cursor: fc.constantFrom(...cursorStates),
        lastJob: fc.constantFrom('job-0', 'job-1', 'gone'),
        lastTrigger: fc.constantFrom(...triggers),
        credentialsVersion: fc.constantFrom('', 'secret-uid/1', 'secret-uid/2'),
        syncRequestedAt: fc.constant(NOW),
        subscription: fc
          .integer({ min: -3000, max: 3000 })
          .map((ends) => ({ id: 'sub', expiresAt: after(ends * 1000) })),
        consecutiveFailures: fc.nat(3),
      },
      { requiredKeys: [] },
    ),
    fc.tuple(...types.map((type) => optional(condition(type)))),
  )
  .map(([fields, conditions]) => ({
    ...fields,
    conditions: conditions.filter((one) => one !== undefined),
  }));

const spec = fc
  .record(
    {
      suspend: fc.boolean(),
      schedule: fc.constantFrom('*/5 * * * *', 'H/5 * * * *', 'H H * * 1-5', '0 0 31 2 *'),
      timeZone: fc.constantFrom('Europe/Berlin', 'Nowhere/Land'),
      deletionPolicy: fc.constantFrom('Retain', 'Delete'),
      push: fc.record({ enabled: fc.boolean() }),
      podTemplate: fc.constant({ resources: { limits: { cpu: '1000m', memory: '1Gi' } }, tolerations: [] }),
    },
    { requiredKeys: [] },
  )
  // What the schema refuses may be stored all the same.
  .map(({ schedule, timeZone, ...rest }) => ({
    ...specOf(rest),
    ...(schedule !== undefined && { schedule }),
    ...(timeZone !== undefined && { timeZone }),
  }));

const report = (how: string, reported: boolean, startedAt: string) =>
  JSON.stringify({
    status: how,
    reported,
    providerId: UID,
    upserted: 1,
    removed: 0,
    stored: null,
    cursor: 'Steady',
    attempts: 1,
    durationMs: 5,
    startedAt,
    finishedAt: startedAt,
    ...(how === 'error' && { error: { code: 'GraphThrottled', message: 'Too many requests' } }),
  });

const job = (index: number): fc.Arbitrary<ObservedJob> =>
  fc
    .record({
      trigger: fc.constantFrom(...triggers, null),
      phase: fc.constantFrom('active' as const, 'complete' as const, 'failed' as const),
      failureReason: fc.constantFrom(null, 'DeadlineExceeded', 'BackoffLimitExceeded'),
      createdAt: time,
      finishedAt: fc.option(time),
      deletedAt: fc.option(time, { freq: 5 }),
    })
    .map((changes) => jobOf({ ...changes, name: `job-${index}`, uid: `job-uid-${index}` }));

const pod = (index: number): fc.Arbitrary<ObservedPod> =>
  fc
    .record({
      jobName: fc.constantFrom('job-0', 'job-1', 'job-2'),
      phase: fc.constantFrom('Pending' as const, 'Running' as const, 'Succeeded' as const, 'Failed' as const),
      createdAt: time,
      finishedAt: fc.option(time),
      waitingReason: fc.constantFrom(
        null,
        'ImagePullBackOff',
        'CreateContainerConfigError',
        'PodInitializing',
      ),
      waitingMessage: fc.constantFrom(null, "couldn't find key refreshToken in Secret mail/anna-outlook"),
      terminatedReason: fc.constantFrom(null, 'OOMKilled', 'Error'),
      exitCode: fc.constantFrom(null, 0, 64, 75, 137, 139),
      reason: fc.constantFrom(null, 'Evicted', 'DeadlineExceeded'),
      disrupted: fc.boolean(),
      terminationMessage: fc.oneof(
        fc.constantFrom(null, '', 'no JSON', '{}'),
        fc
          .tuple(fc.constantFrom('connected', 'skipped', 'interrupted', 'error'), fc.boolean(), time)
          .map((all) => report(...all)),
      ),
    })
    .map((changes) => podOf({ ...changes, name: `pod-${index}`, uid: `pod-${index}` }));

const annotations = fc.constantFrom<Readonly<Record<string, string>>>(
  {},
  { 'outlooksync.dev/sync-requested-at': '1' },
  { 'outlooksync.dev/sync-requested-at': '1', 'outlooksync.dev/resync-requested-at': '2' },
);

const owned = fc.constantFrom(
  null,
  { uid: 'x', resourceVersion: '1', controllerUid: UID },
  { uid: 'y', resourceVersion: '1', controllerUid: 'another' },
);

/** Nothing of it has to be possible: the operator must come to rest all the same. */
const anything: fc.Arbitrary<Observed> = fc
  .record({
    status,
    spec: fc.option(spec, { freq: 8 }),
    annotations,
    generation: fc.constantFrom(1, 2),
    jobs: fc.tuple(job(0), job(1)).chain((all) => fc.subarray(all)),
    pods: fc.tuple(pod(0), pod(1), pod(2)).chain((all) => fc.subarray(all)),
    cronJob: owned,
    lease: owned,
    duplicateOf: fc.option(fc.constant('bert'), { freq: 8 }),
    credentialsSecret: fc.constantFrom(null, undefined, secret(), secret('2')),
    jobSecret: fc.constantFrom(null, secret(), secret()),
    mayBackfill: fc.boolean(),
    hasWebhook: fc.boolean(),
    finalizers: fc.constantFrom<readonly string[]>([], [finalizer], ['another', finalizer], ['another']),
  })
  .map(({ cronJob, hasWebhook, ...rest }) => {
    const { status: found, spec: wanted, annotations: given, generation, finalizers, ...parts } = rest;
    const own = cronJob && { ...cronJob, labels: {}, annotations: {}, deletedAt: null, specJson: '{}' };
    const createdAt = after(-3_600_000);
    const { settings } = fresh();
    const jobVariables = hasWebhook ? { OUTLOOK_PUSH_NOTIFICATION_URL: 'https://example.com' } : {};
    return fresh({
      ...parts,
      settings: { ...settings, jobVariables },
      cronJob: own,
      provider: { status: found, spec: wanted, annotations: given, generation, finalizers, createdAt },
    });
  });

/** What was decided is done; and again, for as long as another lost run is to be told, which is no more than there are. */
function carriedOut(observed: Observed): Observed {
  let state = applied(observed, decide(observed));
  for (const _ of [...observed.pods, ...observed.jobs]) {
    const plan = decide(state);
    if (actionsOf(plan, 'reportForJob').length === 0) break;
    state = applied(state, plan);
  }
  return state;
}

const runs = { numRuns: 1000 };

describe('every provider, in every state', () => {
  it('is at rest once what was decided is done', () => {
    fc.assert(
      fc.property(anything, (observed) => {
        const next = decide(carriedOut(observed));
        expect({ ...next, requeueAfterMs: null, awaitsBackfill: false }).toEqual({
          actions: [],
          status: null,
          events: [],
          requeueAfterMs: null,
          awaitsBackfill: false,
        });
      }),
      runs,
    );
  });

  it('ends the same when the operator is killed half-way and begins anew', () => {
    fc.assert(
      fc.property(anything, fc.nat(6), (observed, steps) => {
        const whole = carriedOut(observed);
        const killed = applied(observed, decide(observed), steps);
        const again = carriedOut(killed);
        expect(isIdle(decide(again))).toBe(true);
        expect(again.jobs.map(({ name }) => name)).toEqual(whole.jobs.map(({ name }) => name));
        expect(again.cronJob).toEqual(whole.cronJob);
      }),
      runs,
    );
  });

  it('gets a status that the schema knows, and is looked at again only later', () => {
    fc.assert(
      fc.property(anything, (observed) => {
        const plan = decide(observed);
        const reports = actionsOf(plan, 'reportForJob').map((action) => action.status);
        for (const written of [...reports, ...(plan.status ? [plan.status] : [])])
          expect(providerStatus.strict().safeParse(written).error).toBeUndefined();
        expect(plan.requeueAfterMs ?? 1000).toBeGreaterThanOrEqual(1000);
      }),
      runs,
    );
  });

  it('has at most one Job started, and none beside one that runs', () => {
    fc.assert(
      fc.property(anything, (observed) => {
        const started = actionsOf(decide(observed), 'createJob');
        const isBusy = observed.jobs.some(({ phase, trigger }) => phase === 'active' && trigger !== null);
        expect(started.length).toBeLessThanOrEqual(isBusy ? 0 : 1);
      }),
      runs,
    );
  });

  it('keeps its hands off what belongs to somebody else', () => {
    fc.assert(
      fc.property(anything, (observed) => {
        const plan = decide(observed);
        const isForeign = (one: { controllerUid: string | null } | null) =>
          one !== null && one.controllerUid !== UID;
        if (isForeign(observed.cronJob)) expect(actionsOf(plan, 'applyCronJob')).toEqual([]);
        if (!isForeign(observed.cronJob) && !isForeign(observed.lease)) return;
        const made = ['createJob', 'createLease'];
        expect(plan.actions.filter(({ kind }) => made.includes(kind))).toEqual([]);
      }),
      runs,
    );
  });

  it('with a dead grant that nothing was done about has no Job and no schedule', () => {
    fc.assert(
      fc.property(anything, fc.constantFrom(...deadGrantCodes), (found, reason) => {
        const conditions = ['Synced', 'CredentialsValid'].map((type) => {
          const standing = { status: 'False' as const, reason, message: '' };
          return { type, ...standing, observedGeneration: 1, lastTransitionTime: NOW };
        });
        const { provider } = found;
        const dead = { ...provider.status, credentialsVersion: 'secret-uid/1', conditions };
        const observed: Observed = {
          ...found,
          pods: [],
          jobs: found.jobs.filter(({ phase }) => phase === 'complete'),
          credentialsSecret: secret(),
          provider: { ...provider, generation: 1, status: { ...dead, phase: 'Error' } },
        };
        const plan = decide(observed);
        expect(actionsOf(plan, 'createJob')).toEqual([]);
        for (const { manifest } of actionsOf(plan, 'applyCronJob'))
          expect(manifest['spec']).toHaveProperty('suspend', true);
      }),
      runs,
    );
  });
});

describe('a deletion', () => {
  const end = { active: [], never: [], complete: ['complete'], failed: ['failed'] } as const;

  it('always ends, and in time, whatever becomes of its Jobs', () => {
    fc.assert(
      fc.property(
        anything,
        fc.constantFrom(...(Object.keys(end) as (keyof typeof end)[])),
        fc.boolean(),
        (found, how, stuck) => {
          const deletedAt = NOW;
          let state: Observed = { ...found, provider: { ...found.provider, deletedAt } };
          const others = state.provider.finalizers.filter((one) => one !== finalizer);
          for (let round = 0; state.provider.finalizers.includes(finalizer); round += 1) {
            expect(round).toBeLessThan(20);
            const plan = decide(state);
            expect(actionsOf(plan, 'applyCronJob')).toEqual([]);
            const before = state;
            state = applied(state, plan);
            if (state.provider.finalizers.includes(finalizer)) expect(plan.requeueAfterMs).not.toBeNull();
            const [outcome] = end[how];
            const hasMoved = before.jobs.length !== state.jobs.length || before.cronJob !== state.cronJob;
            state = {
              ...state,
              now: hasMoved ? state.now : new Date(state.now.getTime() + (plan.requeueAfterMs ?? 0)),
              pods: stuck ? state.pods : [],
              jobs: state.jobs.map((one) =>
                outcome && one.trigger === null ? { ...one, phase: outcome } : one,
              ),
            };
          }
          expect(state.provider.finalizers).toEqual(others);
          expect(state.now.getTime() - Date.parse(deletedAt)).toBeLessThanOrEqual(
            state.settings.cleanupTimeoutMs,
          );
          expect(state.jobs.filter(({ name }) => name.startsWith(CHILD)).length).toBeLessThanOrEqual(1);
        },
      ),
      runs,
    );
  });

  it('never has a cleanup remove rows that are to be kept, or are another provider’s', () => {
    fc.assert(
      fc.property(anything, (found) => {
        const state = { ...found, jobs: [], pods: [], cronJob: null };
        const plan = decide({ ...state, provider: { ...found.provider, deletedAt: NOW } });
        const keeps = found.provider.spec?.deletionPolicy !== 'Delete' || found.duplicateOf !== null;
        const made = actionsOf(plan, 'createJob');
        if (found.duplicateOf !== null) expect(made).toEqual([]);
        for (const { manifest } of keeps ? made : [])
          expect(JSON.stringify(manifest)).toContain('"--retain"');
      }),
      runs,
    );
  });
});
