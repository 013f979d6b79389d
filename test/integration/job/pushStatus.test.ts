// What the resource says of the subscription, and that the run hears what Graph told the webhook of it.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fieldManagers, outlookProviders } from '../../../api/resource.ts';
import { SHARED_START_TIMEOUT_MS } from '../../harness/cluster/shared.ts';
import { realAccess } from './clusterAccess.ts';
import { ClusterScene, type Place } from './clusterScene.ts';
import {
  columnsOf,
  pushEnv,
  type Receiver,
  secret,
  startReceiver,
  subscriptionOf,
  subscriptionRequests,
  token,
} from './pushStage.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
let cluster: ClusterScene;
let receiver: Receiver;
beforeAll(async () => {
  scene = await openScene();
  scene.secrets.add('the webhook token', token);
  scene.secrets.add('the client state secret', secret);
  cluster = new ClusterScene(scene, await realAccess());
}, SHARED_START_TIMEOUT_MS);
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());
afterAll(async () => {
  await cluster.close();
  await scene.close();
});

async function settle(): Promise<{ user: User; place: Place }> {
  const user = scene.addUser({ messages: 2 });
  return { user, place: await cluster.addPlace(user) };
}

const conditionOf = async (place: Place) =>
  (await place.status()).conditions?.find(({ type }) => type === 'PushSubscribed');

describe('the resource', () => {
  it('says that there is a subscription, until when, and that there is none any more', async () => {
    const { user, place } = await settle();
    const told = await place.synced({ env: pushEnv(receiver) });
    const { id, expirationDateTime: expiresAt, clientState } = subscriptionOf(scene, user);
    scene.secrets.add('a clientState', clientState);
    expect((await place.status()).subscription).toEqual({ id, expiresAt });
    expect(told.report?.push).toMatchObject({ reason: 'Subscribed', subscription: { id, expiresAt } });
    expect(await conditionOf(place)).toMatchObject({
      status: 'True',
      reason: 'Subscribed',
      observedGeneration: 1,
    });
    await place.synced({ job: 'anna-sync-2' });
    expect((await place.status()).subscription).toBeUndefined();
    expect(await conditionOf(place)).toMatchObject({ status: 'False', reason: 'NotConfigured' });
  });

  it('says why there is none, with the words of nobody else', async () => {
    const { place } = await settle();
    receiver.status = 500;
    await place.synced({ env: pushEnv(receiver) });
    const condition = await conditionOf(place);
    expect(condition).toMatchObject({ status: 'False', reason: 'SubscriptionFailed' });
    expect(condition?.message).toContain('(400 ValidationError)');
    expect(condition?.message).not.toContain('?');
    expect((await place.status()).subscription).toBeUndefined();
    expect((await place.status()).phase).toBe('Connected');
  });

  it('keeps what it said where a run does not get that far', async () => {
    const { user, place } = await settle();
    await place.synced({ env: pushEnv(receiver) });
    const before = await place.status();
    user.mailbox.grants.revoke('revoked');
    await user.change('"tokenExpiry" = NULL');
    const failed = await place.sync({ env: pushEnv(receiver), job: 'anna-sync-2' });
    expect(failed.code).toBe(77);
    expect((await place.status()).subscription).toEqual(before.subscription);
    expect(await conditionOf(place)).toEqual(
      before.conditions?.find(({ type }) => type === 'PushSubscribed'),
    );
  });
});

describe('the Events', () => {
  it('tell that it failed, and that it is there again, each once, and never the URL', async () => {
    const { place } = await settle();
    const run = (job: string) => place.synced({ env: pushEnv(receiver), job });
    const told = async (): Promise<string[]> =>
      (await place.events())
        .filter(({ reason }) => reason.startsWith('Subscri'))
        .map(({ type, reason, note }) => `${type} ${reason}: ${note}`)
        .sort();
    receiver.status = 500;
    await run('anna-sync-1');
    await run('anna-sync-2');
    const [failure = '', ...others] = await told();
    expect(others).toEqual([]);
    expect(failure).toMatch(
      /^Warning SubscriptionFailed: Graph refused to create the subscription \(400 ValidationError\)/,
    );
    expect(failure).not.toMatch(/[?&=]|http/);
    receiver.status = 200;
    await run('anna-sync-3');
    await run('anna-sync-4');
    expect(await told()).toEqual(['Normal Subscribed: Graph notifies the webhook of changes', failure]);
  });
});

describe('an event of the subscription’s life', () => {
  const tell = async (place: Place, at: Date): Promise<void> => {
    const ref = { namespace: place.namespace, name: place.name };
    const subscriptionEvent = { event: 'reauthorizationRequired', at: at.toISOString() };
    const options = { fieldManager: fieldManagers.webhook, subresource: 'status' } as const;
    await place.admin.mergePatch(outlookProviders, ref, { status: { subscriptionEvent } }, options);
  };

  it('has it renewed once, with a pass for what Graph held back meanwhile', async () => {
    const { user, place } = await settle();
    await place.synced({ env: pushEnv(receiver) });
    await tell(place, new Date());
    scene.graph.clearRequests();
    const told = await place.synced({ env: pushEnv(receiver), job: 'anna-sync-2' });
    expect(told.log.filter(({ msg }) => msg === 'Finished a pass')).toHaveLength(2);
    expect(subscriptionRequests(scene.graph)).toEqual(['PATCH 200']);
    expect((await place.status()).subscription).toMatchObject({ id: subscriptionOf(scene, user).id });
    scene.graph.clearRequests();
    await place.synced({ env: pushEnv(receiver), job: 'anna-sync-3' });
    expect(subscriptionRequests(scene.graph)).toEqual(['GET 200']);
  });

  it('of one that is gone has it made anew', async () => {
    const { user, place } = await settle();
    await place.synced({ env: pushEnv(receiver) });
    const { id } = subscriptionOf(scene, user);
    await tell(place, new Date());
    scene.graph.forgetSubscription(id);
    scene.graph.clearRequests();
    await place.synced({ env: pushEnv(receiver), job: 'anna-sync-2' });
    expect(subscriptionRequests(scene.graph)).toEqual(['PATCH 404', 'GET 200', 'POST 201']);
    expect((await place.status()).subscription).toMatchObject({ id: subscriptionOf(scene, user).id });
    expect(await columnsOf(scene, user)).toMatchObject({ id: subscriptionOf(scene, user).id });
  });
});
