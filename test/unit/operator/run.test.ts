import { expect, test } from 'vitest';
import { labels } from '../../../api/resource.ts';
import type { ApiServer } from '../../harness/apiServer/apiServer.ts';
import {
  conditionOf,
  find,
  openScene,
  putProvider,
  putReadyProvider,
  putSecret,
  startOperator,
  writes,
} from './scene.ts';

const cronJobs = 'batch/v1/cronjobs';
const jobs = 'batch/v1/jobs';
const leases = 'coordination.k8s.io/v1/leases';
const anna = 'outlook-sync-anna';

function readyReason(server: ApiServer, name = 'anna'): unknown {
  return conditionOf(server, name, 'Ready')?.['reason'];
}

test('a provider gets its Lease, CronJob, first Job, and what the job needs to run', async () => {
  const server = await openScene();
  startOperator(server, 'one');
  putReadyProvider(server, 'anna');
  await server.until(() => readyReason(server) === 'Progressing');
  expect(find(server, leases, anna)?.metadata['ownerReferences']).toMatchObject([
    { controller: true, name: 'anna' },
  ]);
  expect(find(server, cronJobs, anna)?.['spec']).toMatchObject({
    suspend: false,
    concurrencyPolicy: 'Forbid',
  });
  expect(server.store.all(jobs)).toHaveLength(1);
  expect(find(server, 'v1/serviceaccounts', 'outlook-sync-job')).toBeDefined();
  expect(find(server, 'rbac.authorization.k8s.io/v1/rolebindings', 'outlook-sync-job')).toMatchObject({
    roleRef: { kind: 'ClusterRole', name: 'outlook-sync-job' },
    subjects: [{ kind: 'ServiceAccount', name: 'outlook-sync-job', namespace: 'team' }],
  });
});

test('at rest nothing is written, not even by a new leader', async () => {
  const server = await openScene();
  const first = startOperator(server, 'one');
  putReadyProvider(server, 'anna');
  putProvider(server, 'anna-again', { emailAddress: 'ANNA@contoso.com' });
  // Made within one second, it is the uid that decides which of the two waits.
  const reasons = () => [readyReason(server), readyReason(server, 'anna-again')].sort();
  await server.until(() => reasons().join() === 'DuplicateProvider,Progressing');
  expect(await first.stop()).toBe(0);
  const before = writes(server).length;
  const second = startOperator(server, 'two');
  await second.said('Began to work');
  // Whatever it does about these two it has done before it is through with a third one.
  putProvider(server, 'berta');
  await server.until(() => readyReason(server, 'berta') !== undefined);
  const others = writes(server)
    .slice(before)
    .filter(({ path, body }) => !`${path} ${JSON.stringify(body)}`.includes('berta'));
  expect(others.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
});

test('a Secret that is missing is told, and the provider goes on as soon as it is there', async () => {
  const server = await openScene();
  startOperator(server, 'one');
  putSecret(server, 'outlook-sync');
  putProvider(server, 'anna');
  await server.until(() => readyReason(server) === 'SecretNotFound');
  expect(server.store.all(jobs)).toEqual([]);
  putSecret(server, 'grant');
  await server.until(() => server.store.all(jobs).length === 1);
});

test('values of Secrets are never asked for', async () => {
  const server = await openScene();
  startOperator(server, 'one');
  putReadyProvider(server, 'anna');
  await server.until(() => readyReason(server) === 'Progressing');
  const asked = server.requests.filter(({ path }) => path.includes('/secrets'));
  expect(asked.length).toBeGreaterThan(0);
  for (const { headers } of asked) expect(headers['accept']).toContain('PartialObjectMetadata');
});

test('when the older of two providers for one mailbox goes, the other takes its place', async () => {
  const server = await openScene();
  startOperator(server, 'one');
  const older = putReadyProvider(server, 'anna');
  putProvider(server, 'second', { emailAddress: 'anna@contoso.com' });
  const uids = [
    older.metadata.uid,
    find(server, 'outlooksync.dev/v1alpha1/outlookproviders', 'second')?.metadata.uid,
  ];
  // Made within one second, it is the uid that decides.
  const [winner, loser] = String(uids[0]) < String(uids[1]) ? ['anna', 'second'] : ['second', 'anna'];
  await server.until(
    () => readyReason(server, winner) === 'Progressing' && readyReason(server, loser) === 'DuplicateProvider',
  );
  expect(find(server, cronJobs, `outlook-sync-${loser}`)).toBeUndefined();
  const gone = find(server, 'outlooksync.dev/v1alpha1/outlookproviders', winner);
  if (gone !== undefined) server.store.delete('outlooksync.dev/v1alpha1/outlookproviders', gone);
  await server.until(() => find(server, cronJobs, `outlook-sync-${loser}`) !== undefined);
});

test('a CronJob of the name that is needed and not ours is left as it is', async () => {
  const server = await openScene();
  const metadata = { name: anna, namespace: 'team' };
  const spec = { schedule: '0 0 1 1 *' };
  const theirs = server.put({ apiVersion: 'batch/v1', kind: 'CronJob', metadata, ...{ spec } }, 'cronjobs');
  startOperator(server, 'one');
  putReadyProvider(server, 'anna');
  await server.until(() => readyReason(server) === 'NameConflict');
  expect(find(server, cronJobs, anna)).toEqual(theirs);
});

test('our own CronJob that lost its labels is found again and mended', async () => {
  const server = await openScene();
  startOperator(server, 'one');
  putReadyProvider(server, 'anna');
  await server.until(() => readyReason(server) === 'Progressing');
  const ours = find(server, cronJobs, anna);
  if (ours === undefined) throw new Error('No CronJob');
  server.store.put(cronJobs, { ...ours, metadata: { ...ours.metadata, labels: {} } });
  await server.until(
    () => find(server, cronJobs, anna)?.metadata.labels?.[labels.managedBy] === 'outlook-sync',
  );
  expect(find(server, cronJobs, anna)?.metadata.uid).toBe(ours.metadata.uid);
});

test.each([
  [422, 'Invalid', 'ScheduleRefused'],
  [403, 'Forbidden', 'AccessMissing'],
])('a CronJob refused with %i is a condition with the API server’s words', async (code, reason, told) => {
  const server = await openScene();
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
    message: 'no such time zone',
  };
  server.fault({ method: 'PATCH', path: '/cronjobs/', status: code, body, times: 100 });
  const operator = startOperator(server, 'one');
  putReadyProvider(server, 'anna');
  await server.until(() => readyReason(server) === told);
  expect(conditionOf(server, 'anna', 'Ready')?.['message']).toContain('no such time zone');
  expect(server.store.all(jobs)).toEqual([]);
  const [, metrics] = await operator.ask('/metrics');
  expect(metrics).toMatch(/^controller_runtime_terminal_reconcile_errors_total\{[^}]*\} [1-9]/m);
  expect(metrics).toMatch(/^controller_runtime_reconcile_panics_total\{[^}]*\} 0$/m);
});

test('a namespace that is going stops the work in it, however that is learnt', async () => {
  const server = await openScene();
  putSecret(server, 'outlook-sync');
  putSecret(server, 'grant');
  server.terminate('team');
  const operator = startOperator(server, 'one', { OUTLOOK_OPERATOR_WATCH_NAMESPACES: 'team' });
  await operator.said('Began to work');
  putProvider(server, 'anna');
  await server.until(() => server.requests.some(({ method, status }) => method === 'POST' && status === 403));
  await operator.stop();
  expect(server.store.all(jobs)).toEqual([]);
  expect(operator.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

test('one namespace is watched without a right outside it', async () => {
  const server = await openScene();
  startOperator(server, 'one', { OUTLOOK_OPERATOR_WATCH_NAMESPACES: 'team' });
  putReadyProvider(server, 'anna');
  await server.until(() => readyReason(server) === 'Progressing');
  const outside = server.requests.filter(({ path }) => !/\/namespaces\/(team|system)\//.test(path));
  expect(outside.map(({ path }) => path)).toEqual([]);
});

test('ready once every list has been read, and not before; alive all the time', async () => {
  const server = await openScene();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.fault({ method: 'GET', path: '/pods', holdUntil: promise });
  const operator = startOperator(server, 'one');
  await server.until(() => server.watches().length >= 6);
  expect(await operator.ask('/readyz')).toEqual([503, 'no list of Pod yet\n']);
  expect((await operator.ask('/healthz'))[0]).toBe(200);
  resolve(undefined);
  await operator.said('Began to work');
  expect(await operator.ask('/readyz')).toEqual([200, 'ok\n']);
});

test('of several namespaces the one that may not be listed is named', async () => {
  const server = await openScene();
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 403, reason: 'Forbidden' };
  server.fault({ method: 'GET', path: '/namespaces/other/', status: 403, body, times: 1000 });
  const operator = startOperator(server, 'one', { OUTLOOK_OPERATOR_WATCH_NAMESPACES: 'team,other' });
  await server.until(() => server.watches().length >= 6);
  const [status, text] = await operator.ask('/readyz');
  expect(status).toBe(503);
  expect(text.split('\n')).toContain('no list of OutlookProvider in other yet');
  expect(text).not.toContain('team');
});

test('without the CRD it says what to do, and waits', async () => {
  const server = await openScene();
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404, reason: 'NotFound' };
  server.fault({ path: '/outlookproviders', status: 404, body, times: 1 });
  const operator = startOperator(server, 'one');
  await operator.said('The API server knows no OutlookProviders: install the CRD; waiting for it');
  await operator.said('Began to work');
});

test('a replica that stands by is ready and writes nothing; told to stop, the leader hands over at once', async () => {
  const server = await openScene();
  const leader = startOperator(server, 'leading');
  await leader.said('Began to work');
  const standby = startOperator(server, 'waiting');
  await server.until(() => server.watches().length >= 14);
  putReadyProvider(server, 'anna');
  await server.until(() => readyReason(server) === 'Progressing');
  expect(writes(server, 'waiting')).toEqual([]);
  expect((await standby.ask('/metrics'))[1]).not.toContain('outlook_provider_condition{');
  expect((await leader.ask('/metrics'))[1]).toContain(
    'outlook_provider_condition{namespace="team",name="anna"',
  );
  expect(await leader.stop()).toBe(0);
  await standby.said('Began to work');
});

test('who lost leadership stops and says so by its exit code', async () => {
  const server = await openScene();
  const operator = startOperator(server, 'one', { OUTLOOK_OPERATOR_LEASE_RENEW_SECONDS: '2' });
  await operator.said('Began to work');
  const lease = server.store.find(leases, 'system', 'outlook-sync-operator');
  const spec = { ...(lease?.['spec'] as object), holderIdentity: 'another' };
  if (lease !== undefined) server.store.put(leases, { ...lease, spec });
  expect(await operator.ended).toBe(1);
});

test('the series of a provider go with it', async () => {
  const server = await openScene();
  const operator = startOperator(server, 'one');
  putReadyProvider(server, 'anna');
  await server.until(() => readyReason(server) === 'Progressing');
  const provider = find(server, 'outlooksync.dev/v1alpha1/outlookproviders', 'anna');
  if (provider === undefined) throw new Error('No provider');
  const finalizers: string[] = [];
  server.store.put('outlooksync.dev/v1alpha1/outlookproviders', {
    ...provider,
    metadata: { ...provider.metadata, finalizers, deletionTimestamp: '2026-11-25T00:00:00Z' },
  });
  putProvider(server, 'berta');
  await server.until(() => readyReason(server, 'berta') !== undefined);
  expect((await operator.ask('/metrics'))[1]).not.toContain('name="anna"');
});
