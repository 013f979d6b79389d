// The tokens of a row: rotated, encrypted at rest, bound to the row, another program's, and lost races.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encrypt, type KeyRing } from '../../../job/store/cipher.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  // As strict as an identity platform may be: a refresh token that has been used is dead.
  scene = await openScene({ revokeRefreshTokenOnUse: true });
});
afterAll(() => scene.close());

const key = (fill: number): string => Buffer.alloc(32, fill).toString('base64');
const ring: KeyRing = [{ id: 'k1', key: Buffer.alloc(32, 7) }];

/** Makes the next run refresh. */
const expire = (user: User): Promise<void> => user.change('"tokenExpiry" = NULL');

/** Everything that the database holds, as text. */
async function dump(): Promise<string> {
  const tables = await scene.database.query<{ name: string }>(
    `SELECT format('%I', tablename) AS "name" FROM pg_tables WHERE schemaname = 'public'`,
  );
  const texts = await Promise.all(
    tables.map(({ name }) =>
      scene.database.query<{ text: string }>(`SELECT t::text AS "text" FROM ${name} t`),
    ),
  );
  return texts.flatMap((rows) => rows.map(({ text }) => text)).join('\n');
}

describe('a rotated refresh token', () => {
  it('is kept, and wins over the seed from which it came', async () => {
    const user = scene.addUser({ messages: 3 });
    for (let run = 0; run < 3; run += 1) {
      await user.synced();
      await expire(user);
    }
    // Nor is the seed needed any more.
    await user.synced({ env: { OUTLOOK_REFRESH_TOKEN: '' } });
  });

  it('is in the database before the answer is used for anything else', async () => {
    const user = scene.addUser({ messages: 3 });
    const mend = scene.graph.faults.add({
      when: ({ kind, mailbox }) => kind === 'graph' && mailbox === user.mailbox.email,
      reply: { hang: true },
    });
    const job = user.start();
    await vi.waitFor(
      () => expect(scene.graph.requests.some(({ mailbox }) => mailbox === user.mailbox.email)).toBe(true),
      { timeout: 20_000 },
    );
    job.kill('SIGKILL');
    expect((await job.outcome).signal).toBe('SIGKILL');
    mend();
    await user.change(`"tokenExpiry" = NULL, "syncLeaseExpiresAt" = NULL`);
    await user.synced();
  });

  it('gives way to a new sign-in, at once, and wins again from then on', async () => {
    const user = scene.addUser({ messages: 3 });
    await user.synced();
    user.env['OUTLOOK_REFRESH_TOKEN'] = user.mailbox.newSignIn();
    scene.graph.clearRequests();
    await user.synced();
    expect(scene.graph.tokenRequests).toHaveLength(1);
    await expire(user);
    await user.synced();
    await expire(user);
    await user.synced();
  });

  it('is not dropped where the answer brings none: the old one stays', async () => {
    const user = scene.addUser({ messages: 3 });
    await user.synced();
    const { refreshToken } = await user.provider();
    await expire(user);
    const mend = scene.graph.faults.add({
      when: ({ kind }) => kind === 'token',
      reply: {
        status: 200,
        body: {
          token_type: 'Bearer',
          expires_in: 3599,
          access_token: scene.graph.issueAccessToken(user.mailbox.email),
        },
      },
    });
    await user.synced();
    mend();
    expect((await user.provider()).refreshToken).toBe(refreshToken);
  });
});

describe('at rest', () => {
  it('no token, secret or key is in the database in clear, in any table', async () => {
    const user = scene.addUser({ messages: 10 });
    await user.synced();
    await expire(user);
    await user.synced();
    user.mailbox.revokeGrant();
    await expire(user);
    await user.sync();
    const text = await dump();
    expect(text).toContain('osk1:k1:');
    expect(scene.secrets.plaintextIn(text)).toEqual([]);
  });

  it('a new first key takes over at once, and the old one can be dropped then', async () => {
    const user = scene.addUser({ messages: 3 });
    await user.synced();
    const before = await user.provider();
    scene.graph.clearRequests();
    await user.synced({ env: { OUTLOOK_TOKEN_ENCRYPTION_KEYS: `k2:${key(8)},k1:${key(7)}` } });
    const after = await user.provider();
    expect([before.accessToken, before.refreshToken]).toEqual([
      expect.stringMatching(/^osk1:k1:/),
      expect.stringMatching(/^osk1:k1:/),
    ]);
    expect([after.accessToken, after.refreshToken]).toEqual([
      expect.stringMatching(/^osk1:k2:/),
      expect.stringMatching(/^osk1:k2:/),
    ]);
    expect(after.tokenExpiry).toEqual(before.tokenExpiry);
    user.env['OUTLOOK_TOKEN_ENCRYPTION_KEYS'] = `k2:${key(8)}`;
    await user.synced();
    expect(scene.graph.tokenRequests).toHaveLength(0);
    await expire(user);
    await user.synced();
  });

  it('a key that was dropped too early is told, and a new sign-in mends it', async () => {
    const user = scene.addUser({ messages: 3 });
    await user.synced();
    const { accessToken, refreshToken } = await user.provider();
    const without = { OUTLOOK_TOKEN_ENCRYPTION_KEYS: `k2:${key(8)}`, OUTLOOK_REFRESH_TOKEN: '' };
    const { code, summary } = await user.sync({ env: without });
    expect({ code, error: summary.error?.code }).toEqual({ code: 77, error: 'TokenUnreadable' });
    expect(summary.error?.message).toContain('OUTLOOK_REFRESH_TOKEN');
    expect(await user.provider()).toMatchObject({ accessToken, refreshToken });
    await user.synced({ env: { ...without, OUTLOOK_REFRESH_TOKEN: user.mailbox.newSignIn() } });
  });

  it('a ciphertext does not open in another row', async () => {
    const owner = scene.addUser({ messages: 3 });
    await owner.synced();
    const { accessToken, refreshToken, tokenExpiry } = await owner.provider();
    const thief = scene.addUser({ messages: 3 });
    await thief.synced();
    await thief.change('"accessToken" = $1, "refreshToken" = $2, "tokenExpiry" = $3', [
      accessToken,
      refreshToken,
      tokenExpiry,
    ]);
    scene.graph.clearRequests();
    const { code, summary } = await thief.sync({ env: { OUTLOOK_REFRESH_TOKEN: '' } });
    expect({ code, error: summary.error?.code }).toEqual({ code: 77, error: 'TokenUnreadable' });
    expect(scene.graph.requests.length + scene.graph.tokenRequests.length).toBe(0);
  });

  it('nor in the other column', async () => {
    const user = scene.addUser({ messages: 3 });
    await user.synced();
    await user.change('"accessToken" = "refreshToken", "refreshToken" = "accessToken"');
    const { summary } = await user.sync({ env: { OUTLOOK_REFRESH_TOKEN: '' } });
    expect(summary.error?.code).toBe('TokenUnreadable');
  });
});

describe('tokens of another program’s encryption', () => {
  const theirs = { accessToken: 'enc:v1:kms-7:c2VjcmV0', refreshToken: 'enc:v1:kms-7:Z3JhbnQ' };

  async function adopted(): Promise<User> {
    const user = scene.addUser({ messages: 3 });
    const columns = `("type", "email", "isActive", "userId", "accessToken", "refreshToken", "tokenExpiry")`;
    await scene.database.query(
      `INSERT INTO email_providers ${columns} VALUES ('OUTLOOK', $1, true, $2, $3, $4, timezone('UTC', now()) + interval '50 minutes')`,
      [user.mailbox.email, user.userId, theirs.accessToken, theirs.refreshToken],
    );
    return user;
  }

  it('stay as they are while no refresh succeeds', async () => {
    const user = await adopted();
    const mend = scene.graph.faults.add({
      when: ({ kind }) => kind === 'token',
      reply: { status: 503 },
      times: Infinity,
    });
    expect((await user.sync()).code).toBe(75);
    mend();
    expect(await user.provider()).toMatchObject(theirs);
  });

  it('are replaced by the first refresh from the seed', async () => {
    const user = await adopted();
    await user.synced();
    const { accessToken, refreshToken } = await user.provider();
    expect([accessToken, refreshToken]).toEqual([
      expect.stringMatching(/^osk1:/),
      expect.stringMatching(/^osk1:/),
    ]);
  });

  it('are 77 where there is no seed, saying what to set', async () => {
    const user = await adopted();
    scene.graph.clearRequests();
    const { code, summary } = await user.sync({ env: { OUTLOOK_REFRESH_TOKEN: '' } });
    expect(code).toBe(77);
    expect(summary.error).toMatchObject({
      code: 'TokenUnreadable',
      message: expect.stringContaining('OUTLOOK_REFRESH_TOKEN') as string,
    });
    expect(await user.provider()).toMatchObject(theirs);
    expect(scene.graph.requests.length + scene.graph.tokenRequests.length).toBe(0);
  });
});

describe('a refresh that another program was faster with', () => {
  /** Runs the job and, while its login is under way, has another program put other tokens into the row. */
  async function race(
    user: User,
    texts: { access: string; refresh: string },
    fault: { status?: number; body?: unknown },
  ) {
    const { id } = await user.provider();
    await expire(user);
    scene.graph.clearRequests();
    const mend = scene.graph.faults.add({
      when: ({ kind }) => kind === 'token',
      reply: { ...fault, delayMs: 1_000 },
    });
    const job = user.start();
    await vi.waitFor(() => expect(scene.graph.tokenRequests).toHaveLength(1), { timeout: 20_000 });
    const accessToken = encrypt(ring, { providerId: id, column: 'accessToken' }, texts.access);
    const refreshToken = encrypt(ring, { providerId: id, column: 'refreshToken' }, texts.refresh);
    await user.change(
      `"accessToken" = $1, "refreshToken" = $2, "tokenExpiry" = timezone('UTC', now()) + interval '1 hour'`,
      [accessToken, refreshToken],
    );
    const outcome = await job.outcome;
    mend();
    return { outcome, accessToken, refreshToken };
  }

  it('goes on with the winner’s tokens, and leaves them in the row', async () => {
    const user = scene.addUser({ messages: 3 });
    await user.synced();
    const access = scene.graph.issueAccessToken(user.mailbox.email);
    const used = new Set<string>();
    const unwatch = scene.graph.faults.add({
      when: ({ kind, headers }) => {
        if (kind === 'graph') used.add(headers['authorization'] ?? '');
        return false;
      },
      reply: {},
    });
    const { outcome, accessToken, refreshToken } = await race(
      user,
      { access, refresh: user.mailbox.newSignIn() },
      {},
    );
    unwatch();
    expect(outcome.summary, outcome.stderr).toMatchObject({ status: 'connected', attempts: 1 });
    expect(await user.provider()).toMatchObject({ accessToken, refreshToken });
    expect([...used]).toEqual([`Bearer ${access}`]);
  });

  it('is no dead grant, though the login says so: the row has a newer one', async () => {
    const user = scene.addUser({ messages: 3 });
    await user.synced();
    const access = scene.graph.issueAccessToken(user.mailbox.email);
    const refused = {
      status: 400,
      body: { error: 'invalid_grant', error_description: 'AADSTS70000: used', error_codes: [70_000] },
    };
    const { outcome } = await race(user, { access, refresh: user.mailbox.newSignIn() }, refused);
    expect(outcome.summary, outcome.stderr).toMatchObject({ status: 'connected', attempts: 1 });
  });

  it('redeems the winner’s grant where its access token is dead already', async () => {
    const user = scene.addUser({ messages: 3 });
    await user.synced();
    const { outcome } = await race(
      user,
      { access: 'a token that Graph never issued', refresh: user.mailbox.newSignIn() },
      {},
    );
    expect(outcome.summary, outcome.stderr).toMatchObject({ status: 'connected', attempts: 1 });
  });
});
