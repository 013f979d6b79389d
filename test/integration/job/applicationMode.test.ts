// App-only access: client credentials, a tenant of its own, and /users/{id} in place of /me, in every request.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

function applicationOf(user: User): Record<string, string> {
  const env = {
    OUTLOOK_AUTH_MODE: 'Application',
    OUTLOOK_TENANT_ID: 'contoso.onmicrosoft.com',
    OUTLOOK_TOKEN_URL: scene.graph.tokenUrlOf('contoso.onmicrosoft.com'),
    OUTLOOK_REFRESH_TOKEN: '',
  };
  Object.assign(user.env, env);
  return env;
}

it('syncs a mailbox by its address, with no refresh token anywhere', async () => {
  const user = scene.addUser({ messages: 60, folders: 'rich' });
  applicationOf(user);
  scene.graph.clearRequests();
  const { summary } = await user.synced();
  expect(summary).toMatchObject({ cursor: 'Steady', attempts: 1 });
  const ids = (await user.messages()).map(({ externalMessageId }) => externalMessageId);
  expect(ids).toEqual(expectedRows(user.mailbox).map(({ externalMessageId }) => externalMessageId));
  expect(scene.graph.tokenRequests).toEqual([
    expect.objectContaining({
      grantType: 'client_credentials',
      tenant: 'contoso.onmicrosoft.com',
      status: 200,
    }),
  ]);
  const asked = scene.graph.requests.flatMap((request) => [request, ...(request.batch ?? [])]);
  const mailboxPaths = asked.map(({ path }) => path).filter((path) => path !== '/v1.0/$batch');
  expect(mailboxPaths.length).toBeGreaterThan(10);
  for (const path of mailboxPaths) expect(path).toContain(`/v1.0/users/${user.mailbox.email}/`);
  expect(await user.provider()).toMatchObject({
    refreshToken: null,
    accessToken: expect.stringMatching(/^osk1:/) as string,
  });
});

it('keeps the app’s token for the next run, and confirms removals under the same path', async () => {
  const user = scene.addUser({ messages: 20 });
  applicationOf(user);
  await user.synced();
  const [victim] = await user.messages();
  user.mailbox.deleteMessage(victim?.externalMessageId ?? '', { hard: true });
  scene.graph.clearRequests();
  const { summary } = await user.synced();
  expect(summary).toMatchObject({ removed: 1, upserted: 0 });
  expect(scene.graph.tokenRequests).toEqual([]);
});

it('names the mailbox by --user-principal-name where that is not the address', async () => {
  const user = scene.addUser({ messages: 5 });
  applicationOf(user);
  scene.graph.clearRequests();
  await user.synced({ more: ['--user-principal-name', user.mailbox.userId] });
  expect(scene.graph.requests.filter(({ path }) => path.includes(user.mailbox.email))).toEqual([]);
  expect(await user.provider()).toMatchObject({ email: user.mailbox.email });
});

it('tells a mailbox that the tenant does not have: 77', async () => {
  const user = scene.addUser();
  applicationOf(user);
  const { code, summary } = await user.sync({ more: ['--user-principal-name', 'nobody@contoso.example'] });
  expect({ code, error: summary.error?.code }).toEqual({ code: 77, error: 'MailboxNotFound' });
});

it('changes between delegated and app-only access without using one’s token for the other', async () => {
  const user = scene.addUser({ messages: 5 });
  const delegated = { ...user.env };
  await user.synced();
  const application = applicationOf(user);
  scene.graph.clearRequests();
  await user.synced();
  expect(scene.graph.tokenRequests.map(({ grantType }) => grantType)).toEqual(['client_credentials']);
  Object.assign(
    user.env,
    Object.fromEntries(Object.keys(application).map((name) => [name, delegated[name] ?? ''])),
  );
  scene.graph.clearRequests();
  await user.synced();
  expect(scene.graph.tokenRequests.map(({ grantType }) => grantType)).toEqual(['refresh_token']);
});

it('is 77 where the client secret is wrong, without any talk of signing in', async () => {
  const user = scene.addUser();
  applicationOf(user);
  const { code, summary, stderr } = await user.sync({ env: { OUTLOOK_CLIENT_SECRET: 'not the secret' } });
  expect({ code, error: summary.error?.code }).toEqual({ code: 77, error: 'ClientCredentialsInvalid' });
  expect(stderr).not.toMatch(/sign in/i);
});
