// An API server that is gone altogether, watches and all, or answers late, if at all: a 202 is a mark that is there.
import { expect, it, vi } from 'vitest';
import { type ClusterScene, openClusterScene } from './clusterScene.ts';

/** With the providers p0, p1 and so on, when they are known. */
async function openKnown(writeTimeoutMs: number, count = 2): Promise<ClusterScene> {
  const scene = await openClusterScene({ OUTLOOK_WEBHOOK_WRITE_TIMEOUT_MS: String(writeTimeoutMs) });
  for (let n = 0; n < count; n += 1) scene.provider(`p${n}`);
  await vi.waitFor(async () =>
    expect(await scene.metrics()).toContain(`informer_objects{kind="OutlookProvider"} ${count}\n`),
  );
  await vi.waitFor(async () => expect(await scene.probe('/readyz')).toBe(200));
  return scene;
}

const markOf = (scene: ClusterScene, name: string): string | undefined =>
  scene.statusOf(name)['syncRequestedAt'];

it('while it is gone nothing is promised, also where a mark waited before; once it is back all is kept', async () => {
  const scene = await openKnown(300);
  expect(await scene.notify('p0')).toBe(202);
  const before = markOf(scene, 'p0');
  scene.server.fault({ reset: true, times: 1_000_000 });
  for (const watch of scene.server.watches('outlookproviders')) watch.reset();
  // The webhook notices a moment later; until then it relies on the mark that waits.
  await vi.waitFor(async () => expect(await scene.notify('p0')).toBe(503), 5_000);
  expect(await scene.notify('p1')).toBe(503);
  expect([markOf(scene, 'p0'), markOf(scene, 'p1')]).toEqual([before, undefined]);
  scene.server.clearFaults();
  expect(await scene.notify('p1')).toBe(202);
  expect(markOf(scene, 'p1')).toBeDefined();
  expect(await scene.notify('p0')).toBe(202);
  expect((markOf(scene, 'p0') ?? '') > (before ?? '')).toBe(true);
  await vi.waitFor(() => expect(scene.server.watches('outlookproviders')).toHaveLength(1), 10_000);
});

it('an answer that is late within the time for it is waited for: 202, and not before the mark', async () => {
  const scene = await openKnown(10_000);
  const held = Promise.withResolvers<undefined>();
  scene.server.fault({ method: 'PATCH', holdUntil: held.promise });
  let code = 0;
  const answer = scene.notify('p0').then((status) => {
    code = status;
  });
  await scene.server.until(() => scene.writes().length === 1);
  expect(await scene.notify('p1')).toBe(202);
  expect([code, markOf(scene, 'p0')]).toEqual([0, undefined]);
  held.resolve(undefined);
  await answer;
  expect(code).toBe(202);
  expect(markOf(scene, 'p0')).toBeDefined();
});

it('whatever fails in between, no 202 is without a mark', async () => {
  const scene = await openKnown(300, 15);
  const troubles = [{ status: 500 }, { reset: true }, { resetAfter: true }, { hang: true }, { status: 409 }];
  const codes: number[] = [];
  for (let n = 0; n < 15; n += 1) {
    const trouble = troubles[n % troubles.length];
    scene.server.fault({ method: 'PATCH', times: 1 + (n % 3), ...trouble });
    const name = `p${n}`;
    const code = await scene.notify(name);
    codes.push(code);
    if (code === 202) expect(markOf(scene, name), name).toBeDefined();
    scene.server.clearFaults();
  }
  expect(new Set(codes)).toEqual(new Set([202, 503]));
});
