// Which folders are synced: defaults, include and exclude, in any language, and what moves across the border.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectedRows, storedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

async function storedIds(user: User): Promise<string[]> {
  return (await user.messages()).map(({ externalMessageId }) => externalMessageId);
}

async function assertMirror(user: User): Promise<void> {
  const ids = new Set(await storedIds(user));
  const rows = (await storedRows(scene.database)).filter(({ externalMessageId }) =>
    ids.has(externalMessageId),
  );
  expect(rows).toEqual(expectedRows(user.mailbox));
}

/** Ids of the messages in these folders and all below them, sorted as the rows are. */
function below(user: User, ...names: string[]): string[] {
  const folders = user.mailbox.folders();
  const wanted = new Set(
    names.map((name) => (user.mailbox.wellKnown(name) ?? user.mailbox.folderByPath(name))?.id ?? name),
  );
  for (let before = -1; before !== wanted.size;) {
    before = wanted.size;
    for (const { id, parentFolderId } of folders) if (wanted.has(parentFolderId)) wanted.add(id);
  }
  const ids = user.mailbox
    .messages()
    .filter(({ parentFolderId }) => wanted.has(parentFolderId))
    .map(({ id }) => id);
  expect(ids.length, `messages in ${names.join()}`).toBeGreaterThan(0);
  return ids.sort();
}

describe('by default', () => {
  it.each(['de', 'ja'] as const)(
    'all but the usual exclusions are synced, in a mailbox in another language (%s)',
    async (locale) => {
      const user = scene.addUser({ messages: 120, folders: 'rich', locale });
      await user.synced();
      await assertMirror(user);
    },
  );

  it('a mailbox that lacks some well-known folders is synced, too', async () => {
    const user = scene.addUser({ messages: 60, without: ['archive', 'conversationhistory', 'outbox'] });
    await user.synced();
    await assertMirror(user);
  });

  it('a folder of the user’s that bears a well-known folder’s name is the user’s', async () => {
    const user = scene.addUser({ messages: 40, locale: 'de' });
    for (const displayName of ['Inbox', 'Junk Email', 'Deleted Items']) {
      const { id } = user.mailbox.createFolder({ displayName });
      user.mailbox.createMessage({
        folder: id,
        subject: `In my ${displayName}`,
        isRead: true,
        categories: [],
      });
    }
    await user.synced();
    await assertMirror(user);
    const own = (await user.messages()).filter(({ subject }) => subject?.startsWith('In my '));
    expect(own.map(({ labels }) => labels)).toEqual([[], [], []]);
  });

  it('system labels stand for the well-known folders, and no label for the user’s', async () => {
    const user = scene.addUser({ folders: 'rich' });
    const { mailbox } = user;
    const make = (folder: string): string =>
      mailbox.createMessage({ folder, isRead: true, categories: [] }).id;
    const labels: [string, string[]][] = [
      ['inbox', ['INBOX']],
      ['sentitems', ['SENT']],
      ['drafts', ['DRAFT']],
      ['archive', ['ARCHIVE']],
      ['inbox/Projects', []],
      ['inbox/Projects/Aurora', []],
      ['archive/Receipts', []],
    ];
    const ids = labels.map(([folder]) => make(folder));
    await user.synced();
    for (const [index, id] of ids.entries())
      expect((await user.message(id))?.labels).toEqual(labels[index]?.[1]);
    const rows = await scene.database.query(
      'SELECT "externalLabelId", "name", "type", "isSystem", "color" FROM external_email_labels WHERE "userId" = $1 AND "type" = \'system\' ORDER BY 1',
      [user.userId],
    );
    expect(rows).toEqual(
      expect.arrayContaining(
        ['INBOX', 'UNREAD'].map((id) => ({
          externalLabelId: id,
          name: id,
          type: 'system',
          isSystem: true,
          color: '#4F46E5',
        })),
      ),
    );
  });
});

describe('an include', () => {
  it.each<[string, string, string[]]>([
    ['a well-known name', 'sentitems', ['sentitems']],
    ['several, Junk among them', 'sentitems, junkemail', ['sentitems', 'junkemail']],
    ['a path, with all below it', 'inbox/Projects', ['inbox/Projects']],
    ['a path in the mailbox’s own language', 'Posteingang/Projects/Aurora', ['inbox/Projects/Aurora']],
    ['a name with unusual characters', '📮 Newsletters', ['📮 Newsletters']],
  ])('takes %s', async (_what, include, names) => {
    const user = scene.addUser({ messages: 300, folders: 'rich', locale: 'de' });
    await user.synced({ env: { OUTLOOK_SYNC_FOLDERS_INCLUDE: include } });
    expect(await storedIds(user)).toEqual(below(user, ...names));
  });

  it('takes an id, letter for letter', async () => {
    const user = scene.addUser({ messages: 100, folders: 'rich' });
    const id = user.mailbox.wellKnown('archive')?.id ?? '';
    await user.synced({ env: { OUTLOOK_SYNC_FOLDERS_INCLUDE: id } });
    expect(await storedIds(user)).toEqual(below(user, 'archive'));
  });

  it('that is changed later brings what it adds and sweeps what it leaves', async () => {
    const user = scene.addUser({ messages: 120, folders: 'rich' });
    const include = (value: string) => user.synced({ env: { OUTLOOK_SYNC_FOLDERS_INCLUDE: value } });
    await include('inbox');
    expect(await storedIds(user)).toEqual(below(user, 'inbox'));
    const kept = below(user, 'inbox/Projects');
    const rows = (await user.messages()).filter(({ externalMessageId }) => kept.includes(externalMessageId));
    const swept = await include('inbox/Projects,sentitems');
    expect(swept.summary).toMatchObject({ cursor: 'Steady', upserted: below(user, 'sentitems').length });
    expect(await storedIds(user)).toEqual(below(user, 'inbox/Projects', 'sentitems'));
    expect(
      (await user.messages()).filter(({ externalMessageId }) => kept.includes(externalMessageId)),
    ).toEqual(rows);
    await user.synced();
    await assertMirror(user);
  });
});

describe('an exclude', () => {
  it('covers the folder and all below it, and wins over an include', async () => {
    const user = scene.addUser({ messages: 200, folders: 'rich' });
    const env = {
      OUTLOOK_SYNC_FOLDERS_INCLUDE: 'inbox,archive',
      OUTLOOK_SYNC_FOLDERS_EXCLUDE: 'inbox/Projects, archive/2024',
    };
    await user.synced({ env });
    const excluded = new Set(below(user, 'inbox/Projects', 'archive/2024'));
    expect(await storedIds(user)).toEqual(below(user, 'inbox', 'archive').filter((id) => !excluded.has(id)));
  });

  it('that comes later removes the rows, and lifted brings them back', async () => {
    const user = scene.addUser({ messages: 60 });
    await user.synced();
    const sent = below(user, 'sentitems');
    const away = await user.synced({ env: { OUTLOOK_SYNC_FOLDERS_EXCLUDE: 'SentItems' } });
    expect(away.summary).toMatchObject({ removed: sent.length, cursor: 'Steady' });
    expect((await storedIds(user)).filter((id) => sent.includes(id))).toEqual([]);
    const back = await user.synced();
    expect(back.summary).toMatchObject({ upserted: sent.length, cursor: 'Steady' });
    await assertMirror(user);
  });
});

describe('what crosses the border', () => {
  it('loses its row on the way out, and gets it back on the way in', async () => {
    const user = scene.addUser({ messages: 30 });
    await user.synced();
    const [id = ''] = below(user, 'inbox');
    user.mailbox.moveMessage(id, 'junkemail');
    expect((await user.synced()).summary).toMatchObject({ removed: 1, upserted: 0 });
    expect(await user.message(id)).toBeUndefined();
    user.mailbox.moveMessage(id, 'inbox');
    expect((await user.synced()).summary).toMatchObject({ removed: 0, upserted: 1 });
    await assertMirror(user);
  });

  it('as a whole folder, too: moved into Deleted Items and back, renamed, deleted', async () => {
    const user = scene.addUser({ messages: 40 });
    const { mailbox } = user;
    const { id } = mailbox.createFolder({ displayName: 'Trip' });
    const child = mailbox.createFolder({ displayName: 'Tickets', parentId: id });
    for (const folder of [id, child.id, child.id]) mailbox.createMessage({ folder });
    await user.synced();
    await assertMirror(user);
    mailbox.deleteFolder(id);
    expect((await user.synced()).summary).toMatchObject({ removed: 3 });
    await assertMirror(user);
    mailbox.moveFolder(id, mailbox.wellKnown('inbox')?.id ?? '');
    mailbox.renameFolder(id, 'Journey');
    expect((await user.synced()).summary).toMatchObject({ upserted: 3 });
    await assertMirror(user);
    mailbox.deleteFolder(id, { hard: true });
    expect((await user.synced()).summary).toMatchObject({ removed: 3, cursor: 'Steady' });
    await assertMirror(user);
  });

  it('is no sent or archived message: those keep their row and change their label', async () => {
    const user = scene.addUser({ messages: 30 });
    await user.synced();
    const [id = ''] = below(user, 'inbox');
    user.mailbox.moveMessage(id, 'archive');
    expect((await user.synced()).summary).toMatchObject({ removed: 0, upserted: 1 });
    expect((await user.message(id))?.labels).toContain('ARCHIVE');
    await assertMirror(user);
  });
});

describe('a folder that is listed and cannot be walked', () => {
  it('does not keep the mailbox from being steady, and is walked once it can be', async () => {
    const user = scene.addUser({ messages: 30 });
    const { id } = user.mailbox.createFolder({ displayName: 'Shared with me' });
    user.mailbox.createMessage({ folder: id });
    const mend = scene.graph.faults.add({
      when: ({ path }) => path.endsWith('/messages/delta') && path.includes(id),
      times: Infinity,
      reply: { status: 404, body: { error: { code: 'ErrorItemNotFound', message: 'not in the store' } } },
    });
    expect((await user.synced()).summary).toMatchObject({ cursor: 'Steady' });
    const { summary } = await user.synced();
    expect(summary).toMatchObject({ cursor: 'Steady', upserted: 0, removed: 0 });
    mend();
    user.mailbox.createMessage({ folder: id });
    expect((await user.synced()).summary).toMatchObject({ cursor: 'Steady' });
    await assertMirror(user);
    expect(below(user, id)).toEqual((await storedIds(user)).filter((one) => below(user, id).includes(one)));
  });
});

describe('21Vianet, which has no delta of folders', () => {
  let china: Scene;
  beforeAll(async () => {
    china = await openScene({ allowFolderListDelta: false });
  });
  afterAll(() => china.close());

  it('is synced by listing the tree in each run', async () => {
    const user = china.addUser({ messages: 150, folders: 'rich' });
    const ids = async () => (await user.messages()).map(({ externalMessageId }) => externalMessageId);
    const expected = () => expectedRows(user.mailbox).map(({ externalMessageId }) => externalMessageId);
    expect((await user.synced()).summary).toMatchObject({ cursor: 'Steady' });
    expect(await ids()).toEqual(expected());
    const { id } = user.mailbox.createFolder({ displayName: 'New' });
    user.mailbox.createMessage({ folder: id });
    user.mailbox.deleteFolder(user.mailbox.folderByPath('inbox/Projects')?.id ?? '');
    expect((await user.synced()).summary).toMatchObject({ cursor: 'Steady' });
    expect(await ids()).toEqual(expected());
    const idle = await user.synced();
    expect(idle.summary).toMatchObject({ upserted: 0, removed: 0 });
  });

  it('is asked for what lies below a folder whose entry does not tell whether anything does', async () => {
    const user = china.addUser({ messages: 60, folders: 'rich' });
    const withoutCounts = (body: unknown): unknown => {
      const { value, ...rest } = body as { value: Record<string, unknown>[] };
      const told = value.map(({ childFolderCount: _untold, ...folder }) => folder);
      return { ...rest, value: told };
    };
    china.graph.faults.add({
      when: ({ path, mailbox }) =>
        mailbox === user.mailbox.email && /\/(?:mailFolders|childFolders)$/.test(path),
      times: Infinity,
      reply: { mutate: withoutCounts },
    });
    await user.synced();
    expect(await storedRows(china.database, user.mailbox.email)).toEqual(expectedRows(user.mailbox));
  });

  it('may change while its tree is listed: what moved is not lost, and what is gone stops nothing', async () => {
    const user = china.addUser({ messages: 150, folders: 'rich' });
    const { mailbox } = user;
    const gone = mailbox.createFolder({ displayName: 'Gone' });
    mailbox.createFolder({ displayName: 'Below', parentId: gone.id });
    await user.synced();
    const moving = mailbox.folderByPath('inbox/Projects')?.id ?? '';
    const target = mailbox.createFolder({ displayName: 'Target' }).id;
    let changes = 0;
    const watched = china.graph.faults.add({
      when: ({ path, mailbox: email }) => {
        const isBelow = email === mailbox.email && path.endsWith('/childFolders');
        if (isBelow && changes === 0) {
          changes += 1;
          // The first level is listed: neither of the two will be met where it is now.
          mailbox.moveFolder(moving, target);
          mailbox.deleteFolder(gone.id, { hard: true });
        }
        return false;
      },
      reply: {},
    });
    const { summary } = await user.synced();
    watched();
    expect({ changes, ...summary }).toMatchObject({ changes: 1, removed: 0 });
    expect(await storedRows(china.database, mailbox.email)).toEqual(expectedRows(mailbox));
  });
});
