// What a provider's status and Events say, from its first moment on.
import { describe, expect, it } from 'vitest';
import { decide, decideRefused } from '../../../../operator/plan/decide.ts';
import type { Observed } from '../../../../operator/plan/observed.ts';
import {
  actionsOf,
  after,
  atRest,
  changed,
  connectedStatus,
  eventNames,
  failedStatus,
  fresh,
  isIdle,
  jobOf,
  minutes,
  podOf,
  settle,
  specOf,
  standing,
  told,
  withStatus,
} from './scene.ts';

const all = (observed: Observed) =>
  ['Ready', 'Scheduled', 'Reconciling', 'Stalled'].map((type) => standing(observed, type));

describe('a provider', () => {
  it('that is new is scheduled, on its way and not yet ready', () => {
    const scene = settle(fresh());
    expect(all(scene)).toEqual(['Unknown Progressing', 'True Scheduled', 'True Progressing', undefined]);
    expect(scene.provider.status).toMatchObject({ phase: 'Pending', observedGeneration: 1 });
    expect(eventNames(decide(fresh()))).toEqual([]);
  });

  it('that waits for room says so', () => {
    const scene = settle(fresh({ mayBackfill: false }));
    expect(all(scene).slice(0, 3)).toEqual([
      'Unknown AwaitingFirstSync',
      'True Scheduled',
      'True AwaitingFirstSync',
    ]);
  });

  it('that has synced is ready, and nothing else', () => {
    expect(all(atRest())).toEqual(['True Succeeded', 'True Scheduled', undefined, undefined]);
  });

  it('says nothing again while nothing changes, but that the spec is another', () => {
    const plan = decide(changed(atRest(), { provider: { generation: 2 } }));
    expect(plan.status?.conditions?.map(({ observedGeneration }) => observedGeneration)).toEqual([2, 2]);
    expect(plan.status?.observedGeneration).toBe(2);
    expect(plan.events).toEqual([]);
  });

  it('keeps the time at which a condition changed', () => {
    const later = { ...atRest(), now: new Date(minutes(2)) };
    const plan = decide(changed(later, { provider: { generation: 2 } }));
    expect(plan.status?.conditions?.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([
      after(0),
      after(0),
    ]);
  });

  it.each([
    ['GraphThrottled', [], undefined],
    ['InternalError', [], undefined],
    ['OwnershipMismatch', [], 'True OwnershipMismatch'],
    ['TokenUnreadable', [], 'True TokenUnreadable'],
    ['ClientCredentialsInvalid', [], 'True ClientCredentialsInvalid'],
    ['ReauthorizationRequired', ['Warning ReauthorizationRequired'], 'True ReauthorizationRequired'],
  ])('whose job tells that it failed with %s tells only what follows', (code, events, stalled) => {
    const before = atRest();
    const plan = decide(withStatus(before, failedStatus(code)));
    expect(told(plan, 'Ready')).toBe(`False ${code}`);
    expect(told(plan, 'Stalled')).toBe(stalled);
    expect(eventNames(plan)).toEqual(events);
    const again = withStatus(settle(withStatus(before, failedStatus(code))), {
      lastSyncErrorAt: after(-1000),
    });
    expect(eventNames(decide(again))).toEqual([]);
  });

  it('leaves it to its job to tell that it goes well again', () => {
    const plan = decide(
      withStatus(settle(withStatus(atRest(), failedStatus('GraphThrottled'))), connectedStatus),
    );
    expect(told(plan, 'Ready')).toBe('True Succeeded');
    expect(eventNames(plan)).toEqual([]);
  });

  it.each([
    ['went well', {}, 'True Succeeded'],
    ['failed', failedStatus('GraphThrottled'), 'False GraphThrottled'],
    ['had a dead grant', failedStatus('ReauthorizationRequired'), 'False ReauthorizationRequired'],
  ])('whose last run %s is still known to have, when somebody wipes the conditions', (_, status, ready) => {
    const scene = withStatus(atRest(), status);
    const { conditions: _1, ...rest } = settle(scene).provider.status;
    const wiped = settle(changed(settle(scene), { provider: { status: { ...rest, conditions: [] } } }));
    expect(standing(wiped, 'Ready')).toBe(ready);
    expect(wiped.cronJob).toEqual(settle(scene).cronJob);
  });

  it('whose failure was mended is on its way', () => {
    const scene = atRest({ provider: { status: failedStatus('MailboxNotFound') } });
    const mended = settle(changed(scene, { provider: { generation: 2 } }));
    expect(all(mended)).toEqual(['False MailboxNotFound', 'True Scheduled', 'True Progressing', undefined]);
  });

  it('shows errors bounded and on one line', () => {
    const lastSyncError = `GraphThrottled: ${'x\n'.repeat(5000)}`;
    const plan = decide(withStatus(atRest(), failedStatus('GraphThrottled', { lastSyncError })));
    const message = plan.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
    expect(message.length).toBeLessThanOrEqual(500);
    expect(message).not.toContain('\n');
    for (const { note } of plan.events) expect(note.length).toBeLessThanOrEqual(1000);
  });
});

describe('a provider that cannot be synced', () => {
  it.each<[string, Partial<Observed>, string, boolean]>([
    ['without its own Secret', { credentialsSecret: null }, 'False SecretNotFound', false],
    ['without the Secret of all jobs', { jobSecret: null }, 'False SecretNotFound', false],
    ['of the same mailbox as an older one', { duplicateOf: 'bert' }, 'False DuplicateProvider', true],
  ])('%s says so and has its schedule suspended', (_, parts, ready, stalls) => {
    const before = atRest();
    const plan = decide(changed(before, parts));
    expect(told(plan, 'Ready')).toBe(ready);
    expect(told(plan, 'Scheduled')).toBe(ready);
    expect(told(plan, 'Stalled')).toBe(stalls ? ready.replace('False', 'True') : undefined);
    expect(actionsOf(plan, 'applyCronJob')[0]?.manifest['spec']).toHaveProperty('suspend', true);
    expect(eventNames(plan)).toEqual([`Warning ${ready.replace('False ', '')}`]);
    expect(plan.status?.nextSyncAt).toBeUndefined();
    const back = decide(changed(settle(changed(before, parts)), { ...before, provider: {} }));
    expect(isIdle(back)).toBe(false);
  });

  it('names the Secrets that are missing', () => {
    const plan = decide(fresh({ credentialsSecret: null, jobSecret: null }));
    const message = plan.status?.conditions?.[0]?.message;
    expect(message).toBe(
      'The Secret outlook-sync and the Secret anna-outlook do not exist in this namespace',
    );
    expect(actionsOf(plan, 'createJob')).toEqual([]);
  });

  it('as a duplicate makes nothing', () => {
    expect(decide(fresh({ duplicateOf: 'bert' })).actions).toEqual([]);
  });

  it.each(['cronJob', 'lease'] as const)('since the name of its %s is taken makes nothing', (what) => {
    const { cronJob } = atRest();
    const foreign = {
      ...cronJob,
      uid: 'x',
      resourceVersion: '1',
      controllerUid: null,
    } as Observed['cronJob'];
    const plan = decide(fresh({ [what]: foreign }));
    expect(plan.actions).toEqual([]);
    expect(told(plan, 'Ready')).toBe('False NameConflict');
    expect(told(plan, 'Stalled')).toBe('True NameConflict');
    expect(eventNames(plan)).toEqual(['Warning NameConflict']);
    expect(plan.requeueAfterMs).toBe(60_000);
  });

  it('takes back a CronJob and a Lease that bear its name and have lost their owner', () => {
    const { cronJob, lease } = atRest();
    if (cronJob === null || lease === null) throw new Error('Not at rest');
    const orphan = { controllerUid: null, orphanOf: 'anna' };
    const plan = decide(
      changed(atRest(), { cronJob: { ...cronJob, ...orphan }, lease: { ...lease, ...orphan } }),
    );
    expect(plan.actions.map(({ kind }) => kind)).toEqual(['applyCronJob']);
    expect(told(plan, 'Ready') ?? 'True Succeeded').toBe('True Succeeded');
    const others = { ...cronJob, ...orphan, orphanOf: 'bert' };
    expect(told(decide(changed(atRest(), { cronJob: others })), 'Ready')).toBe('False NameConflict');
  });

  it('since its spec is unreadable leaves what runs as it is', () => {
    const problems = ['spec.schedule: expected string'];
    const plan = decide(changed(atRest(), { provider: { spec: null, problems } }));
    expect(plan.actions).toEqual([]);
    expect(told(plan, 'Stalled')).toBe('True InvalidSpec');
    expect(plan.status?.conditions?.[0]?.message).toContain('spec.schedule');
    expect(plan.status?.nextSyncAt).toBe(atRest().provider.status.nextSyncAt);
  });

  it.each([
    ['ScheduleRefused', 'True ScheduleRefused'],
    ['AccessMissing', undefined],
  ] as const)('since the API server refused it says %s, once', (reason, stalled) => {
    const message = 'CronJob is invalid';
    const first = decideRefused(fresh(), { reason, message });
    const plan = { ...decide(fresh()), ...first };
    expect(told(plan, 'Ready')).toBe(`False ${reason}`);
    expect(told(plan, 'Stalled')).toBe(stalled);
    expect(eventNames(plan)).toEqual([`Warning ${reason}`]);
    const refused = changed(fresh(), { provider: { status: first.status ?? {} } });
    expect(decideRefused(refused, { reason, message })).toEqual({ status: null, events: [] });
  });
});

describe('a suspended provider', () => {
  const suspended = changed(atRest(), { provider: { spec: specOf({ suspend: true }), generation: 2 } });

  it('says so, and so does its CronJob', () => {
    const plan = decide(suspended);
    expect(plan.status?.phase).toBe('Suspended');
    expect(told(plan, 'Ready')).toBe('False Suspended');
    expect(told(plan, 'Stalled')).toBeUndefined();
    expect(eventNames(plan)).toEqual(['Normal Suspended']);
  });

  it('lets the run under way end', () => {
    const busy = withStatus({ ...suspended, jobs: [jobOf()] }, { phase: 'Syncing' });
    expect(decide(busy).status?.phase).toBe('Syncing');
    expect(actionsOf(decide(busy), 'deleteJob')).toEqual([]);
    expect(decide(withStatus(settle(busy), { phase: 'Connected' })).status?.phase).toBe('Suspended');
  });

  it('goes on where it was', () => {
    const plan = decide(changed(settle(suspended), { provider: { spec: specOf(), generation: 3 } }));
    expect(plan.status?.phase).toBe('Connected');
    expect(told(plan, 'Ready')).toBe('True Succeeded');
    expect(eventNames(plan)).toEqual(['Normal Resumed']);
  });
});

describe('a pod that waits', () => {
  const waits = (waitingReason: string, waitingMessage: string | null = null): Partial<Observed> => ({
    jobs: [jobOf()],
    pods: [podOf({ phase: 'Pending', waitingReason, waitingMessage })],
  });
  const keyMissing = waits(
    'CreateContainerConfigError',
    "couldn't find key refreshToken in Secret mail/anna-outlook",
  );

  it.each<[string, Partial<Observed>]>([
    ['False JobImagePullFailed', waits('ImagePullBackOff')],
    ['False JobImagePullFailed', waits('ErrImagePull')],
    ['False SecretKeyMissing', keyMissing],
    ['False SecretNotFound', waits('CreateContainerConfigError', 'secret "anna-outlook" not found')],
    ['False JobNotStarted', waits('CreateContainerConfigError', 'container has runAsNonRoot')],
    ['Unknown Progressing', waits('ContainerCreating')],
    // A node that is busy says so for a second or two, and goes on by itself.
    ['Unknown Progressing', waits('CreateContainerConfigError', 'failed to sync secret cache: timed out')],
  ])('before the first sync is told as %s', (ready, parts) => {
    expect(told(decide(changed(settle(fresh()), parts)), 'Ready') ?? 'Unknown Progressing').toBe(ready);
  });

  it('for its image leaves what is there ready; for a key it does not', () => {
    const pulling = settle(changed(atRest(), waits('ErrImagePull')));
    expect(all(pulling)).toEqual(['True Succeeded', 'True Scheduled', 'True JobImagePullFailed', undefined]);
    expect(told(decide(changed(atRest(), keyMissing)), 'Ready')).toBe('False SecretKeyMissing');
  });

  it('is told once, though the node’s agent alternates between two words', () => {
    const before = settle(changed(settle(fresh()), waits('ErrImagePull', 'rpc error: not found')));
    expect(isIdle(decide(changed(before, waits('ImagePullBackOff', 'Back-off pulling'))))).toBe(true);
  });
});
