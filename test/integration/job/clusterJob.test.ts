// The job in a cluster, on a real API server and with the rights of its Role.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { statusAtEnd } from '../../../api/runReport.ts';
import type { RequestInfo } from '../../harness/graph/faults.ts';
import { SHARED_START_TIMEOUT_MS } from '../../harness/cluster/shared.ts';
import { realAccess } from './clusterAccess.ts';
import { type ClusterJob, ClusterScene, type Place } from './clusterScene.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
let cluster: ClusterScene;
beforeAll(async () => {
  scene = await openScene();
  cluster = new ClusterScene(scene, await realAccess());
}, SHARED_START_TIMEOUT_MS);
afterAll(async () => {
  await cluster.close();
  await scene.close();
});

const deltas =
  (user: User) =>
  ({ kind, mailbox, path }: RequestInfo): boolean =>
    kind === 'graph' && mailbox === user.mailbox.email && path.endsWith('/messages/delta');

/** Keeps a run busy until the result is called. */
function slowDown(user: User): () => void {
  return scene.graph.faults.add({ when: deltas(user), reply: { delayMs: 200 }, times: Infinity });
}

const slowly = { OUTLOOK_SYNC_PAGE_SIZE: '5', OUTLOOK_SYNC_MAX_MESSAGES: '1' };

/** Resolves when the resource shows that the run has begun; rejects when it ends before. */
async function untilSyncing(place: Place, { outcome }: ClusterJob): Promise<void> {
  const ended = outcome.then(({ stderr }) => {
    throw new Error(`The run ended at once: ${stderr}`);
  });
  const began = vi.waitFor(async () => expect((await place.status()).phase).toBe('Syncing'), {
    timeout: 20_000,
    interval: 50,
  });
  await Promise.race([began, ended]);
}

const conditionsOf = async (place: Place): Promise<Record<string, string>> => {
  const { conditions = [] } = await place.status();
  return Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
};

describe('a run', () => {
  it('says on its resource that it syncs, then what became of it, and gives its Lease back', async () => {
    const user = scene.addUser({ messages: 60 });
    const place = await cluster.addPlace(user);
    const mend = slowDown(user);
    const job = place.start({ env: { ...slowly, OUTLOOK_SYNC_TRIGGER: 'manual' } });
    await untilSyncing(place, job);
    const during = await place.status();
    expect(during).toMatchObject({ lastJob: 'anna-sync-1', lastTrigger: 'manual' });
    expect(during.lastSyncedAt).toBeUndefined();
    expect((await place.leaseSpec()).holderIdentity).toContain('anna-sync-1-x7k2p/');
    mend();
    const told = await job.outcome;
    expect(told.summary, told.stderr).toMatchObject({ status: 'connected' });
    const stored = (await user.messages()).length;
    expect(told.report).toMatchObject({
      status: 'connected',
      reported: true,
      stored,
      providerId: place.providerId,
    });
    expect(await place.status()).toMatchObject({
      phase: 'Connected',
      providerId: place.providerId,
      messages: { upserted: stored, removed: 0, stored },
      cursor: told.summary.cursor,
      attempts: 1,
      consecutiveFailures: 0,
      credentialsVersion: '4711',
    });
    expect(await conditionsOf(place)).toEqual({
      Synced: 'True Succeeded',
      CredentialsValid: 'True Succeeded',
      PushSubscribed: 'False NotConfigured',
    });
    expect((await place.leaseSpec()).holderIdentity ?? '').toBe('');
    expect(await user.provider()).toMatchObject({ status: 'connected', syncLeaseExpiresAt: null });
    expect((await place.events()).map(({ reason }) => reason)).toEqual(['FirstSyncCompleted']);
  });

  it('moves the time of a condition only when it changes, and takes the error away with it', async () => {
    const user = scene.addUser({ messages: 5 });
    const place = await cluster.addPlace(user);
    const timesOf = async (): Promise<Record<string, string>> => {
      const { conditions = [] } = await place.status();
      return Object.fromEntries(conditions.map((one) => [one.type, one.lastTransitionTime]));
    };
    await place.synced();
    const first = await timesOf();
    // Times of conditions are in seconds.
    await new Promise((wake) => setTimeout(wake, 1_100));
    await place.synced({ job: 'anna-sync-2' });
    expect(await timesOf()).toEqual(first);
    user.mailbox.grants.revoke('revoked');
    await user.change('"tokenExpiry" = NULL');
    const failed = await place.sync({ job: 'anna-sync-3' });
    expect(failed.code, failed.stderr).toBe(77);
    expect(failed.report).toMatchObject({ status: 'error', reported: true });
    expect(await place.status()).toMatchObject({ phase: 'Error', consecutiveFailures: 1 });
    const second = await timesOf();
    expect(await conditionsOf(place)).toEqual({
      Synced: 'False ReauthorizationRequired',
      CredentialsValid: 'False ReauthorizationRequired',
      PushSubscribed: 'False NotConfigured',
    });
    expect(second['Synced']).not.toBe(first['Synced']);
    const events = (await place.events()).map(({ reason }) => reason);
    expect(events.sort()).toEqual(['FirstSyncCompleted', 'SyncFailed']);
  });

  it('that fails before it has the row says so as well', async () => {
    const user = scene.addUser({ messages: 5 });
    const place = await cluster.addPlace(user);
    const env = {
      DATABASE_URL: 'postgres://inbox:pass-phrase@127.0.0.1:1/inbox',
      OUTLOOK_SYNC_SCHEDULER_RETRIES: '0',
    };
    const failed = await place.sync({ env });
    expect(failed.code).toBe(75);
    expect(failed.report).toMatchObject({
      reported: true,
      stored: null,
      error: { code: 'DatabaseUnreachable' },
    });
    expect((await place.status()).lastSyncError).toContain('DatabaseUnreachable');
    expect((await place.leaseSpec()).holderIdentity ?? '').toBe('');
  });

  it('told to stop ends with the page in hand, at rest, both leases free', async () => {
    const user = scene.addUser({ messages: 100 });
    const place = await cluster.addPlace(user);
    const mend = slowDown(user);
    const job = place.start({ env: slowly });
    await untilSyncing(place, job);
    await vi.waitFor(async () => expect((await user.messages()).length).toBeGreaterThan(5), {
      timeout: 20_000,
    });
    job.kill('SIGTERM');
    const told = await job.outcome;
    mend();
    expect(told.code, told.stderr).toBe(0);
    expect(told.report).toMatchObject({ status: 'interrupted', reported: true });
    expect((await place.status()).phase).toBe('Pending');
    expect((await place.leaseSpec()).holderIdentity ?? '').toBe('');
    expect(await user.provider()).toMatchObject({ status: 'connected', syncLeaseExpiresAt: null });
  });

  it('whose resource is gone, or another, ends quietly and well', async () => {
    const user = scene.addUser({ messages: 5 });
    const place = await cluster.addPlace(user);
    await place.deleteResource();
    const told = await place.synced();
    expect(told.report).toMatchObject({ reported: false });
    const env = place.env();
    await place.createResource();
    const other = await place.synced({ env });
    expect(other.report).toMatchObject({ reported: false });
    expect((await place.resource()).status).toBeUndefined();
  });
});

describe('two runs', () => {
  it('at once: one syncs, the other yields and is made good by one more pass', async () => {
    const user = scene.addUser({ messages: 60 });
    const place = await cluster.addPlace(user);
    const mend = slowDown(user);
    const first = place.start({ env: slowly, job: 'first' });
    await untilSyncing(place, first);
    const second = await place.sync({ job: 'second' });
    expect(second.code, second.stderr).toBe(0);
    expect(second.summary).toMatchObject({ status: 'skipped' });
    expect(second.summary['holder']).toContain('first-x7k2p/');
    expect(second.report).toMatchObject({ status: 'skipped', reported: false });
    mend();
    const told = await first.outcome;
    expect(told.summary).toMatchObject({ status: 'connected' });
    expect(told.log.map(({ msg }) => msg)).toContain('Another run asked for one more pass');
    expect(await place.status()).toMatchObject({ phase: 'Connected', lastJob: 'first' });
  });

  it('one killed: the next takes over within the time of the Lease', async () => {
    const user = scene.addUser({ messages: 60 });
    const place = await cluster.addPlace(user);
    const mend = slowDown(user);
    // The lease in Postgres alone would keep the successor waiting.
    const first = place.start({ env: slowly, job: 'first' });
    await untilSyncing(place, first);
    first.kill('SIGKILL');
    await first.outcome;
    await user.change(`"syncLeaseExpiresAt" = "syncLeaseExpiresAt" + interval '1 hour'`);
    await scene.database.query(
      `UPDATE outlook_sync_state s SET "leaseExpiresAt" = p."syncLeaseExpiresAt"
       FROM email_providers p WHERE p."id" = s."providerId" AND p."id" = $1`,
      [place.providerId],
    );
    mend();
    const before = await place.leaseSpec();
    const told = await place.synced({ job: 'second' });
    expect((await place.leaseSpec()).leaseTransitions).toBe((before.leaseTransitions ?? 0) + 1);
    expect(told.report).toMatchObject({ reported: true });
    expect(await place.status()).toMatchObject({ phase: 'Connected', lastJob: 'second' });
  });

  it('one paused past its time: it wakes up and writes neither rows nor status', async () => {
    const user = scene.addUser({ messages: 60 });
    const place = await cluster.addPlace(user);
    const mend = slowDown(user);
    const first = place.start({ env: slowly, job: 'first' });
    await untilSyncing(place, first);
    first.kill('SIGSTOP');
    mend();
    await place.synced({ job: 'second' });
    const rows = await user.messages();
    const [row, resource] = [await user.provider(), await place.resource()];
    first.kill('SIGCONT');
    const told = await first.outcome;
    expect(told.code, told.stderr).toBe(75);
    expect(told.summary.error?.code).toBe('LeaseLost');
    expect(told.report).toMatchObject({ status: 'error', reported: false, error: { code: 'LeaseLost' } });
    expect(await user.messages()).toEqual(rows);
    expect(await user.provider()).toEqual(row);
    expect(await place.resource()).toEqual(resource);
  });

  it('whose Lease is deleted by hand: the run stops, and writes nothing more', async () => {
    const user = scene.addUser({ messages: 100 });
    const place = await cluster.addPlace(user);
    const mend = slowDown(user);
    const job = place.start({ env: slowly });
    await untilSyncing(place, job);
    await place.deleteLease();
    const told = await job.outcome;
    mend();
    expect(told.code, told.stderr).toBe(75);
    expect(told.summary.error?.code).toBe('LeaseLost');
    expect((await place.status()).phase).toBe('Syncing');
    expect(await user.provider()).toMatchObject({ status: 'syncing' });
    // Anew, it is another Lease: its holders have no claim on what the former one's left in Postgres.
    await place.createLease();
    await vi.waitFor(async () => expect((await place.sync()).summary.status).toBe('connected'), {
      timeout: 30_000,
    });
  });
});

it('agrees with what the operator would make of its termination message', async () => {
  const user = scene.addUser({ messages: 20 });
  const place = await cluster.addPlace(user);
  const told = await place.synced();
  if (told.report === null) throw new Error('No report');
  const run = {
    jobName: 'anna-sync-1',
    trigger: 'schedule',
    generation: 1,
    credentialsVersion: '4711',
  } as const;
  expect(await place.status()).toEqual(statusAtEnd({}, run, told.report));
});
