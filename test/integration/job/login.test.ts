// The token endpoint: when it is asked, what its refusals lead to, and what is kept of its answers.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultReply } from '../../harness/graph/faults.ts';
import { loginFault } from '../../harness/graph/loginErrors.ts';
import { expectedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

const noRetries = { OUTLOOK_SYNC_SCHEDULER_RETRIES: '0' };

/** Lets the next logins go wrong. Returns what ends that. */
const breakLogin = (reply: FaultReply, times = Infinity) =>
  scene.graph.faults.add({ when: ({ kind }) => kind === 'token', reply, times });

/** How often the login was asked during `run`, and how often Graph. */
async function counted<T>(run: () => Promise<T>): Promise<{ told: T; logins: number; requests: number }> {
  scene.graph.clearRequests();
  const told = await run();
  return { told, logins: scene.graph.tokenRequests.length, requests: scene.graph.requests.length };
}

async function failed(user: User, env: Record<string, string> = noRetries) {
  const { told, logins, requests } = await counted(() => user.sync({ env }));
  return {
    code: told.code,
    error: told.summary.error?.code,
    attempts: told.summary['attempts'],
    logins,
    requests,
  };
}

describe('a grant that is dead', () => {
  it.each(['revoked', 'expired', 'consent-withdrawn', 'mfa-required', 'sign-in-frequency'] as const)(
    '(%s) ends the run at once: one login request, no request to Graph, 77',
    async (kind) => {
      const user = scene.addUser({ messages: 3 });
      user.mailbox.revokeGrant(kind);
      const expected = { code: 77, error: 'ReauthorizationRequired', attempts: 1, logins: 1, requests: 0 };
      expect(await failed(user, { OUTLOOK_SYNC_SCHEDULER_RETRIES: '3' })).toEqual(expected);
      const row = await user.provider();
      expect(row).toMatchObject({ status: 'error', syncLeaseExpiresAt: null });
      expect(row.lastSyncError).toContain('ReauthorizationRequired');
    },
  );

  it('leaves the messages where they are', async () => {
    const user = scene.addUser({ messages: 20 });
    await user.synced();
    const stored = await user.messages();
    user.mailbox.revokeGrant();
    await user.change('"tokenExpiry" = NULL');
    await failed(user);
    expect(await user.messages()).toEqual(stored);
  });

  it('is no seed at all: 77, without a login request', async () => {
    const user = scene.addUser();
    expect(await failed(user, { OUTLOOK_REFRESH_TOKEN: '' })).toEqual({
      code: 77,
      error: 'RefreshTokenMissing',
      attempts: 1,
      logins: 0,
      requests: 0,
    });
  });
});

describe('a refusal that is not the user’s', () => {
  it('of the client secret is 77, and no user is asked to sign in', async () => {
    const user = scene.addUser();
    const expected = { code: 77, error: 'ClientCredentialsInvalid', attempts: 1, logins: 1, requests: 0 };
    expect(await failed(user, { OUTLOOK_CLIENT_SECRET: 'not the secret' })).toEqual(expected);
    expect(await failed(user, { OUTLOOK_CLIENT_SECRET: '' })).toEqual(expected);
  });

  it.each([
    ['expired-secret', 'ClientCredentialsInvalid'],
    ['unknown-client', 'ClientUnauthorized'],
    ['unknown-scope', 'LoginRequestInvalid'],
    ['bad-tenant', 'LoginRequestInvalid'],
  ] as const)('(%s) is 77 and %s, after one request', async (kind, error) => {
    const user = scene.addUser();
    const mend = breakLogin(loginFault(kind));
    expect(await failed(user)).toEqual({ code: 77, error, attempts: 1, logins: 1, requests: 0 });
    mend();
  });

  it('(AADSTS50196, a loop) is 75, for all that it comes as invalid_grant', async () => {
    const user = scene.addUser();
    const mend = breakLogin(loginFault('loop'));
    expect(await failed(user)).toMatchObject({ code: 75, error: 'LoginThrottled', requests: 0 });
    mend();
  });
});

describe('a login that is not to be had', () => {
  it.each<[string, FaultReply]>([
    ['answers 503', loginFault('temporarily-unavailable')],
    ['answers 502 with HTML', { status: 502, body: '<html>Bad Gateway</html>' }],
    ['answers 200 with HTML', { status: 200, body: '<html>Sign in to the hotel’s network</html>' }],
    ['answers 200 with JSON that holds no token', { status: 200, body: { token_type: 'Bearer' } }],
    ['closes the connection', { reset: true }],
  ])('(%s) for ever is 75, and the row is as it was', async (_what, reply) => {
    const user = scene.addUser();
    const mend = breakLogin(reply);
    expect(await failed(user)).toMatchObject({ code: 75, error: 'LoginUnavailable', requests: 0 });
    mend();
    expect(await user.provider()).toMatchObject({ accessToken: null, refreshToken: null, status: 'error' });
  });

  it.each<[string, FaultReply]>([
    ['answers 503', loginFault('temporarily-unavailable')],
    ['closes the connection', { reset: true }],
    ['throttles for a second', loginFault('throttled', { 'retry-after': '1' })],
  ])('(%s) once costs no attempt', async (_what, reply) => {
    const user = scene.addUser();
    breakLogin(reply, 1);
    const { told, logins } = await counted(() => user.synced());
    expect({ logins, attempts: told.summary['attempts'] }).toEqual({ logins: 2, attempts: 1 });
  });

  it('waits for Retry-After, and not beyond the deadline: then it is 75 and the row says until when', async () => {
    const user = scene.addUser();
    const mend = breakLogin(loginFault('throttled', { 'retry-after': '3600' }));
    const from = Date.now() + 3_590_000;
    expect(await failed(user)).toMatchObject({ code: 75, error: 'LoginThrottled', logins: 1, attempts: 1 });
    mend();
    const { lastSyncError } = await user.provider();
    const until = Date.parse(/\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(lastSyncError ?? '')?.[0] ?? '');
    expect(until).toBeGreaterThan(from);
    expect(until).toBeLessThan(Date.now() + 3_660_000);
  });

  it('(silence) is 75', async () => {
    const user = scene.addUser();
    const mend = breakLogin({ hang: true });
    const env = { ...noRetries, OUTLOOK_SYNC_REQUEST_TIMEOUT_MS: '200' };
    expect(await failed(user, env)).toMatchObject({ code: 75, error: 'LoginUnavailable', requests: 0 });
    mend();
  });
});

describe('an access token', () => {
  it('is used while it is good for more than five minutes', async () => {
    const user = scene.addUser({ messages: 3 });
    expect((await counted(() => user.synced())).logins).toBe(1);
    expect((await counted(() => user.synced())).logins).toBe(0);
    await user.change(`"tokenExpiry" = timezone('UTC', now()) + interval '6 minutes'`);
    expect((await counted(() => user.synced())).logins).toBe(0);
  });

  it.each([
    `timezone('UTC', now()) + interval '290 seconds'`,
    `timezone('UTC', now()) - interval '1 day'`,
    'NULL',
  ])(
    'is refreshed where it expires within five minutes, has expired, or nobody knows (%s)',
    async (expiry) => {
      const user = scene.addUser({ messages: 3 });
      await user.synced();
      await user.change(`"tokenExpiry" = ${expiry}`);
      expect((await counted(() => user.synced())).logins).toBe(1);
      const { tokenExpiry } = await user.provider();
      expect(tokenExpiry?.getTime()).toBeGreaterThan(Date.now() + 3_500_000);
      expect(tokenExpiry?.getTime()).toBeLessThan(Date.now() + 3_700_000);
    },
  );

  it('that Graph rejects is refreshed once, however many requests it was for', async () => {
    const user = scene.addUser({ messages: 30 });
    await user.synced();
    user.mailbox.createMessage({ subject: 'News' });
    scene.graph.expireAccessTokens();
    const { told, logins } = await counted(() => user.synced());
    expect({ logins, attempts: told.summary['attempts'] }).toEqual({ logins: 1, attempts: 1 });
  });

  it('that Graph rejects for some requests of a batch does not make folders look absent', async () => {
    const user = scene.addUser({ messages: 60 });
    let rejected = 0;
    const mend = scene.graph.faults.add({
      when: ({ kind, mailbox }) => kind === 'batched' && mailbox === user.mailbox.email && rejected++ < 9,
      reply: { status: 401, body: { error: { code: 'InvalidAuthenticationToken', message: 'expired' } } },
      times: Infinity,
    });
    const { summary } = await user.synced();
    mend();
    expect(rejected).toBeGreaterThan(9);
    expect(summary).toMatchObject({ attempts: 1, cursor: 'Steady' });
    const ids = (await user.messages()).map(({ externalMessageId }) => externalMessageId);
    expect(ids).toEqual(expectedRows(user.mailbox).map(({ externalMessageId }) => externalMessageId));
  });

  it('that Graph rejects for ever ends the run with 77 and does not hammer the login', async () => {
    const user = scene.addUser({ messages: 3 });
    const mend = scene.graph.faults.add({
      when: ({ kind, mailbox }) => kind === 'graph' && mailbox === user.mailbox.email,
      reply: { status: 401, body: { error: { code: 'InvalidAuthenticationToken', message: 'no' } } },
      times: Infinity,
    });
    const { logins, ...outcome } = await failed(user, { OUTLOOK_SYNC_SCHEDULER_RETRIES: '3' });
    mend();
    expect(outcome).toMatchObject({ code: 77, error: 'AccessTokenRejected', attempts: 1 });
    expect(logins).toBeLessThanOrEqual(2);
  });

  it('that dies in the middle of a long run is refreshed there', async () => {
    const user = scene.addUser({ messages: 60 });
    let seen = 0;
    const mend = scene.graph.faults.add({
      when: ({ kind, path }) => {
        if (kind === 'graph' && path.endsWith('/messages/delta')) seen += 1;
        if (seen === 3) scene.graph.expireAccessTokens();
        return false;
      },
      reply: {},
    });
    const { told } = await counted(() => user.synced({ env: { OUTLOOK_SYNC_PAGE_SIZE: '5' } }));
    mend();
    expect(told.summary).toMatchObject({ cursor: 'Steady', attempts: 1 });
  });
});
