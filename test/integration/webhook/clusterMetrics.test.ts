// What the Internet sends never becomes a label of a metric.
import { expect, test, vi } from 'vitest';
import { openClusterScene } from './clusterScene.ts';

test('no path, parameter or address that somebody sends is in the metrics, and no provider', async () => {
  const scene = await openClusterScene();
  scene.provider('anna');
  await vi.waitFor(async () => expect(await scene.metrics()).toMatch(/informer_objects\S* 1\n/));
  await vi.waitFor(async () => expect(await scene.probe('/readyz')).toBe(200));
  expect(await scene.probe('/made-up?providerId=made-up')).toBe(404);
  expect(await scene.notify('made-up')).toBe(202);
  expect(await scene.notify('anna')).toBe(202);
  const told = await scene.metrics();
  expect(told).toMatch(/requests_total\{route="other",code="404"\} 1\n/);
  expect(told).toMatch(/notifications_total\{outcome="unknown"\} 1\n/);
  expect(told).toMatch(/notifications_total\{outcome="accepted"\} 1\n/);
  expect(told).not.toMatch(/made-up|anna|contoso/);
});
