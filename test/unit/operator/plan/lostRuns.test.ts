// Runs that ended and did not tell the OutlookProvider.
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../../../api/runReport.ts';
import { decide } from '../../../../operator/plan/decide.ts';
import type { Observed, ObservedJob, ObservedPod } from '../../../../operator/plan/observed.ts';
import type { Plan } from '../../../../operator/plan/plan.ts';
import {
  actionsOf,
  after,
  atRest,
  changed,
  eventNames,
  failedStatus,
  isIdle,
  jobOf,
  podOf,
  settle,
  told,
  UID,
  withStatus,
} from './scene.ts';
import { applied } from './world.ts';

const DIED_AT = after(-1000);
const reportIn = (plan: Plan) => actionsOf(plan, 'reportForJob')[0]?.status;

/** A run that began a minute ago and is said to be under way. */
const running = (pod: Partial<ObservedPod>, job: Partial<ObservedJob> = {}): Observed => {
  const jobs = [jobOf({ phase: 'failed', finishedAt: DIED_AT, ...job })];
  return withStatus(changed(atRest(), { jobs, pods: [podOf(pod)] }), {
    phase: 'Syncing',
    lastAttemptAt: after(-50_000),
    lastSyncedAt: after(-300_000),
    lastJob: jobOf().name,
  });
};

const nameless = { code: '', message: 'made up' };
const dead = { phase: 'Failed', finishedAt: DIED_AT } as const;

function report(changes: Partial<RunReport> = {}): string {
  return JSON.stringify({
    status: 'connected',
    reported: false,
    providerId: UID,
    upserted: 4,
    removed: 1,
    stored: 40,
    cursor: 'Steady',
    attempts: 1,
    durationMs: 1234,
    startedAt: after(-50_000),
    finishedAt: DIED_AT,
    ...changes,
  });
}

describe('a pod that died without a word', () => {
  it.each<[string, Partial<ObservedPod>, Partial<ObservedJob>]>([
    ['JobOOMKilled', { terminatedReason: 'OOMKilled', exitCode: 137 }, {}],
    ['JobDied', { terminatedReason: 'Error', exitCode: 137 }, {}],
    ['JobDied', { terminatedReason: 'Error', exitCode: 1 }, {}],
    ['JobDied', {}, {}],
    ['ConfigurationInvalid', { terminatedReason: 'Error', exitCode: 64 }, {}],
    ['JobEvicted', { reason: 'Evicted' }, {}],
    ['JobEvicted', { disrupted: true, exitCode: 137 }, {}],
    ['JobDeadlineExceeded', { reason: 'DeadlineExceeded' }, {}],
    ['JobDeadlineExceeded', { exitCode: 137 }, { failureReason: 'DeadlineExceeded' }],
    ['JobImagePullFailed', { waitingReason: 'ImagePullBackOff' }, {}],
    ['JobNotStarted', { waitingReason: 'CreateContainerConfigError' }, {}],
    ['JobNotStarted', { terminatedReason: 'StartError', exitCode: 128 }, {}],
    ['JobDied', { exitCode: 75, terminationMessage: '{"status":"error"}' }, {}],
    // A reason that the API server would refuse is none of ours.
    ['JobDied', { exitCode: 75, terminationMessage: report({ status: 'error', error: nameless }) }, {}],
  ])('is told as %s: %j', (reason, pod, job) => {
    const scene = running({ ...dead, ...pod }, job);
    const plan = decide(scene);
    expect(reportIn(plan)).toMatchObject({
      phase: 'Error',
      lastSyncErrorAt: DIED_AT,
      consecutiveFailures: 1,
    });
    expect(reportIn(plan)?.lastSyncError).toMatch(new RegExp(`^${reason}: `));
    expect(plan.status).toMatchObject({ phase: 'Error', lastLostPod: 'pod-uid' });
    expect(told(plan, 'Ready')).toBe(`False ${reason}`);
    expect(eventNames(plan)).toEqual([
      `Warning ${reason === 'ConfigurationInvalid' ? 'SyncFailed' : reason}`,
    ]);
    expect(isIdle(decide(applied(scene, plan)))).toBe(true);
  });

  it.each([
    [137, 'SIGKILL'],
    [139, 'SIGSEGV'],
    [2, 'exit code 2'],
  ])('with %i is told by %s', (exitCode, words) => {
    expect(reportIn(decide(running({ ...dead, exitCode })))?.lastSyncError).toContain(words);
  });

  it('is told once, also when the operator is killed between its two writes', () => {
    const scene = running({ ...dead, exitCode: 1 });
    const plan = decide(scene);
    const again = decide(applied(scene, plan, 1));
    expect(reportIn(again)).toBeUndefined();
    expect(reportIn(decide(applied(scene, plan)))).toBeUndefined();
  });

  it('leaves a successor that runs already what the status shows', () => {
    const scene = withStatus(running({ ...dead, exitCode: 1 }), {
      lastAttemptAt: after(-500),
      lastJob: 'the-next',
    });
    expect(reportIn(decide(scene))).toMatchObject({
      phase: 'Syncing',
      lastJob: 'the-next',
      lastSyncError: expect.stringContaining('JobDied') as string,
    });
  });

  it.each([
    ['a later run went well', { phase: 'Connected', lastAttemptAt: after(-900), lastSyncedAt: after(-100) }],
    ['a later run was cut off', { phase: 'Connected', lastAttemptAt: after(-900), lastJob: 'the-next' }],
    ['it had told of itself before', { phase: 'Error', lastSyncErrorAt: after(-1200) }],
  ] as const)('is nothing new when %s', (_, status) => {
    expect(reportIn(decide(withStatus(running({ ...dead, exitCode: 1 }), status)))).toBeUndefined();
  });

  it('is followed by one that died after it', () => {
    const scene = settle(running({ ...dead, exitCode: 1 }));
    const second = podOf({ ...dead, uid: 'second', createdAt: after(-800), finishedAt: after(-200) });
    const plan = decide({ ...scene, pods: [...scene.pods, second] });
    expect(reportIn(plan)).toMatchObject({ lastSyncErrorAt: after(-200), consecutiveFailures: 2 });
    expect(plan.status?.lastLostPod).toBe('second');
  });

  it('of a cleanup is no failed sync', () => {
    expect(reportIn(decide(running({ ...dead, exitCode: 1 }, { trigger: null })))).toBeUndefined();
  });
});

describe('a pod with a report that its job could not write', () => {
  it.each([
    ['connected', 'Connected', 'True Succeeded', []],
    ['error', 'Error', 'False GraphThrottled', ['Warning SyncFailed']],
  ] as const)('that it is %s is told on its behalf', (how, phase, ready, events) => {
    const error = { code: 'GraphThrottled', message: 'Too many requests' };
    const terminationMessage = report({ status: how, ...(how === 'error' && { error }) });
    const scene = running({
      phase: how === 'error' ? 'Failed' : 'Succeeded',
      finishedAt: DIED_AT,
      terminationMessage,
    });
    const plan = decide(scene);
    expect(reportIn(plan)).toMatchObject({ phase, lastJob: jobOf().name });
    const [synced] = reportIn(plan)?.conditions?.filter(({ type }) => type === 'Synced') ?? [];
    expect(synced && `${synced.status} ${synced.reason}`).toBe(ready);
    expect(eventNames(plan)).toEqual(events);
    expect(isIdle(decide(applied(scene, plan)))).toBe(true);
  });

  it('that it goes well again is told on its behalf', () => {
    const terminationMessage = report();
    const ended = podOf({ phase: 'Succeeded', finishedAt: DIED_AT, terminationMessage });
    const failed = settle(
      withStatus(atRest(), failedStatus('GraphThrottled', { lastSyncErrorAt: after(-400_000) })),
    );
    const scene = changed(failed, { jobs: [jobOf({ phase: 'complete' })], pods: [ended] });
    const plan = decide(withStatus(scene, { phase: 'Syncing', lastAttemptAt: after(-50_000) }));
    expect(eventNames(plan)).toEqual(['Normal SyncRecovered']);
  });

  it('has its news of the subscription told on its behalf, once', () => {
    const push = {
      reason: 'SubscriptionFailed',
      message: 'Graph refused to create the subscription',
    } as const;
    const terminationMessage = report({ push });
    const scene = running({ phase: 'Succeeded', finishedAt: DIED_AT, terminationMessage });
    const plan = decide(scene);
    expect(plan.events).toEqual([
      { type: 'Warning', reason: push.reason, action: 'Subscribe', note: push.message },
    ]);
    expect(eventNames(decide(applied(scene, plan)))).toEqual([]);
    const conditions = reportIn(plan)?.conditions?.filter(({ type }) => type === 'PushSubscribed') ?? [];
    const knowing = withStatus(scene, { ...scene.provider.status, conditions });
    expect(reportIn(decide(knowing))).toBeDefined();
    expect(eventNames(decide(knowing))).toEqual([]);
  });

  it('that it was interrupted puts the phase back', () => {
    const terminationMessage = report({ status: 'interrupted' });
    const scene = running({ phase: 'Succeeded', finishedAt: DIED_AT, terminationMessage });
    expect(reportIn(decide(scene))).toMatchObject({ phase: 'Connected' });
  });

  it.each([
    ['it was written', report({ reported: true })],
    ['the run was skipped', report({ status: 'skipped' })],
    ['a later run has begun', report({ startedAt: after(-55_000) })],
  ])('is left alone when %s', (_, terminationMessage) => {
    const scene = running(
      { phase: 'Succeeded', finishedAt: DIED_AT, terminationMessage },
      { phase: 'complete' },
    );
    expect(reportIn(decide(scene))).toBeUndefined();
  });
});

describe('a Job whose pods are gone', () => {
  const gone = (job: Partial<ObservedJob>): Observed => ({ ...running({}, job), pods: [] });

  it('is told as not ended in time, after its deadline', () => {
    const scene = gone({ failureReason: 'DeadlineExceeded' });
    const plan = decide(scene);
    expect(reportIn(plan)?.lastSyncError).toMatch(/^JobDeadlineExceeded: /);
    expect(isIdle(decide(applied(scene, plan)))).toBe(true);
  });

  it('is told as never begun, for the reason that was seen while its pod waited', () => {
    const pods = [podOf({ phase: 'Pending', waitingReason: 'ErrImagePull' })];
    const waiting = settle(changed(atRest(), { jobs: [jobOf()], pods }));
    const jobs = [jobOf({ phase: 'failed', finishedAt: DIED_AT, failureReason: 'DeadlineExceeded' })];
    const plan = decide(withStatus({ ...waiting, jobs, pods: [] }, { lastSyncedAt: after(-300_000) }));
    expect(reportIn(plan)?.lastSyncError).toMatch(/^JobImagePullFailed: /);
  });

  it('is told once as not ended in time, though its pod was seen to die of that first', () => {
    const late = { failureReason: 'DeadlineExceeded' };
    const killed = { ...dead, terminatedReason: 'Error', exitCode: 137 };
    const jobs = [jobOf({ ...late, phase: 'active' })];
    const scene = withStatus(changed(atRest(), { jobs, pods: [podOf(killed)] }), {
      lastSyncedAt: after(-300_000),
      lastAttemptAt: after(-300_000),
    });
    const plan = decide(scene);
    expect(reportIn(plan)?.lastSyncError).toMatch(/^JobDeadlineExceeded: /);
    const failed = [jobOf({ ...late, phase: 'failed', finishedAt: after(-500) })];
    expect(actionsOf(decide({ ...applied(scene, plan), jobs: failed, pods: [] }), 'reportForJob')).toEqual(
      [],
    );
  });

  it('is told once, by its pod: not again when it is cleared away after it', () => {
    const failed = jobOf({ phase: 'failed', finishedAt: after(-500), failureReason: 'BackoffLimitExceeded' });
    const pod = podOf({ ...dead, terminatedReason: 'OOMKilled', exitCode: 137 });
    const scene = withStatus(changed(atRest(), { jobs: [failed], pods: [pod] }), {
      lastSyncedAt: after(-300_000),
      lastAttemptAt: after(-300_000),
    });
    const plan = decide(scene);
    expect(reportIn(plan)?.lastSyncError).toMatch(/^JobOOMKilled: /);
    expect(isIdle(decide({ ...applied(scene, plan), pods: [] }))).toBe(true);
  });

  it('is waited for while its pod has not ended', () => {
    const scene = running({ phase: 'Running' }, { failureReason: 'DeadlineExceeded' });
    expect(reportIn(decide(scene))).toBeUndefined();
  });
});

describe('a run of which nothing is to be seen', () => {
  const lonely = (): Observed => ({ ...running({}), jobs: [], pods: [] });

  it('is believed in until its deadline, and looked at then', () => {
    const plan = decide(lonely());
    expect(reportIn(plan)).toBeUndefined();
    expect(plan.requeueAfterMs).toBe(300_000);
    const later = { ...lonely(), now: new Date(Date.parse(after(-50_000)) + 989_000) };
    expect(decide(settle(later)).requeueAfterMs).toBe(1000);
  });

  it('is given up after it', () => {
    const late = { ...lonely(), now: new Date(Date.parse(after(-50_000)) + 990_000) };
    expect(reportIn(decide(late))).toMatchObject({ phase: 'Error' });
    expect(isIdle(decide(applied(late, decide(late))))).toBe(true);
  });
});
