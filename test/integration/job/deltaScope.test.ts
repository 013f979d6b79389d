// One delta for the whole mailbox or one per folder: asked once, remembered, and never mixed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from './scene.ts';

const env = (scope: string): { env: Record<string, string> } => ({
  env: { OUTLOOK_SYNC_DELTA_SCOPE: scope },
});

async function assertMirror(user: User): Promise<void> {
  const ids = (await user.messages()).map(({ externalMessageId }) => externalMessageId);
  expect(ids).toEqual(expectedRows(user.mailbox).map(({ externalMessageId }) => externalMessageId));
}

/** Reads, moves, deletes and adds something in each of several folders. */
function stir(user: User): void {
  const { mailbox } = user;
  const of = (name: string): string[] => {
    const id = mailbox.wellKnown(name)?.id;
    return mailbox
      .messages()
      .filter(({ parentFolderId }) => parentFolderId === id)
      .map((one) => one.id);
  };
  const [a = '', b = '', c = '', d = ''] = of('inbox');
  mailbox.setRead(a, mailbox.message(a)?.isRead !== true);
  mailbox.moveMessage(b, 'archive');
  mailbox.deleteMessage(c);
  mailbox.deleteMessage(d, { hard: true });
  const [junk = ''] = of('junkemail');
  if (junk !== '') mailbox.moveMessage(junk, 'inbox');
  mailbox.createMessage({ folder: 'sentitems' });
  mailbox.createMessage({ folder: 'deleteditems' });
}

describe('where Graph refuses a delta of the whole mailbox', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene.close());

  const mailboxDeltas = () => scene.graph.requests.filter(({ path }) => path === '/v1.0/me/messages/delta');

  it('Auto asks once, and goes to folders for good', async () => {
    const user = scene.addUser({ messages: 60 });
    scene.graph.clearRequests();
    await user.synced();
    expect(mailboxDeltas()).toHaveLength(1);
    stir(user);
    await user.synced();
    await user.synced(env('Auto'));
    expect(mailboxDeltas()).toHaveLength(1);
    await assertMirror(user);
  });

  it('Folders never asks', async () => {
    const user = scene.addUser({ messages: 10 });
    scene.graph.clearRequests();
    await user.synced(env('Folders'));
    expect(mailboxDeltas()).toEqual([]);
  });

  it('Mailbox ends the run, saying what to set', async () => {
    const user = scene.addUser({ messages: 10 });
    const { code, summary } = await user.sync(env('Mailbox'));
    expect(code).toBe(64);
    expect(summary.error).toMatchObject({
      code: 'DeltaScopeUnsupported',
      message: expect.stringContaining('OUTLOOK_SYNC_DELTA_SCOPE') as string,
    });
  });

  it.each([429, 500, 503, 401])('a %i is no refusal: nothing is decided by it', async (status) => {
    const user = scene.addUser({ messages: 10 });
    const mend = scene.graph.faults.add({
      when: ({ path, mailbox }) => mailbox === user.mailbox.email && path.endsWith('/me/messages/delta'),
      reply: { status, headers: { 'retry-after': '3600' } },
      times: Infinity,
    });
    expect((await user.sync({ env: { OUTLOOK_SYNC_SCHEDULER_RETRIES: '0' } })).code).not.toBe(0);
    mend();
    const [state] = await scene.database.query(
      'SELECT "deltaScope" FROM outlook_sync_state s JOIN email_providers p ON p."id" = s."providerId" WHERE p."userId" = $1',
      [user.userId],
    );
    expect(state).toEqual({ deltaScope: null });
    await user.synced();
  });
});

describe('where Graph grants one', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ allowMailboxDelta: true });
  });
  afterAll(() => scene.close());

  const folderDeltas = () =>
    scene.graph.requests.filter(({ path }) => /mailFolders\/[^/]+\/messages\/delta$/.test(path));

  it.each(['Auto', 'Mailbox'])('%s uses it: one message cursor, in outlookSyncCursor', async (scope) => {
    const user = scene.addUser({ messages: 120, folders: 'rich' });
    scene.graph.clearRequests();
    const { summary } = await user.synced(env(scope));
    expect(summary).toMatchObject({ cursor: 'Steady' });
    expect((await user.provider()).outlookSyncCursor).toMatch(/\/me\/messages\/delta\?.*deltatoken/);
    await assertMirror(user);
    stir(user);
    await user.synced(env(scope));
    await assertMirror(user);
    expect(folderDeltas()).toEqual([]);
    expect((await user.synced(env(scope))).summary).toMatchObject({ upserted: 0, removed: 0 });
  });

  it('stops at its page limit and goes on from there', async () => {
    const user = scene.addUser({ messages: 80 });
    const limits = {
      env: {
        OUTLOOK_SYNC_DELTA_PAGE_LIMIT: '2',
        OUTLOOK_SYNC_PAGE_SIZE: '10',
        OUTLOOK_SYNC_MAX_MESSAGES: '5',
      },
    };
    const { summary } = await user.synced(limits);
    expect(summary.cursor).toBe('Bootstrapping');
    expect((await user.provider()).outlookSyncCursor).toMatch(/\/me\/messages\/delta\?.*skiptoken/);
    for (let runs = 0; runs < 10 && (await user.synced(limits)).summary.cursor !== 'Steady'; runs += 1);
    await assertMirror(user);
  });

  it('walks anew when Graph drops it, and sweeps what is gone', async () => {
    const user = scene.addUser({ messages: 60 });
    await user.synced();
    const [gone] = await user.messages();
    user.mailbox.deleteMessage(gone?.externalMessageId ?? '', { hard: true });
    user.mailbox.expireDeltaTokens();
    expect((await user.synced()).summary).toMatchObject({ removed: 1, cursor: 'Steady' });
    await assertMirror(user);
  });

  it('never asks a foreign cursor', async () => {
    const user = scene.addUser({ messages: 20 });
    await user.synced();
    await user.change(`"outlookSyncCursor" = 'http://127.0.0.1:1/v1.0/me/messages/delta?$deltatoken=x'`);
    const { summary, log } = await user.synced();
    expect(summary).toMatchObject({ cursor: 'Steady', removed: 0 });
    expect(log.filter(({ level }) => level === 'warn')).toHaveLength(1);
    await assertMirror(user);
  });

  it('changes to Folders and back without losing a row', async () => {
    const user = scene.addUser({ messages: 60 });
    await user.synced(env('Mailbox'));
    const rows = await user.messages();
    stir(user);
    expect((await user.synced(env('Folders'))).summary).toMatchObject({ cursor: 'Steady' });
    expect((await user.provider()).outlookSyncCursor).toMatch(/\/mailFolders\/delta\?/);
    await assertMirror(user);
    stir(user);
    expect((await user.synced(env('Mailbox'))).summary).toMatchObject({ cursor: 'Steady' });
    await assertMirror(user);
    const kept = new Set((await user.messages()).map(({ externalMessageId }) => externalMessageId));
    const before = new Map(rows.map((row) => [row.externalMessageId, row['id']]));
    for (const row of await user.messages())
      if (before.has(row.externalMessageId)) expect(row['id']).toBe(before.get(row.externalMessageId));
    expect(kept.size).toBeGreaterThan(30);
  });
});
