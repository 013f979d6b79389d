import { expect, test } from 'vitest';
import { apiVersion, labels, outlookProviders } from '../../../api/resource.ts';
import type { ApiServer } from '../../harness/apiServer/apiServer.ts';
import type { Json, StoredObject } from '../../harness/apiServer/objectStore.ts';
import {
  assembleFollower,
  conditionOf,
  find,
  openScene,
  putProvider,
  putReadyProvider,
  putSecret,
  startOperator,
} from './scene.ts';

// What comes between two looks at a provider: others' hands, refusals, and time.

const providers = `${apiVersion}/${outlookProviders.plural}`;
const cronJobs = 'batch/v1/cronjobs';
const jobs = 'batch/v1/jobs';
const leases = 'coordination.k8s.io/v1/leases';
const anna = 'outlook-sync-anna';

function there(server: ApiServer, collection: string, name: string): StoredObject {
  const object = find(server, collection, name);
  if (object === undefined) throw new Error(`There is no ${name} in ${collection}`);
  return object;
}

function readyReason(server: ApiServer): unknown {
  return conditionOf(server, 'anna', 'Ready')?.['reason'];
}

test('our own Lease that lost its labels is left so, and holds nothing up', async () => {
  const server = await openScene();
  startOperator(server, 'one');
  putReadyProvider(server, 'anna');
  await server.until(() => readyReason(server) === 'Progressing');
  const lease = there(server, leases, anna);
  server.store.put(leases, { ...lease, metadata: { ...lease.metadata, labels: {} } });
  const made = () =>
    server.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/team/leases'));
  await server.until(() => made().at(-1)?.status === 409);
  const provider = there(server, providers, 'anna');
  const spec = { ...(provider['spec'] as Json), suspend: true };
  server.store.put(providers, { ...provider, spec });
  await server.until(() => readyReason(server) === 'Suspended');
  expect(there(server, cronJobs, anna)['spec']).toMatchObject({ suspend: true });
  expect(made().map(({ status }) => status)).toEqual([201, 409]);
  expect(there(server, leases, anna).metadata.labels?.[labels.managedBy]).toBeUndefined();
});

test('a copy of a CronJob under another name does not stand for it', async () => {
  const server = await openScene();
  startOperator(server, 'one');
  putReadyProvider(server, 'anna');
  await server.until(() => readyReason(server) === 'Progressing');
  const ours = there(server, cronJobs, anna);
  const { uid: _, ...metadata } = ours.metadata;
  server.put({ ...ours, metadata: { ...metadata, name: 'copy' } }, 'cronjobs');
  server.store.delete(cronJobs, ours);
  await server.until(() => find(server, cronJobs, anna) !== undefined);
});

test('a namespace that was made anew is served, though it refused a write when it went', async () => {
  const server = await openScene();
  const details = { causes: [{ reason: 'NamespaceTerminating', message: 'it is being terminated' }] };
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: 403,
    reason: 'Forbidden',
    details,
  };
  server.fault({ method: 'POST', path: '/serviceaccounts', status: 403, body });
  startOperator(server, 'one', { OUTLOOK_OPERATOR_WATCH_NAMESPACES: 'team' });
  const before = putReadyProvider(server, 'anna');
  await server.until(() => server.requests.some(({ status }) => status === 403));
  server.store.delete(providers, before);
  putProvider(server, 'anna');
  await server.until(() => server.store.all(jobs).length === 1);
});

test('what is not found for longer than a moment is told as a failure', async () => {
  const server = await openScene();
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404, reason: 'NotFound' };
  server.fault({ method: 'PATCH', path: '/cronjobs/', status: 404, body, times: 2 });
  const operator = startOperator(server, 'one');
  putReadyProvider(server, 'anna');
  await operator.said('Reconcile failed; it is tried again');
  await server.until(() => readyReason(server) === 'Progressing');
});

test('who does not lead writes nothing, and is no bug', async () => {
  const server = await openScene();
  putReadyProvider(server, 'anna');
  const { reconciler, metrics, lines } = await assembleFollower(server);
  expect(await reconciler.reconcile('team/anna')).toEqual({ requeueAfterMs: 1_000 });
  expect(server.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  expect(await metrics.registry.metrics()).toMatch(/^controller_runtime_reconcile_panics_total\{.*\} 0$/m);
});

test('where the app signs in by itself, a grant that is named and missing is no obstacle', async () => {
  const server = await openScene();
  startOperator(server, 'one');
  putSecret(server, 'outlook-sync');
  const auth = { mode: 'Application', tenantId: 'contoso.com' };
  putProvider(server, 'anna', { auth, credentialsSecretRef: { name: 'nowhere' } });
  await server.until(() => readyReason(server) !== undefined);
  expect(readyReason(server)).toBe('Progressing');
});
