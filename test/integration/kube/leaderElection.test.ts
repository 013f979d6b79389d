import { describe, expect, it, onTestFinished } from 'vitest';
import { LeaderElector, type LeaderElectorOptions } from '../../../kube/leaderElection.ts';
import { type Lease, leases } from '../../../kube/leaseRecord.ts';
import type { StoredObject } from '../../harness/apiServer/objectStore.ts';
import { openStage, type Stage } from './stage.ts';

const place = { namespace: 'default', name: 'leader' };

interface Candidate {
  readonly elector: LeaderElector;
  /** Resolves when it leads for the n-th time, to the signal of that time. */
  readonly leading: (n?: number) => Promise<AbortSignal>;
  readonly stop: () => Promise<void>;
}

/** Renewed often, and lost only by those who are to lose it. */
const quick = { leaseDurationMs: 30_000, renewDeadlineMs: 20_000, retryPeriodMs: 20 };
const brief = { leaseDurationMs: 1_000, renewDeadlineMs: 700 };

function stand(
  stage: Stage,
  identity: string,
  options: Partial<LeaderElectorOptions> & { lingers?: boolean } = {},
): Candidate {
  const { lingers = false, ...rest } = options;
  const elector = new LeaderElector({ client: stage.client, ...place, identity, ...quick, ...rest });
  const controller = new AbortController();
  const times: PromiseWithResolvers<AbortSignal>[] = [];
  const time = (n: number): PromiseWithResolvers<AbortSignal> => (times[n] ??= Promise.withResolvers());
  const finished = Promise.withResolvers<undefined>();
  let count = 0;
  const running = elector.run(controller.signal, async (signal) => {
    time(count).resolve(signal);
    count += 1;
    await aborted(signal);
    if (lingers) await finished.promise;
  });
  const stop = async (): Promise<void> => {
    controller.abort();
    finished.resolve(undefined);
    await running;
  };
  onTestFinished(stop);
  return {
    elector,
    leading: (n = 1) => time(n - 1).promise,
    stop,
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function leaseOf({ server }: Stage): StoredObject & Lease {
  const lease = server.store.find('coordination.k8s.io/v1/leases', place.namespace, place.name);
  if (lease === undefined) throw new Error('There is no Lease');
  return lease;
}

describe('a leader election', () => {
  it('creates the Lease and leads, with times that the API server takes', async () => {
    const stage = await openStage();
    const one = stand(stage, 'one');
    await one.leading();
    expect(one.elector.isLeader()).toBe(true);
    const { holderIdentity, renewTime } = leaseOf(stage).spec ?? {};
    expect(holderIdentity).toBe('one');
    expect(renewTime).toMatch(/\.\d{6}Z$/);
    expect(stage.server.requests.every(({ status }) => status < 400 || status === 404)).toBe(true);
  });

  it('has one leader among many who stand at the same time', async () => {
    const stage = await openStage();
    const all = ['one', 'two', 'three'].map((name) => stand(stage, name));
    await Promise.race(all.map((candidate) => candidate.leading()));
    const seen = stage.server.requests.length;
    await stage.server.until(() => stage.server.requests.length > seen + 20);
    expect(all.filter(({ elector }) => elector.isLeader())).toHaveLength(1);
  });

  it('is followed at once when it stops, and has then ended its work', async () => {
    const stage = await openStage();
    const one = stand(stage, 'one', {
      lingers: true,
      leaseDurationMs: 3_600_000,
      renewDeadlineMs: 3_000_000,
    });
    const signal = await one.leading();
    const two = stand(stage, 'two');
    const stopped = one.stop();
    await aborted(signal);
    await stopped;
    expect(one.elector.isLeader()).toBe(false);
    await two.leading();
    expect(leaseOf(stage).spec).toMatchObject({ holderIdentity: 'two', leaseTransitions: 2 });
  });

  it('goes on renewing while its work ends', async () => {
    const stage = await openStage();
    const controller = new AbortController();
    const elector = new LeaderElector({
      client: stage.client,
      ...place,
      name: 'other',
      identity: 'two',
      ...quick,
    });
    const ended = Promise.withResolvers<undefined>();
    const running = elector.run(controller.signal, () => ended.promise.then(() => undefined));
    await stage.server.until(() => elector.isLeader());
    controller.abort();
    const renewals = (): number =>
      stage.server.requests.filter(
        ({ method, path, status }) => method === 'PUT' && path.endsWith('other') && status === 200,
      ).length;
    const before = renewals();
    await stage.server.until(() => renewals() > before + 2);
    expect(elector.isLeader()).toBe(true);
    ended.resolve(undefined);
    await running;
    expect(elector.isLeader()).toBe(false);
  });

  it('ends when it cannot renew, before another may take over, and stands again', async () => {
    const stage = await openStage();
    const one = stand(stage, 'one', brief);
    const signal = await one.leading();
    stage.server.fault({ method: 'PUT', status: 500, times: 1_000 });
    await aborted(signal);
    expect(one.elector.isLeader()).toBe(false);
    stage.server.clearFaults();
    await one.leading(2);
    expect(one.elector.isLeader()).toBe(true);
  });

  it('ends in time when a renewal is never answered', async () => {
    const stage = await openStage();
    const one = stand(stage, 'one', brief);
    const signal = await one.leading();
    stage.server.fault({ path: 'leases', hang: true, times: 1_000 });
    await aborted(signal);
    expect(one.elector.isLeader()).toBe(false);
    stage.server.clearFaults();
  });

  it('comes through a conflict: a label is no rival', async () => {
    const stage = await openStage();
    const one = stand(stage, 'one');
    const signal = await one.leading();
    const conflicts = (): number => stage.server.requests.filter(({ status }) => status === 409).length;
    await stage.client.mergePatch(leases, place, { metadata: { labels: { touched: 'yes' } } });
    await stage.server.until(() => conflicts() > 0);
    const seen = stage.server.requests.length;
    await stage.server.until(() => stage.server.requests.length > seen + 3);
    expect([signal.aborted, one.elector.isLeader()]).toEqual([false, true]);
    expect(leaseOf(stage).spec?.leaseTransitions).toBe(1);
  });

  it('ends at once when another holds the Lease all the same', async () => {
    const stage = await openStage();
    const one = stand(stage, 'one');
    const signal = await one.leading();
    await stage.client.mergePatch(leases, place, {
      spec: { holderIdentity: 'usurper', leaseDurationSeconds: 3600 },
    });
    await aborted(signal);
    expect(one.elector.isLeader()).toBe(false);
    expect(leaseOf(stage).spec?.holderIdentity).toBe('usurper');
  });

  it('comes through a write that happened though its answer was lost', async () => {
    const stage = await openStage();
    stage.server.fault({ method: 'POST', resetAfter: true });
    const one = stand(stage, 'one');
    await one.leading();
    expect(leaseOf(stage).spec).toMatchObject({ holderIdentity: 'one', leaseTransitions: 1 });
  });

  it('takes over from one who died, after having seen it silent for its whole lease', async () => {
    const stage = await openStage();
    const spec = {
      holderIdentity: 'dead',
      leaseDurationSeconds: 1,
      leaseTransitions: 7,
      renewTime: '2020-01-01T00:00:00.000000Z',
    };
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: place, spec };
    stage.server.put(lease, 'leases');
    const one = stand(stage, 'one');
    await one.leading();
    expect(leaseOf(stage).spec).toMatchObject({ holderIdentity: 'one', leaseTransitions: 8 });
    // The time in the record is long past; that alone was no reason.
    expect(stage.server.requests.filter(({ method }) => method === 'GET').length).toBeGreaterThan(5);
  });

  it('passes on what its work throws, and releases the Lease', async () => {
    const stage = await openStage();
    const elector = new LeaderElector({ client: stage.client, ...place, identity: 'one', ...quick });
    const running = elector.run(new AbortController().signal, () => Promise.reject(new Error('A bug')));
    await expect(running).rejects.toThrow('A bug');
    expect(leaseOf(stage).spec?.holderIdentity).toBe('');
  });

  it('ends when its work ends of itself, and when it is stopped before it ever led', async () => {
    const stage = await openStage();
    const elector = new LeaderElector({ client: stage.client, ...place, identity: 'one', ...quick });
    await elector.run(new AbortController().signal, () => Promise.resolve());
    expect(leaseOf(stage).spec?.holderIdentity).toBe('');
    const controller = new AbortController();
    stage.server.fault({ hang: true });
    const running = elector.run(controller.signal, () => Promise.reject(new Error('Never')));
    const seen = stage.server.requests.length;
    await stage.server.until(() => stage.server.requests.length > seen);
    controller.abort();
    await running;
  });

  it('leaves the Lease free when it was told to stop before it heard that it had it', async () => {
    const stage = await openStage();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    stage.server.fault({ method: 'POST', path: '/leases', holdUntil: promise });
    const one = stand(stage, 'one');
    await stage.server.until(() => stage.server.requests.some(({ method }) => method === 'POST'));
    // Under the name of the one that stops, as its lost write would have left it.
    const spec = { holderIdentity: 'one', leaseDurationSeconds: 30 };
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: place, ...{ spec } };
    stage.server.put(lease, 'leases');
    await one.stop();
    resolve(undefined);
    expect(leaseOf(stage).spec?.holderIdentity).toBe('');
  });

  it('is not made with a deadline that is no shorter than the lease', async () => {
    const { client } = await openStage();
    const options = { client, ...place, identity: 'one', leaseDurationMs: 1_000, renewDeadlineMs: 1_000 };
    expect(() => new LeaderElector(options)).toThrow(/shorter/);
  });
});
