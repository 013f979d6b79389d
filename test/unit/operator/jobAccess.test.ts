import { expect, onTestFinished, test } from 'vitest';
import { KubeClient } from '../../../kube/client.ts';
import { openAgent } from '../../../kube/connection.ts';
import { JobAccess } from '../../../operator/act/jobAccess.ts';
import { type ApiServer, startApiServer } from '../../harness/apiServer/apiServer.ts';

const minute = 60_000;
const collection = 'rbac.authorization.k8s.io/v1/rolebindings';

interface Scene {
  readonly server: ApiServer;
  readonly access: JobAccess;
  readonly pass: (ms: number) => void;
  /** Methods of the requests so far, which are then forgotten. */
  readonly asked: () => string[];
}

async function openScene(): Promise<Scene> {
  let now = 0;
  const server = await startApiServer();
  const dispatcher = openAgent({});
  onTestFinished(async () => {
    await dispatcher.destroy();
    await server.close();
  });
  const client = new KubeClient(
    {
      server: server.url,
      dispatcher,
      namespace: undefined,
      headers: () => Promise.resolve({}),
      close: () => Promise.resolve(),
    },
    { userAgent: 'test' },
  );
  const access = new JobAccess({
    client,
    serviceAccount: 'outlook-sync-job',
    clusterRole: 'outlook-sync-job',
    fieldManager: 'operator',
    signal: new AbortController().signal,
    monotonic: () => now,
  });
  return {
    server,
    access,
    pass: (ms) => (now += ms),
    asked: () => server.requests.splice(0).map(({ method }) => method),
  };
}

test('what is missing is made once, and what is there is only looked at, now and then', async () => {
  const { access, asked, pass } = await openScene();
  await access.ensure('team');
  expect(asked()).toEqual(['GET', 'POST', 'GET', 'POST']);
  await access.ensure('team');
  expect(asked()).toEqual([]);
  pass(5 * minute);
  await access.ensure('team');
  expect(asked()).toEqual(['GET', 'GET']);
});

test('many who ask at the same time ask once', async () => {
  const { access, asked } = await openScene();
  await Promise.all([access.ensure('team'), access.ensure('team'), access.ensure('team')]);
  expect(asked()).toEqual(['GET', 'POST', 'GET', 'POST']);
});

test('each namespace has its own', async () => {
  const { server, access } = await openScene();
  await access.ensure('team');
  await access.ensure('other');
  expect(server.store.all('v1/serviceaccounts').map(({ metadata }) => metadata.namespace)).toEqual([
    'other',
    'team',
  ]);
});

test('what was deleted is made again as soon as pods do not come', async () => {
  const { server, access, pass } = await openScene();
  await access.ensure('team');
  const account = server.store.find('v1/serviceaccounts', 'team', 'outlook-sync-job');
  if (account !== undefined) server.store.delete('v1/serviceaccounts', account);
  pass(10_000);
  await access.ensure('team');
  expect(server.store.find('v1/serviceaccounts', 'team', 'outlook-sync-job')).toBeUndefined();
  await access.ensure('team', true);
  expect(server.store.find('v1/serviceaccounts', 'team', 'outlook-sync-job')).toBeDefined();
});

test('a binding of that name to another role is refused, named and left alone', async () => {
  const { server, access } = await openScene();
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };
  const metadata = { namespace: 'team', name: 'outlook-sync-job' };
  const theirs = server.put(
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata, ...{ roleRef } },
    'rolebindings',
  );
  await expect(access.ensure('team')).rejects.toMatchObject({
    kind: 'forbidden',
    message: expect.stringContaining('RoleBinding team/outlook-sync-job') as string,
  });
  expect(server.store.find(collection, 'team', 'outlook-sync-job')).toEqual(theirs);
});

test('one that failed is tried again the next time', async () => {
  const { server, access } = await openScene();
  server.fault({ method: 'POST', path: '/serviceaccounts', status: 500 });
  await expect(access.ensure('team')).rejects.toMatchObject({ kind: 'server' });
  await access.ensure('team');
  expect(server.store.find(collection, 'team', 'outlook-sync-job')).toBeDefined();
});

test('a role that does not exist is a right that is missing: a person is told', async () => {
  const { access, server } = await openScene();
  const message = 'clusterroles.rbac.authorization.k8s.io "outlook-sync-job" not found';
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: 404,
    reason: 'NotFound',
    message,
  };
  server.fault({ method: 'POST', path: '/rolebindings', status: 404, body });
  await expect(access.ensure('team')).rejects.toMatchObject({
    kind: 'forbidden',
    message: expect.stringContaining(message) as string,
  });
});
