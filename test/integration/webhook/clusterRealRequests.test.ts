// What leads to a mark on the real API server, and what does not, from a webhook that asks for a token and signatures.
import { expect, test, vi } from 'vitest';
import { signClientState } from '../../../api/clientState.ts';
import { providers } from '../../e2e/kinds.ts';
import { realScene, type Started } from './realScene.ts';

const { namespace, client, start, create, markOf } = realScene();

const token = 'a-token-that-nobody-is-to-see';
const secret = 'a-secret-that-nobody-is-to-see';
const query = `?token=${token}`;

const open = (): Promise<Started> =>
  start({
    OUTLOOK_PUSH_WEBHOOK_TOKEN: token,
    OUTLOOK_PUSH_CLIENT_STATE_SECRET: secret,
    LOG_LEVEL: 'trace',
  });

const notificationOf = (uid: string): object => ({
  value: [
    {
      subscriptionId: 'sub',
      clientState: signClientState(secret, uid),
      changeType: 'created',
      resource: 'me',
    },
  ],
});

test('a provider is found by its row, by its address, and by a signed notification', async () => {
  const byRow = await create('by-row');
  await create('by-address');
  const byNotification = await create('by-notification');
  const { post } = await open();
  expect(await post({ providerId: byRow }, query)).toBe(202);
  expect(await markOf('by-row')).toBeDefined();
  expect(await post({ emailAddress: 'by-address@contoso.example' }, query)).toBe(202);
  expect(await markOf('by-address')).toBeDefined();
  expect(await post(notificationOf(byNotification), query)).toBe(202);
  expect(await markOf('by-notification')).toBeDefined();
});

test('a hundred notifications at once are few writes, and a new one once that mark was handled', async () => {
  const uid = await create('busy');
  const { webhook, post } = await open();
  const codes = await Promise.all(Array.from({ length: 100 }, () => post(notificationOf(uid), query)));
  expect(new Set(codes)).toEqual(new Set([202]));
  const written = /marks_total\{result="written"\} (\d+)/.exec(await webhook.metrics())?.[1];
  expect(['1', '2', '3']).toContain(written);
  const first = (await markOf('busy')) ?? '';
  const handled = { status: { lastHandledSyncRequest: first } };
  await client().mergePatch(providers, { namespace, name: 'busy' }, handled, { subresource: 'status' });
  // Until the watch has shown it, the mark still counts as one that waits.
  await vi.waitFor(async () => {
    expect(await post(notificationOf(uid), query)).toBe(202);
    expect(((await markOf('busy')) ?? '') > first).toBe(true);
  }, 10_000);
});

test('who is suspended or unknown is answered alike, and not marked', async () => {
  const uid = await create('resting', { suspend: true });
  const { webhook, post } = await open();
  expect(await post(notificationOf(uid), query)).toBe(202);
  expect(await post({ emailAddress: 'nobody@contoso.example' }, query)).toBe(202);
  expect(await markOf('resting')).toBeUndefined();
  expect(await webhook.metrics()).toMatch(/marks_total\{result="written"\} 0\n/);
});

test('a provider that was made anew under its name is found by its new row, and no longer by the old', async () => {
  const old = await create('again');
  const { webhook, post } = await open();
  await client().delete(providers, { namespace, name: 'again' });
  const uid = await create('again');
  await vi.waitFor(async () => {
    expect(await post({ providerId: uid }, query)).toBe(202);
    expect(await markOf('again')).toBeDefined();
  }, 10_000);
  const before = await markOf('again');
  const unknown = async (): Promise<number> =>
    Number(/notifications_total\{outcome="unknown"\} (\d+)/.exec(await webhook.metrics())?.[1]);
  const unknownBefore = await unknown();
  expect(await post(notificationOf(old), query)).toBe(202);
  expect([await unknown(), await markOf('again')]).toEqual([unknownBefore + 1, before]);
});

test('no line of the log has a secret, a token or an address in it', async () => {
  const uid = await create('quiet');
  const { webhook, post } = await open();
  const wrong = 'a-wrong-token-of-somebody';
  expect(await post(notificationOf(uid), query)).toBe(202);
  expect(await post({ emailAddress: 'quiet@contoso.example' }, query)).toBe(202);
  expect(await post({ emailAddress: 'quiet@contoso.example' }, `?token=${wrong}`)).toBe(401);
  expect(await post({ value: [{ subscriptionId: 'sub', clientState: 'a-forged-state' }] }, query)).toBe(202);
  expect(await webhook.kill('SIGTERM')).toBe(0);
  const log = JSON.stringify(webhook.log());
  expect(log).toContain('Stopped');
  for (const hidden of [token, secret, wrong, 'a-forged-state', '@contoso.example']) {
    expect(log).not.toContain(hidden);
  }
});
