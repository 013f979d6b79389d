// The webhook as it is shipped, with the rights that are shipped, on the real API server.
import { expect, test, vi } from 'vitest';
import { WEBHOOK } from '../../e2e/access.ts';
import { providers } from '../../e2e/kinds.ts';
import { realScene } from './realScene.ts';

const { namespace, client, start, create, markOf } = realScene();

test('what was answered is kept, though the webhook is killed right after', async () => {
  await create('anna');
  await create('bob');
  const { webhook, notify } = await start();
  const codes = await Promise.all(Array.from({ length: 50 }, () => notify('anna@contoso.example')));
  await webhook.kill('SIGKILL');
  expect(new Set(codes)).toEqual(new Set([202]));
  expect(await markOf('anna')).toBeDefined();
  expect(await markOf('bob')).toBeUndefined();
});

test('of two webhooks both answer, and neither turns back the mark of the other', async () => {
  await create('carl');
  const [one, two] = await Promise.all([start(), start()]);
  expect(await one.notify('carl@contoso.example')).toBe(202);
  const mark = await markOf('carl');
  expect(await two.notify('carl@contoso.example')).toBe(202);
  const { metadata } = await client().get(providers, { namespace, name: 'carl' });
  expect((await markOf('carl')) ?? '').toSatisfy((later: string) => later >= (mark ?? ''));
  expect(metadata.managedFields).toContainEqual(expect.objectContaining({ manager: WEBHOOK }));
});

test('of many whose marks wait one is written anew when they have waited for long, and all are answered', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `waiting-${index}`);
  for (const name of names) await create(name);
  const { webhook, notify } = await start();
  const written = async (): Promise<number> =>
    Number(/marks_total\{result="written"\} (\d+)/.exec(await webhook.metrics())?.[1]);
  const notifyAll = async (): Promise<void> => {
    const codes = await Promise.all(names.map((name) => notify(`${name}@contoso.example`)));
    expect(new Set(codes)).toEqual(new Set([202]));
  };
  await notifyAll();
  const first = await written();
  expect(first).toBeGreaterThanOrEqual(20);
  const marks = await Promise.all(names.map((name) => markOf(name)));
  await vi.waitFor(
    async () => {
      await notifyAll();
      expect(await written()).toBeGreaterThan(first);
    },
    { timeout: 20_000, interval: 200 },
  );
  const later = await Promise.all(names.map((name) => markOf(name)));
  const renewed = names.filter((_, index) => later[index] !== marks[index]);
  expect(renewed.length).toBeGreaterThan(0);
  expect(renewed.length).toBeLessThanOrEqual(5);
});

test('of a provider that has gone the API server says so in its own words', async () => {
  const write = client().mergePatch(providers, { namespace, name: 'nobody' }, {}, { subresource: 'status' });
  await expect(write).rejects.toMatchObject({ kind: 'notFound', reason: 'NotFound' });
});

test('a stop ends it with 0', async () => {
  const { webhook } = await start();
  expect(await webhook.kill('SIGTERM')).toBe(0);
});
