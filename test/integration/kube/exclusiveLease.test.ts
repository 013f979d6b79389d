import { describe, expect, it, onTestFinished } from 'vitest';
import {
  acquireExclusive,
  type ExclusiveLease,
  type ExclusiveLeaseOptions,
} from '../../../kube/exclusiveLease.ts';
import { type Lease, leases } from '../../../kube/leaseRecord.ts';
import { ManualClock } from '../../harness/apiServer/manualClock.ts';
import { openStage, type Stage } from './stage.ts';

const place = { namespace: 'default', name: 'guard' };

interface Scene extends Stage {
  readonly clock: ManualClock;
  readonly ask: (
    identity: string,
    more?: Partial<ExclusiveLeaseOptions>,
  ) => ReturnType<typeof acquireExclusive>;
  readonly take: (identity: string, more?: Partial<ExclusiveLeaseOptions>) => Promise<ExclusiveLease>;
  readonly spec: () => Promise<NonNullable<Lease['spec']>>;
  readonly put: (spec: Lease['spec']) => void;
  /** Another holder gives a sign of life. */
  readonly renewAs: (identity: string) => Promise<unknown>;
  /** Lets the next timer be due that comes within a second. */
  readonly tick: () => Promise<void>;
}

async function openScene(): Promise<Scene> {
  const stage = await openStage();
  const { client, server } = stage;
  const clock = new ManualClock();
  const { signal } = new AbortController();
  const ask: Scene['ask'] = (identity, more = {}) =>
    acquireExclusive({ client, ...place, identity, durationSeconds: 30, signal, clock, ...more });
  return {
    ...stage,
    clock,
    ask,
    take: async (identity, more) => {
      const outcome = await ask(identity, more);
      if (!outcome.acquired) throw new Error(`Held by ${outcome.holder}`);
      onTestFinished(() => outcome.lease.release());
      return outcome.lease;
    },
    spec: async () => (await client.get(leases, place)).spec ?? {},
    put: (spec) => {
      const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: place };
      server.put(spec === undefined ? lease : { ...lease, ...{ spec } }, 'leases');
    },
    renewAs: (holderIdentity) =>
      client.mergePatch(leases, place, {
        spec: { holderIdentity, renewTime: '2026-01-01T00:00:00.000001Z' },
      }),
    tick: async () => {
      await clock.timerWithin(1_000);
      clock.advance(1_000);
    },
  };
}

const held = { holderIdentity: 'other', leaseDurationSeconds: 5, leaseTransitions: 3 };
const puts = ({ server }: Stage): number => server.requests.filter(({ method }) => method === 'PUT').length;

describe('an exclusive Lease', () => {
  it.each([
    ['that nobody has held yet', undefined, 1],
    ['that was released', { ...held, holderIdentity: '' }, 4],
    ['that we hold already, after an answer that was lost', { ...held, holderIdentity: 'us' }, 3],
  ])('%s is taken at once', async (_name, spec, epoch) => {
    const scene = await openScene();
    scene.put(spec);
    const lease = await scene.take('us');
    expect([lease.epoch, lease.identity, lease.held()]).toEqual([epoch, 'us', true]);
    expect(lease.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(await scene.spec()).toMatchObject({
      holderIdentity: 'us',
      leaseDurationSeconds: 30,
      leaseTransitions: epoch,
    });
  });

  it('that is missing is created, with its owner', async () => {
    const scene = await openScene();
    const ownerReference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'u' };
    const lease = await scene.take('us', { ownerReference });
    expect(lease.epoch).toBe(1);
    const { metadata } = await scene.client.get(leases, place);
    expect(metadata.ownerReferences).toEqual([ownerReference]);
  });

  it('that may not be read or created is an error that says so', async () => {
    const scene = await openScene();
    scene.server.fault({ method: 'POST', status: 403 });
    await expect(scene.ask('us')).rejects.toMatchObject({ kind: 'forbidden' });
  });

  it('whose holder shows a sign of life is not acquired', async () => {
    const scene = await openScene();
    scene.put(held);
    const asked = scene.ask('us');
    await scene.clock.timerWithin(1_000);
    await scene.renewAs('other');
    await scene.tick();
    expect(await asked).toEqual({ acquired: false, holder: 'other' });
    expect(puts(scene)).toBe(0);
  });

  it('whose holder is silent is taken over after the duration that the holder promised, and no sooner', async () => {
    const scene = await openScene();
    scene.put({ ...held, renewTime: '2020-01-01T00:00:00.000000Z' });
    const asked = scene.take('us');
    for (let second = 1; second <= 5; second += 1) {
      await scene.clock.timerWithin(1_000);
      expect(puts(scene)).toBe(0);
      scene.clock.advance(1_000);
    }
    const lease = await asked;
    expect(lease.epoch).toBe(4);
  });

  it('that a label is put on is not renewed thereby', async () => {
    const scene = await openScene();
    scene.put(held);
    const asked = scene.ask('us');
    await scene.clock.timerWithin(1_000);
    await scene.client.mergePatch(leases, place, { metadata: { labels: { touched: 'yes' } } });
    for (let second = 1; second <= 5; second += 1) await scene.tick();
    const outcome = await asked;
    if (outcome.acquired) onTestFinished(() => outcome.lease.release());
    expect(outcome.acquired).toBe(true);
  });

  it('that two want at once goes to one, who is named to the other', async () => {
    const scene = await openScene();
    scene.put(undefined);
    const asked = [scene.ask('one'), scene.ask('two')];
    const first = await Promise.race(asked);
    if (!first.acquired) throw new Error('Nobody had it');
    onTestFinished(() => first.lease.release());
    const holder = first.lease.identity;
    await scene.clock.timerWithin(1_000);
    await scene.renewAs(holder);
    await scene.tick();
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter(({ acquired }) => acquired)).toHaveLength(1);
    expect(outcomes).toContainEqual({ acquired: false, holder });
  });

  it('is waited for no longer than the caller wants', async () => {
    const scene = await openScene();
    scene.put(held);
    const controller = new AbortController();
    const asked = scene.ask('us', { signal: controller.signal });
    await scene.clock.timerWithin(1_000);
    controller.abort(new Error('Stopped'));
    await expect(asked).rejects.toThrow('Stopped');
  });

  it('is watched through failures of the server, three in a row at most', async () => {
    const scene = await openScene();
    scene.put({ ...held, leaseDurationSeconds: 10 });
    scene.server.fault({ method: 'GET', status: 500, times: 2 });
    const asked = scene.take('us');
    // Two failures, and then ten seconds of silence.
    for (let second = 1; second <= 12; second += 1) await scene.tick();
    await asked;
    const other = await openScene();
    other.server.fault({ method: 'GET', status: 500, times: 3 });
    const failing = other.ask('us');
    const failed = expect(failing).rejects.toMatchObject({ kind: 'server' });
    await other.tick();
    await other.tick();
    await failed;
  });

  it('is renewed at a third of its duration, and free for the next at once when it is released', async () => {
    const scene = await openScene();
    const lease = await scene.take('us');
    await scene.clock.timerWithin(10_000);
    expect(scene.clock.pending()).toEqual([10_000]);
    for (let third = 0; third < 6; third += 1) {
      await scene.clock.timerWithin(10_000);
      scene.clock.advance(10_000);
      await scene.server.until(() => puts(scene) === third + 1);
    }
    await scene.clock.timerWithin(10_000);
    expect(lease.held()).toBe(true);
    await lease.release();
    expect(lease.held()).toBe(false);
    expect(await scene.spec()).toMatchObject({
      holderIdentity: '',
      leaseDurationSeconds: 1,
      leaseTransitions: 1,
    });
    expect((await scene.take('next')).epoch).toBe(2);
  });

  it('is lost when it cannot be renewed in time, and not held from then on', async () => {
    const scene = await openScene();
    const lease = await scene.take('us');
    const lost = Promise.withResolvers<undefined>();
    lease.onLost(() => lost.resolve(undefined));
    scene.server.fault({ path: 'leases', status: 500, times: 1_000 });
    await scene.clock.timerWithin(10_000);
    scene.clock.advance(29_999);
    expect(lease.held()).toBe(true);
    scene.clock.advance(1);
    expect(lease.held()).toBe(false);
    await lost.promise;
    let isTold = false;
    lease.onLost(() => {
      isTold = true;
    });
    expect(isTold).toBe(true);
    scene.server.clearFaults();
    await lease.release();
    expect(await scene.spec()).toMatchObject({ holderIdentity: 'us' });
  });

  it.each(['taken by another', 'deleted', 'deleted and made anew'])('is lost when it was %s', async (how) => {
    const scene = await openScene();
    const lease = await scene.take('us');
    const lost = Promise.withResolvers<undefined>();
    lease.onLost(() => lost.resolve(undefined));
    if (how === 'taken by another') await scene.renewAs('other');
    else await scene.client.delete(leases, place);
    if (how === 'deleted and made anew') scene.put({ ...held, holderIdentity: 'us', leaseTransitions: 1 });
    await scene.clock.timerWithin(10_000);
    scene.clock.advance(10_000);
    await lost.promise;
    expect(lease.held()).toBe(false);
  });

  it('stays ours through a conflict, a lost answer and a broken connection', async () => {
    const scene = await openScene();
    const lease = await scene.take('us');
    await scene.client.mergePatch(leases, place, { metadata: { labels: { touched: 'yes' } } });
    scene.server.fault({ method: 'PUT', resetAfter: true });
    let renewed = 0;
    while (renewed < 2) {
      await scene.clock.timerWithin(10_000);
      scene.clock.advance(Math.min(...scene.clock.pending()));
      renewed = scene.server.requests.filter(
        ({ method, status }) => method === 'PUT' && status === 200,
      ).length;
    }
    expect(lease.held()).toBe(true);
    expect(await scene.spec()).toMatchObject({ holderIdentity: 'us', leaseTransitions: 1 });
  });

  it('that cannot be released expires: nothing is thrown', async () => {
    const scene = await openScene();
    const lease = await scene.take('us');
    scene.server.fault({ method: 'PUT', status: 500 });
    await lease.release();
    await lease.release();
    expect(await scene.spec()).toMatchObject({ holderIdentity: 'us' });
  });
});
