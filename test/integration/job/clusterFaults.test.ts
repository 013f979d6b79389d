// An API server that is away, slow or unwilling is no reason for a mailbox not to be synced; and what every way out
// of the job leaves as the termination message of its container.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { jobEnvironment } from '../../../api/jobEnvironment.ts';
import type { Fault } from '../../harness/apiServer/faults.ts';
import type { ApiServer } from '../../harness/apiServer/apiServer.ts';
import { scriptedAccess } from './clusterAccess.ts';
import { ClusterScene, type Place } from './clusterScene.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
const clusters: ClusterScene[] = [];
beforeAll(async () => {
  scene = await openScene();
});
afterAll(async () => {
  await Promise.all(clusters.map((cluster) => cluster.close()));
  await scene.close();
});

async function prepared(messages = 10): Promise<{ user: User; place: Place; api: ApiServer }> {
  const access = await scriptedAccess();
  const cluster = new ClusterScene(scene, access);
  clusters.push(cluster);
  const user = scene.addUser({ messages });
  return { user, place: await cluster.addPlace(user), api: access.api };
}

const status = '/outlookproviders/anna/status';
const always = { times: Infinity };
const forbidden = {
  status: 403,
  body: { kind: 'Status', status: 'Failure', reason: 'Forbidden', message: 'no', code: 403 },
};

describe('a status that cannot be written', () => {
  it.each<[string, Fault]>([
    ['is forbidden', { path: status, ...forbidden, ...always }],
    ['is never answered', { path: status, hang: true, ...always }],
    ['cannot even be read', { path: '/outlookproviders/anna', reset: true, ...always }],
    ['fails at the server', { path: status, status: 500, ...always }],
  ])('(%s) costs the sync nothing; the termination message has it', async (_what, fault) => {
    const { user, place, api } = await prepared();
    api.fault(fault);
    const told = await place.synced();
    const stored = (await user.messages()).length;
    expect(told.report).toMatchObject({ status: 'connected', reported: false, upserted: stored, stored });
    api.clearFaults();
    expect((await place.resource()).status).toBeUndefined();
    expect((await place.leaseSpec()).holderIdentity).toBe('');
    expect(await user.provider()).toMatchObject({ status: 'connected', syncLeaseExpiresAt: null });
  });

  it.each<[string, Fault]>([
    ['broken off after it was done', { path: status, resetAfter: true, times: 2 }],
    ['refused for a while', { path: status, status: 503, times: 3 }],
    ['overtaken by another', { path: status, status: 409, times: 3 }],
  ])('at once (%s) is written in the end', async (_what, fault) => {
    const { place, api } = await prepared();
    api.fault(fault);
    expect((await place.synced()).report).toMatchObject({ reported: true });
    expect((await place.status()).phase).toBe('Connected');
  });
});

it('an Event that cannot be written costs nothing at all', async () => {
  const { place, api } = await prepared();
  api.fault({ path: '/events', ...forbidden, ...always });
  expect((await place.synced()).report).toMatchObject({ reported: true });
});

describe('a Lease that cannot be had', () => {
  it.each<[string, Fault]>([
    ['is forbidden', { path: '/leases/', ...forbidden, ...always }],
    ['fails at the server', { path: '/leases/', status: 500, ...always }],
  ])('(%s) leaves the run to the one in Postgres, and the resource to the operator', async (_what, fault) => {
    const { user, place, api } = await prepared();
    api.fault(fault);
    const told = await place.synced();
    expect(told.report).toMatchObject({ status: 'connected', reported: false });
    expect(told.log.map(({ msg }) => msg).join('\n')).toContain('Could not take the Lease');
    api.clearFaults();
    expect((await place.resource()).status).toBeUndefined();
    expect(await user.provider()).toMatchObject({ status: 'connected', syncLeaseExpiresAt: null });
  });

  it('because nobody answers at all: likewise', async () => {
    const { place } = await prepared();
    const told = await place.synced({ env: { KUBERNETES_SERVICE_PORT: '1' } });
    expect(told.report).toMatchObject({ status: 'connected', reported: false });
  });

  it('does not let a holder of the Lease push such a run aside', async () => {
    const { user, place } = await prepared(60);
    const slow = scene.graph.faults.add({
      when: ({ kind, mailbox }) => kind === 'graph' && mailbox === user.mailbox.email,
      reply: { delayMs: 200 },
      times: Infinity,
    });
    await place.synced({ env: { OUTLOOK_SYNC_PAGE_SIZE: '50' } });
    const env = { KUBERNETES_SERVICE_PORT: '1', OUTLOOK_SYNC_TRIGGER: 'resync', OUTLOOK_SYNC_PAGE_SIZE: '2' };
    const alone = place.start({ env, job: 'alone' });
    await vi.waitFor(async () => expect((await user.provider()).status).toBe('syncing'), { timeout: 20_000 });
    const second = await place.sync({ job: 'second' });
    expect(second.summary, second.stderr).toMatchObject({ status: 'skipped' });
    expect(second.summary['holder']).toContain('alone-x7k2p/');
    slow();
    expect((await alone.outcome).summary.status).toBe('connected');
  });
});

it('an API server that stays away for longer than the Lease lasts ends the run: another may hold it by now', async () => {
  const { user, place, api } = await prepared(60);
  const slow = scene.graph.faults.add({
    when: ({ kind, mailbox }) => kind === 'graph' && mailbox === user.mailbox.email,
    reply: { delayMs: 300 },
    times: Infinity,
  });
  const job = place.start({ env: { OUTLOOK_SYNC_PAGE_SIZE: '1', OUTLOOK_SYNC_MAX_MESSAGES: '1' } });
  await api.until(() => api.requests.some(({ path, status: code }) => path.endsWith(status) && code === 200));
  api.fault({ reset: true, ...always });
  const told = await job.outcome;
  slow();
  api.clearFaults();
  expect(told.code, told.stderr).toBe(75);
  expect(told.report).toMatchObject({ error: { code: 'LeaseLost' }, reported: false });
  expect((await place.status()).phase).toBe('Syncing');
});

describe('the termination message', () => {
  it('of a run whose environment is not valid names everything, as the summary does', async () => {
    const { place, api } = await prepared();
    const env = {
      ...Object.fromEntries(Object.values(jobEnvironment).map((name) => [name, ''])),
      [jobEnvironment.terminationLog]: `${place.env()['KUBERNETES_SERVICE_ACCOUNT_DIR'] ?? ''}/termination-1`,
      DATABASE_URL: '',
    };
    const told = await place.sync({ env, args: ['sync', '--email', 'a@b.example', '--user-id', 'u'] });
    expect(told.code).toBe(64);
    expect(told.report).toMatchObject({
      status: 'error',
      reported: false,
      error: { code: 'ConfigurationInvalid' },
    });
    const { terminationLog, credentialsVersion, ...needed } = jobEnvironment;
    for (const name of [...Object.values(needed), 'DATABASE_URL', '--provider-id'])
      expect(told.report?.error?.message, name).toContain(name);
    for (const name of [terminationLog, credentialsVersion])
      expect(told.report?.error?.message).not.toContain(name);
    expect(told.report?.error?.message).toContain('--standalone');
    expect(api.requests.filter(({ headers }) => headers['user-agent'] === 'outlook-sync-job')).toEqual([]);
  });

  it('of a service account without a token says so', async () => {
    const { place } = await prepared();
    const told = await place.sync({ env: { KUBERNETES_SERVICE_ACCOUNT_DIR: '/nowhere' } });
    expect(told.code).toBe(64);
    expect(told.report?.error?.message).toContain('/nowhere/token');
  });

  it('that cannot be written is a warning', async () => {
    const { place } = await prepared();
    const told = await place.synced({ env: { [jobEnvironment.terminationLog]: '/nowhere/termination-log' } });
    expect(told.stderr).toContain('Could not write the termination message');
    expect((await place.status()).phase).toBe('Connected');
  });
});
