// Cursors that Graph has dropped, removals that may only be moves, and verifications that fail for the moment.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RequestInfo } from '../../harness/graph/faults.ts';
import { expectedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

const folderId = (user: User, name: string): string => user.mailbox.wellKnown(name)?.id ?? '';

const deltasOf =
  (user: User, name: string) =>
  ({ kind, path }: RequestInfo): boolean =>
    kind === 'graph' && path.endsWith('/messages/delta') && path.includes(folderId(user, name));

/** Requests inside batches for single messages of the user’s mailbox. */
const verifications =
  (user: User) =>
  ({ kind, path, mailbox }: RequestInfo): boolean =>
    kind === 'batched' && mailbox === user.mailbox.email && path.includes('/me/messages/');

async function assertMirror(user: User): Promise<void> {
  const ids = (await user.messages()).map(({ externalMessageId }) => externalMessageId);
  expect(ids).toEqual(expectedRows(user.mailbox).map(({ externalMessageId }) => externalMessageId));
}

const inFolder = (user: User, name: string): string[] =>
  user.mailbox
    .messages()
    .filter(({ parentFolderId }) => parentFolderId === folderId(user, name))
    .map(({ id }) => id);

/** The delta walks that were begun anew, by path. */
const begun = (): string[] =>
  scene.graph.requests
    .filter(
      ({ path, query }) =>
        path.endsWith('/messages/delta') && !query.includes('token=') && !path.endsWith('/me/messages/delta'),
    )
    .map(({ path }) => path);

describe('a reset', () => {
  it.each(['410', '410-location', '400'] as const)(
    '(%s) of one folder walks that folder anew, sweeps what it does not meet, and no other',
    async (form) => {
      const user = scene.addUser({ messages: 60 });
      await user.synced();
      const { mailbox } = user;
      const [gone = '', moved = '', read = ''] = inFolder(user, 'inbox');
      mailbox.deleteMessage(gone, { hard: true });
      mailbox.moveMessage(moved, 'archive');
      mailbox.setRead(read, true);
      mailbox.setRead(read, false);
      mailbox.setTokenExpiryForm(form);
      mailbox.expireDeltaTokens({ folderId: folderId(user, 'inbox') });
      const before = await user.message(moved);
      scene.graph.clearRequests();
      const { summary, log } = await user.synced();
      expect(summary).toMatchObject({ cursor: 'Steady', removed: 1, attempts: 1 });
      expect(begun().filter((path) => !path.includes(folderId(user, 'inbox')))).toEqual([]);
      expect(log.filter(({ level }) => level === 'warn')).toHaveLength(1);
      expect((await user.message(moved))?.['id']).toBe(before?.['id']);
      await assertMirror(user);
    },
  );

  it('whose body is cut off is asked about again, and told from every other refusal', async () => {
    const user = scene.addUser({ messages: 20 });
    await user.synced();
    user.mailbox.setTokenExpiryForm('400');
    user.mailbox.expireDeltaTokens();
    const { email } = user.mailbox;
    const mend = scene.graph.faults.add({
      when: ({ path, mailbox }) => mailbox === email && path.endsWith('/delta'),
      times: 2,
      reply: { truncate: 'json' },
    });
    const { summary } = await user.synced();
    mend();
    expect(summary).toMatchObject({ cursor: 'Steady', attempts: 1, upserted: 0, removed: 0 });
    await assertMirror(user);
  });

  it('of all cursors, the folder list’s too, ends in the same rows', async () => {
    const user = scene.addUser({ messages: 40, folders: 'rich' });
    await user.synced();
    const rows = await user.messages();
    user.mailbox.expireDeltaTokens();
    expect((await user.synced()).summary).toMatchObject({ cursor: 'Steady', removed: 0, upserted: 0 });
    expect(await user.messages()).toEqual(rows);
  });

  it('in the middle of a walk is made good, too', async () => {
    const user = scene.addUser({ messages: 60 });
    await user.synced({ env: { OUTLOOK_SYNC_DELTA_PAGE_LIMIT: '1', OUTLOOK_SYNC_PAGE_SIZE: '5' } });
    user.mailbox.expireDeltaTokens();
    expect((await user.synced()).summary).toMatchObject({ cursor: 'Steady' });
    await assertMirror(user);
  });

  it('that comes again and again ends the run with 75, and deletes nothing', async () => {
    const user = scene.addUser({ messages: 30 });
    await user.synced();
    const rows = await user.messages();
    const reply = { status: 410, body: { error: { code: 'SyncStateNotFound', message: 'gone' } } };
    const mend = scene.graph.faults.add({ when: deltasOf(user, 'inbox'), reply, times: Infinity });
    scene.graph.clearRequests();
    const { code, summary } = await user.sync();
    mend();
    expect({ code, error: summary.error?.code }).toEqual({ code: 75, error: 'CursorExpired' });
    expect(scene.graph.requests.length).toBeLessThan(40);
    expect(await user.messages()).toEqual(rows);
    await user.synced();
    await assertMirror(user);
  });

  it('is not what 429, 5xx, 401 and 403 are: the cursors stay', async () => {
    const user = scene.addUser({ messages: 10 });
    await user.synced();
    const cursors = () =>
      scene.database.query(
        `SELECT c."folderId", c."cursor" FROM outlook_folder_cursors c
         JOIN email_providers p ON p."id" = c."providerId" WHERE p."userId" = $1 ORDER BY c."id"`,
        [user.userId],
      );
    const before = await cursors();
    const refusals = [
      { status: 429, headers: { 'retry-after': '3600' } },
      { status: 503 },
      { status: 401 },
      { status: 403, body: { error: { code: 'ErrorAccessDenied' } } },
      { status: 403, body: { error: { code: 'ErrorQuotaExceeded' } } },
    ];
    const codes: (number | null)[] = [];
    for (const reply of refusals) {
      const when = ({ kind, mailbox }: RequestInfo): boolean =>
        kind === 'graph' && mailbox === user.mailbox.email;
      const mend = scene.graph.faults.add({ when, reply, times: Infinity });
      codes.push((await user.sync({ env: { OUTLOOK_SYNC_SCHEDULER_RETRIES: '0' } })).code);
      mend();
    }
    expect(codes).toEqual([75, 75, 77, 77, 75]);
    expect(await cursors()).toEqual(before);
    scene.graph.clearRequests();
    await user.synced();
    expect(begun()).toEqual([]);
  });
});

describe('@removed', () => {
  it('of an id that was never stored is nothing', async () => {
    const user = scene.addUser({ messages: 10 });
    await user.synced();
    const stranger = scene.addUser({ messages: 3 }).mailbox.messages()[0]?.id ?? '';
    const mutate = (body: unknown): unknown => {
      const page = body as { value: unknown[] };
      return { ...page, value: [...page.value, { id: stranger, '@removed': { reason: 'deleted' } }] };
    };
    scene.graph.faults.add({ when: deltasOf(user, 'inbox'), reply: { mutate } });
    const { summary } = await user.synced();
    expect(summary).toMatchObject({ upserted: 0, removed: 0, quarantined: 0, cursor: 'Steady' });
    await assertMirror(user);
  });

  it('of a message that moved keeps the row, whichever folder is told first', async () => {
    const user = scene.addUser({ messages: 40 });
    await user.synced();
    const [there = ''] = inFolder(user, 'inbox');
    const [back = ''] = inFolder(user, 'archive');
    const ids = [(await user.message(there))?.['id'], (await user.message(back))?.['id']];
    user.mailbox.moveMessage(there, 'archive');
    user.mailbox.moveMessage(back, 'inbox');
    const { summary } = await user.synced();
    expect(summary).toMatchObject({ upserted: 2, removed: 0 });
    expect([(await user.message(there))?.['id'], (await user.message(back))?.['id']]).toEqual(ids);
    expect((await user.message(there))?.labels).toContain('ARCHIVE');
    expect((await user.message(back))?.labels).toContain('INBOX');
  });

  it('of a message that left and came back keeps the row', async () => {
    const user = scene.addUser({ messages: 40 });
    await user.synced();
    const [id = ''] = inFolder(user, 'inbox');
    user.mailbox.moveMessage(id, 'archive');
    user.mailbox.moveMessage(id, 'inbox');
    expect((await user.synced()).summary).toMatchObject({ removed: 0 });
    expect((await user.message(id))?.labels).toContain('INBOX');
    await assertMirror(user);
  });

  it.each([429, 503])(
    'that cannot be verified for the moment (%i) deletes nothing, and is made good by the next run',
    async (status) => {
      const user = scene.addUser({ messages: 30 });
      await user.synced();
      const [id = '', other = ''] = inFolder(user, 'inbox');
      user.mailbox.deleteMessage(id, { hard: true });
      user.mailbox.setRead(other, user.mailbox.message(other)?.isRead !== true);
      const mend = scene.graph.faults.add({
        when: verifications(user),
        reply: { status, body: { error: { code: 'TooManyRequests' } } },
        times: Infinity,
      });
      const { summary } = await user.synced({ env: { OUTLOOK_SYNC_SCHEDULER_RETRIES: '0' } });
      mend();
      expect(summary).toMatchObject({ removed: 0, upserted: 1 });
      expect(await user.message(id)).toBeDefined();
      const after = await user.synced();
      expect(after.summary).toMatchObject({ removed: 1 });
      await assertMirror(user);
    },
  );

  it.each([403, 400])('that Graph will not let us verify (%i) deletes nothing', async (status) => {
    const user = scene.addUser({ messages: 30 });
    await user.synced();
    const [id = ''] = inFolder(user, 'inbox');
    user.mailbox.deleteMessage(id, { hard: true });
    const mend = scene.graph.faults.add({
      when: verifications(user),
      reply: { status, body: { error: { code: 'ErrorAccessDenied' } } },
      times: Infinity,
    });
    await user.sync();
    mend();
    expect(await user.message(id)).toBeDefined();
    await user.synced();
    await assertMirror(user);
  });

  it('of very many messages is verified in batches of twenty', async () => {
    const user = scene.addUser({ messages: 90 });
    await user.synced();
    const doomed = inFolder(user, 'inbox');
    expect(doomed.length).toBeGreaterThan(30);
    for (const id of doomed) user.mailbox.deleteMessage(id, { hard: true });
    scene.graph.clearRequests();
    const { summary } = await user.synced();
    expect(summary['removed']).toBe(doomed.length);
    const batches = scene.graph.requests.filter(({ path }) => path.endsWith('/$batch'));
    expect(batches.every(({ batch }) => (batch?.length ?? 0) <= 20)).toBe(true);
    expect(batches.length).toBeLessThanOrEqual(Math.ceil(doomed.length / 20) + 3);
    await assertMirror(user);
  });
});
