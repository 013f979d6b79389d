import { expect, it } from 'vitest';
import type { ControlPlane } from '../../../harness/cluster/controlPlane.ts';
import { serveSharedControlPlane } from '../../../harness/cluster/sharedServer.ts';

it('a control plane is started when somebody asks, and once', async () => {
  let starts = 0;
  let stops = 0;
  const plane: Partial<ControlPlane> = {
    server: 'https://127.0.0.1:1',
    stop: () => {
      stops += 1;
      return Promise.resolve();
    },
  };
  const shared = await serveSharedControlPlane(() => {
    starts += 1;
    return Promise.resolve(plane as ControlPlane);
  });
  expect(starts).toBe(0);
  const answers = await Promise.all([ask(shared.url), ask(shared.url)]);
  expect(answers).toMatchObject([{ server: plane.server }, { server: plane.server }]);
  await shared.stop();
  expect({ starts, stops }).toEqual({ starts: 1, stops: 1 });
});

it('a run that asks for none starts none', async () => {
  const shared = await serveSharedControlPlane(() => Promise.reject(new Error('was started')));
  await expect(shared.stop()).resolves.toBeUndefined();
});

it('the reason why there is none reaches whoever asks, and nobody else gets an answer', async () => {
  const shared = await serveSharedControlPlane(() => Promise.reject(new Error('no kube-apiserver')));
  expect(await ask(shared.url)).toEqual({ error: 'no kube-apiserver' });
  expect((await fetch(new URL('/', shared.url))).status).toBe(404);
  await shared.stop();
});

async function ask(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}
