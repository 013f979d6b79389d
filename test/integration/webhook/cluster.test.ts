// From a notification to a mark, on an API server that is slow, refuses or is away.
import { describe, expect, it, vi } from 'vitest';
import { type ClusterScene, openClusterScene } from './clusterScene.ts';

const soon = { OUTLOOK_WEBHOOK_WRITE_TIMEOUT_MS: '300' };

/** With the provider anna, when it is known. */
async function openKnown(env: Record<string, string> = {}): Promise<ClusterScene> {
  const scene = await openClusterScene(env);
  scene.provider('anna');
  await vi.waitFor(async () => expect(await scene.metrics()).toMatch(/informer_objects\S* 1\n/));
  await vi.waitFor(async () => expect(await scene.probe('/readyz')).toBe(200));
  return scene;
}

describe('a notification', () => {
  it('is one write of a mark into the status, by the webhook and no other', async () => {
    const scene = await openKnown();
    expect(await scene.notify('anna')).toBe(202);
    const [write, ...others] = scene.writes();
    expect(others).toEqual([]);
    expect(write?.path).toMatch(/\/namespaces\/team\/outlookproviders\/anna\/status$/);
    expect(write?.query['fieldManager']).toBe('outlook-sync-webhook');
    expect(write?.headers['user-agent']).toBe('outlook-sync-webhook (webhook-0)');
    const { syncRequestedAt } = scene.statusOf('anna');
    expect(write?.body).toMatchObject({ status: { syncRequestedAt } });
  });

  it('of many at once shares its write with them', async () => {
    const scene = await openKnown();
    const codes = await Promise.all(Array.from({ length: 200 }, () => scene.notify('anna')));
    expect(new Set(codes)).toEqual(new Set([202]));
    expect(scene.writes().length).toBeLessThanOrEqual(2);
    expect(await scene.metrics()).toMatch(/marks_total\{result="written"\} [12]\n/);
  });

  it('gets a new mark once a Job was made for the one before', async () => {
    const scene = await openKnown();
    await scene.notify('anna');
    expect(await scene.notify('anna')).toBe(202);
    expect(scene.writes()).toHaveLength(1);
    const { syncRequestedAt: first = '' } = scene.statusOf('anna');
    scene.provider('anna', { lastHandledSyncRequest: first });
    await vi.waitFor(async () => {
      expect(await scene.notify('anna')).toBe(202);
      expect(scene.writes().length).toBeGreaterThan(1);
    });
    const { syncRequestedAt: second = '' } = scene.statusOf('anna');
    expect(second > first).toBe(true);
  });

  it.each([
    ['answers with 500', { status: 500 }],
    ['never answers', { hang: true }],
    ['breaks every connection', { reset: true }],
    ['forbids it', { status: 403 }],
  ])('is refused in time while the API server %s, and kept after that', async (_what, fault) => {
    const scene = await openKnown(soon);
    scene.server.fault({ method: 'PATCH', times: 1_000, ...fault });
    expect(await scene.notify('anna')).toBe(503);
    expect(scene.statusOf('anna')['syncRequestedAt']).toBeUndefined();
    scene.server.clearFaults();
    expect(await scene.notify('anna')).toBe(202);
    expect(scene.statusOf('anna')['syncRequestedAt']).toBeDefined();
  });

  it('is kept though the answer to the first write was lost', async () => {
    const scene = await openKnown();
    scene.server.fault({ method: 'PATCH', resetAfter: true });
    expect(await scene.notify('anna')).toBe(202);
    expect(scene.writes()).toHaveLength(2);
  });

  it('is refused where the installed CRD drops the mark', async () => {
    const scene = await openKnown(soon);
    const body = {
      apiVersion: 'outlooksync.dev/v1alpha1',
      kind: 'OutlookProvider',
      metadata: { namespace: 'team', name: 'anna', uid: 'x', resourceVersion: '2000' },
      status: {},
    };
    scene.server.fault({ method: 'PATCH', status: 200, body });
    expect(await scene.notify('anna')).toBe(503);
  });
});

it('nothing is promised before the cluster is listed', async () => {
  const listed = Promise.withResolvers<undefined>();
  const scene = await openClusterScene({}, [{ method: 'GET', isWatch: false, holdUntil: listed.promise }]);
  scene.provider('anna');
  expect(await scene.probe('/readyz')).toBe(503);
  expect(await scene.notify('anna')).toBe(503);
  listed.resolve(undefined);
  await vi.waitFor(async () => expect(await scene.probe('/readyz')).toBe(200));
  expect(await scene.notify('anna')).toBe(202);
  expect(scene.writes()).toHaveLength(1);
});

it('providers of other namespaces are not looked at', async () => {
  const scene = await openKnown({ OUTLOOK_WEBHOOK_WATCH_NAMESPACES: 'team,crew' });
  scene.provider('eve', {}, 'elsewhere');
  scene.provider('bob', {}, 'crew');
  await vi.waitFor(async () => expect(await scene.metrics()).toMatch(/informer_objects\S* 2\n/));
  expect(await scene.notify('eve')).toBe(202);
  expect(await scene.notify('bob')).toBe(202);
  expect(scene.writes().map(({ path }) => path)).toEqual([expect.stringContaining('/crew/')]);
});

it('a stop answers what is in hand, once that is kept', async () => {
  const scene = await openKnown();
  const kept = Promise.withResolvers<undefined>();
  scene.server.fault({ method: 'PATCH', holdUntil: kept.promise });
  const answer = scene.notify('anna');
  await scene.server.until(() => scene.writes().length === 1);
  const stopped = scene.stop();
  kept.resolve(undefined);
  expect(await answer).toBe(202);
  await stopped;
  await expect(scene.notify('anna')).rejects.toThrow();
});
