// Whom a name leads to, as the cluster changes, and whether what is known can be relied upon.
import { expect, onTestFinished, test, vi } from 'vitest';
import { silent } from '../../../kube/log.ts';
import { ClusterDirectory } from '../../../webhook/cluster/clusterDirectory.ts';
import { ManualClock } from '../../harness/apiServer/manualClock.ts';
import { openStage, type Stage, Turnstile } from '../kube/stage.ts';

interface Scene extends Stage {
  readonly directory: ClusterDirectory;
  readonly clock: ManualClock;
  readonly changed: Turnstile;
  readonly put: (name: string, spec: object) => void;
}

async function openScene(): Promise<Scene> {
  const stage = await openStage();
  const clock = new ManualClock();
  const changed = new Turnstile();
  const onChange = (): void => changed.turn();
  const { client } = stage;
  const directory = new ClusterDirectory({ client, log: silent, namespaces: [], onChange, clock });
  const controller = new AbortController();
  const running = directory.run(controller.signal);
  onTestFinished(async () => {
    controller.abort();
    await running;
  });
  await stage.server.until(() => stage.server.watches('outlookproviders').length === 1);
  const put = (name: string, spec: object): void => {
    const metadata = { namespace: 'team', name };
    const object = { apiVersion: 'outlooksync.dev/v1alpha1', kind: 'OutlookProvider', metadata, spec };
    stage.server.put(object, 'outlookproviders');
  };
  return { ...stage, directory, clock, changed, put };
}

const keys = (found: readonly { readonly key: string }[]): string[] => found.map(({ key }) => key);

test('a name leads to all that bear it, and no longer to who has another', async () => {
  const { directory, changed, put } = await openScene();
  put('anna', { emailAddress: 'Shared@contoso.example' });
  put('bob', { emailAddress: 'bob@contoso.example', userPrincipalName: 'shared@contoso.example' });
  await changed.until(() => directory.byAddress('SHARED@contoso.example').length === 2);
  put('anna', { emailAddress: 'anna@contoso.example' });
  await changed.until(() => directory.byAddress('anna@contoso.example').length === 1);
  expect(keys(directory.byAddress('shared@contoso.example'))).toEqual(['team/bob']);
  const uid = directory.get('team/anna')?.uid ?? '';
  expect(keys(directory.byProviderId(uid.toUpperCase()))).toEqual(['team/anna']);
  expect(directory.byAddress('constructor')).toEqual([]);
});

test('a deleted provider is found by nothing', async () => {
  const { server, directory, changed, put } = await openScene();
  put('anna', { emailAddress: 'anna@contoso.example' });
  await changed.until(() => directory.byAddress('anna@contoso.example').length === 1);
  const [stored] = server.store.all('outlooksync.dev/v1alpha1/outlookproviders');
  if (stored !== undefined) server.store.delete('outlooksync.dev/v1alpha1/outlookproviders', stored);
  await changed.until(() => directory.get('team/anna') === undefined);
  expect(directory.byAddress('anna@contoso.example')).toEqual([]);
});

test('without a watch nothing is relied upon at once, and after a while that is told', async () => {
  const { server, directory, clock } = await openScene();
  await vi.waitFor(() => expect(directory.watchOf('team/anna')?.isWatching).toBe(true));
  server.fault({ isWatch: true, status: 500, times: 1_000 });
  server.watches('outlookproviders')[0]?.reset();
  await clock.timerWithin(1_000);
  expect(directory.watchOf('team/anna')?.isWatching).toBe(false);
  expect(directory.unfollowedFor(30_000)).toEqual([]);
  clock.advance(30_000);
  expect(directory.unfollowedFor(30_000)).toEqual(['']);
  await clock.timerWithin(30_000);
  server.clearFaults();
  clock.advance(30_000);
  await vi.waitFor(() => expect(directory.watchOf('team/anna')?.isWatching).toBe(true));
  expect(directory.unfollowedFor(1)).toEqual([]);
});
