// Which Jobs are started beside the schedule.
import { describe, expect, it } from 'vitest';
import type { ProviderStatus } from '../../../../api/providerStatus.ts';
import { decide } from '../../../../operator/plan/decide.ts';
import type { Observed } from '../../../../operator/plan/observed.ts';
import {
  actionsOf,
  atRest,
  changed,
  connectedStatus,
  eventNames,
  failedStatus,
  fresh,
  isIdle,
  jobOf,
  secret,
  settle,
  specOf,
  triggersOf,
  withStatus,
} from './scene.ts';
import { applied } from './world.ts';

const asked = (value: string) => ({ 'outlooksync.dev/sync-requested-at': value });
const askedAnew = (value: string) => ({ 'outlooksync.dev/resync-requested-at': value });
const notifiedAt = (at: string): ProviderStatus => ({ syncRequestedAt: at });
const ended = (scene: Observed): Observed => ({
  ...scene,
  jobs: scene.jobs.map((job) => ({ ...job, phase: 'complete' as const })),
});
const namesIn = (scene: Observed) =>
  actionsOf(decide(scene), 'createJob').map(({ manifest }) => manifest.metadata.name);

describe('the first sync', () => {
  it('is started at once, and once', () => {
    const plan = decide(fresh());
    expect(triggersOf(plan)).toEqual(['backfill']);
    expect(triggersOf(decide(applied(fresh(), plan)))).toEqual([]);
  });

  it('has the same name when the operator starts anew before it has seen it', () => {
    expect(namesIn(fresh())).toEqual(namesIn(fresh()));
  });

  it('waits for room', () => {
    const plan = decide(fresh({ mayBackfill: false }));
    expect([triggersOf(plan), plan.awaitsBackfill]).toEqual([[], true]);
  });

  it('is not repeated beside the schedule when its Job failed', () => {
    const scene = settle(fresh());
    const jobs = scene.jobs.map((job) => ({ ...job, phase: 'failed' as const }));
    expect(triggersOf(decide({ ...scene, jobs }))).toEqual([]);
  });
});

describe('a backfill', () => {
  const paging = withStatus(atRest(), { cursor: 'Paging' });

  it.each(['Bootstrapping', 'Paging'] as const)('goes on while the cursor is %s', (cursor) => {
    expect(triggersOf(decide(withStatus(atRest(), { cursor })))).toEqual(['backfill']);
  });

  it('ends when the mailbox is all there', () => {
    expect(triggersOf(decide(atRest()))).toEqual([]);
  });

  it('waits for the run under way, and for room', () => {
    expect(triggersOf(decide({ ...paging, jobs: [jobOf()] }))).toEqual([]);
    const plan = decide({ ...paging, mayBackfill: false });
    expect([triggersOf(plan), plan.awaitsBackfill]).toEqual([[], true]);
  });

  it('leaves it to the schedule to try again after a failed run', () => {
    expect(triggersOf(decide(withStatus(paging, failedStatus('GraphThrottled'))))).toEqual([]);
  });

  it('makes one Job for each that had more to read', () => {
    const [first] = namesIn(paging);
    const running = applied(paging, decide(paging));
    expect(namesIn(ended(running))).toEqual([]);
    expect(namesIn(withStatus(ended(running), { lastJob: first ?? '' }))).not.toEqual([first]);
  });
});

describe('a request', () => {
  it.each([
    ['a person', changed(atRest(), { provider: { annotations: asked('1') } }), 'manual'],
    ['a notification', withStatus(atRest(), notifiedAt('2026-11-25T11:59:00Z')), 'push'],
    ['a person, to walk anew', changed(atRest(), { provider: { annotations: askedAnew('1') } }), 'resync'],
    [
      'both a person and a notification',
      withStatus(
        changed(atRest(), { provider: { annotations: asked('1') } }),
        notifiedAt('2026-11-25T11:59:00Z'),
      ),
      'manual',
    ],
  ])('of %s starts one Job', (_, scene, trigger) => {
    expect(triggersOf(decide(scene))).toEqual([trigger]);
    expect(triggersOf(decide(applied(scene, decide(scene))))).toEqual([]);
    expect(triggersOf(decide(ended(applied(scene, decide(scene)))))).toEqual([]);
  });

  it('is not what it was before, whatever else is taken away', () => {
    const annotations = asked('1');
    const both = withStatus(
      changed(atRest(), { provider: { annotations } }),
      notifiedAt('2026-11-25T11:59:00Z'),
    );
    const done = ended(settle(both));
    expect(isIdle(decide(changed(done, { provider: { annotations: {} } })))).toBe(true);
    expect(triggersOf(decide(changed(done, { provider: { annotations: asked('2') } })))).toEqual(['manual']);
    expect(triggersOf(decide(withStatus(done, notifiedAt('2026-11-25T11:59:30Z'))))).toEqual(['push']);
  });

  it.each([asked, askedAnew])('that has the value of an earlier one is another %#', (request) => {
    const ask = (scene: Observed, value: string) =>
      ended(settle(changed(scene, { provider: { annotations: request(value) } })));
    const third = changed(ask(ask(atRest(), 'A'), 'B'), { provider: { annotations: request('A') } });
    expect(triggersOf(decide(third))).toHaveLength(1);
  });

  it('waits for the run under way, and is served right after it', () => {
    const busy = changed(atRest({ jobs: [jobOf()] }), { provider: { annotations: asked('1') } });
    expect(isIdle(decide(busy))).toBe(true);
    expect(triggersOf(decide(ended(busy)))).toEqual(['manual']);
  });

  it('is known to be served by its Job, when the operator was killed before it could say so', () => {
    const scene = changed(atRest(), { provider: { annotations: asked('1') } });
    const plan = decide(scene);
    const killed = applied(scene, plan, plan.actions.length);
    expect(killed.provider.status.lastHandledSyncRequest).toBeUndefined();
    const again = decide(ended(killed));
    expect(triggersOf(again)).toEqual([]);
    expect(again.status?.lastHandledSyncRequest).toBe('1');
  });

  it('that came after the Job of another was made is served after that Job', () => {
    const scene = changed(atRest(), { provider: { annotations: askedAnew('1') } });
    const killed = applied(scene, decide(scene), 1);
    const annotations = { ...askedAnew('1'), ...asked('2') };
    const later = settle(changed(killed, { provider: { annotations } }));
    expect(later.provider.status).toMatchObject({ lastHandledResyncRequest: '1' });
    expect(triggersOf(decide(ended(later)))).toEqual(['manual']);
  });

  it('to walk anew serves one to sync, and not the other way round', () => {
    const annotations = { ...asked('1'), ...askedAnew('2') };
    const plan = decide(changed(atRest(), { provider: { annotations } }));
    expect(triggersOf(plan)).toEqual(['resync']);
    expect(plan.status).toMatchObject({ lastHandledSyncRequest: '1', lastHandledResyncRequest: '2' });
  });

  it('needs no room under the cap of backfills', () => {
    const scene = changed(fresh({ mayBackfill: false }), { provider: { annotations: asked('1') } });
    expect(triggersOf(decide(scene))).toEqual(['manual']);
  });

  const blocked: [string, Observed][] = [
    ['suspended', atRest({ provider: { spec: specOf({ suspend: true }) } })],
    ['a duplicate', atRest({ duplicateOf: 'bert' })],
    ['without its Secret', atRest({ credentialsSecret: null })],
    ['without a grant', atRest({ provider: { status: failedStatus('ReauthorizationRequired') } })],
  ];
  it.each(blocked)('of a person waits while the provider is %s', (_, scene) => {
    expect(isIdle(decide(changed(scene, { provider: { annotations: asked('1') } })))).toBe(true);
  });

  it.each(blocked)('of a notification is done with while the provider is %s', (_, scene) => {
    const plan = decide(withStatus(scene, notifiedAt('2026-11-25T11:59:00Z')));
    expect(triggersOf(plan)).toEqual([]);
    expect(plan.status?.lastHandledSyncRequest).toBe('2026-11-25T11:59:00Z');
  });

  it('of a person is served when the provider goes on', () => {
    const scene = atRest({ provider: { spec: specOf({ suspend: true }), annotations: asked('1') } });
    const resumed = changed(scene, { provider: { spec: specOf(), generation: 2 } });
    expect(triggersOf(decide(resumed))).toEqual(['manual']);
    expect(eventNames(decide(resumed))).toContain('Normal Resumed');
  });
});

describe('a dead grant', () => {
  const dead = atRest({ provider: { status: failedStatus('ReauthorizationRequired') } });

  it('suspends the schedule', () => {
    expect(JSON.parse(dead.cronJob?.specJson ?? '{}')).toHaveProperty('suspend', true);
    expect(dead.provider.status.nextSyncAt).toBeUndefined();
  });

  it.each([
    ['the Secret', changed(dead, { credentialsSecret: secret('2') })],
    ['the spec', changed(dead, { provider: { generation: 2 } })],
  ])('is tried again at once, and once, when %s changes', (_, scene) => {
    const plan = decide(scene);
    expect(triggersOf(plan)).toEqual(['manual']);
    const manifest = actionsOf(plan, 'applyCronJob')[0]?.manifest;
    expect(manifest?.['spec']).toHaveProperty('suspend', false);
    expect(triggersOf(decide(ended(applied(scene, plan))))).toEqual([]);
  });

  it('is not held against a new grant while that is tried, nor when the try is cut off', () => {
    const scene = settle(changed(dead, { credentialsSecret: secret('2') }));
    for (const phase of ['Syncing', 'Error'] as const) {
      const state = withStatus(scene, { phase });
      expect(isIdle(decide(state))).toBe(true);
      expect(JSON.parse(state.cronJob?.specJson ?? '{}')).toHaveProperty('suspend', false);
    }
  });

  it('suspends the schedule again when the new grant is dead too', () => {
    const scene = ended(settle(changed(dead, { credentialsSecret: secret('2') })));
    const again = settle(
      withStatus(scene, failedStatus('ReauthorizationRequired', { credentialsVersion: 'secret-uid/2' })),
    );
    expect(JSON.parse(again.cronJob?.specJson ?? '{}')).toHaveProperty('suspend', true);
  });

  it('is no dead grant when a run failed for another reason since', () => {
    const status = failedStatus('ReauthorizationRequired');
    const [synced, credentials] = status.conditions ?? [];
    const conditions = [{ ...synced, reason: 'GraphThrottled' }, credentials] as ProviderStatus['conditions'];
    const scene = atRest({ provider: { status: { ...status, conditions } } });
    expect(JSON.parse(scene.cronJob?.specJson ?? '{}')).toHaveProperty('suspend', false);
  });
});

it('a failure that a person has to mend is tried again at once when the spec changes', () => {
  const scene = atRest({ provider: { status: failedStatus('MailboxNotFound') } });
  expect(triggersOf(decide(scene))).toEqual([]);
  expect(triggersOf(decide(changed(scene, { provider: { generation: 2 } })))).toEqual(['manual']);
});

it('a provider at rest has nothing to do', () => {
  expect(isIdle(decide(atRest({ provider: { status: connectedStatus } })))).toBe(true);
});
