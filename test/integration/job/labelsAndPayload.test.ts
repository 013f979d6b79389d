// Categories and their colours, the raw payload, and how many messages a first sync shows.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

interface Label {
  readonly externalLabelId: string;
  readonly name: string;
  readonly type: string;
  readonly color: string | null;
  readonly isSystem: boolean;
}

async function labels(user: User): Promise<Map<string, Label>> {
  const rows = await scene.database.query<Label & Record<string, unknown>>(
    'SELECT * FROM external_email_labels WHERE "userId" = $1',
    [user.userId],
  );
  return new Map(rows.map((row) => [row.externalLabelId, row]));
}

const masterLists = (user: User) =>
  scene.graph.requests.filter(
    ({ path, mailbox }) => mailbox === user.mailbox.email && path.endsWith('/outlook/masterCategories'),
  );

describe('a category', () => {
  it('is a label by its name, with the colour of the master list', async () => {
    const user = scene.addUser();
    user.mailbox.masterCategories = [
      { displayName: 'Größe, €', color: 'preset0' },
      { displayName: 'Plain', color: 'none' },
      { displayName: 'Unused', color: 'preset1' },
    ];
    const { id } = user.mailbox.createMessage({ categories: ['Größe, €', 'Plain', 'Stray'], isRead: true });
    await user.synced();
    expect((await user.message(id))?.labels).toEqual(['INBOX', 'Größe, €', 'Plain', 'Stray']);
    const found = await labels(user);
    const common = { type: 'user', isSystem: false };
    expect(found.get('Größe, €')).toMatchObject({
      ...common,
      name: 'Größe, €',
      color: expect.stringMatching(/^#(?!4F46E5)[0-9A-F]{6}$/) as string,
    });
    expect(found.get('Plain')).toMatchObject({ ...common, color: '#4F46E5' });
    expect(found.get('Stray')).toMatchObject({ ...common, color: '#4F46E5' });
    expect(found.get('INBOX')).toMatchObject({ type: 'system', isSystem: true });
    expect(found.has('Unused')).toBe(false);
  });

  it('has the default colour where the master list may not be read (403), and the sync does not mind', async () => {
    const user = scene.addUser();
    user.mailbox.masterCategoriesReadable = false;
    user.mailbox.createMessage({ categories: ['Red category'] });
    const { summary } = await user.synced();
    expect(summary).toMatchObject({ attempts: 1, cursor: 'Steady' });
    expect((await labels(user)).get('Red category')).toMatchObject({ color: '#4F46E5' });
  });

  it('does not fail the sync where the master list is unavailable or nonsense', async () => {
    for (const reply of [
      { status: 500 },
      { status: 200, body: { value: 'none' } },
      { status: 200, body: { value: [null, { displayName: 5 }] } },
    ]) {
      const user = scene.addUser();
      const { id } = user.mailbox.createMessage({ categories: ['Red category'] });
      const mend = scene.graph.faults.add({
        when: ({ path, mailbox }) => mailbox === user.mailbox.email && path.endsWith('/masterCategories'),
        reply,
        times: Infinity,
      });
      const { summary } = await user.synced();
      mend();
      expect(summary).toMatchObject({ cursor: 'Steady' });
      expect((await user.message(id))?.labels).toContain('Red category');
    }
  });

  it('is asked about when there is a new one, not in every run', async () => {
    const user = scene.addUser();
    user.mailbox.createMessage({ categories: ['Red category'] });
    scene.graph.clearRequests();
    await user.synced();
    expect(masterLists(user)).toHaveLength(1);
    scene.graph.clearRequests();
    user.mailbox.createMessage({ categories: ['Red category'] });
    await user.synced();
    await user.synced();
    expect(masterLists(user).length).toBeLessThanOrEqual(1);
    scene.graph.clearRequests();
    user.mailbox.masterCategories.push({ displayName: 'Brand new', color: 'preset7' });
    user.mailbox.createMessage({ categories: ['Brand new'] });
    await user.synced();
    expect(masterLists(user)).toHaveLength(1);
    expect((await labels(user)).get('Brand new')?.color).not.toBe('#4F46E5');
  });

  it('that is taken away leaves the message, and its label stays a label', async () => {
    const user = scene.addUser();
    const { id } = user.mailbox.createMessage({ categories: ['Red category'], isRead: true });
    await user.synced();
    user.mailbox.setCategories(id, []);
    await user.synced();
    expect((await user.message(id))?.labels).toEqual(['INBOX']);
    expect((await labels(user)).has('Red category')).toBe(true);
  });

  it('is compared letter for letter', async () => {
    const user = scene.addUser();
    user.mailbox.createMessage({ categories: ['Work', 'work', 'WORK'] });
    await user.synced();
    expect([...(await labels(user)).keys()].sort()).toEqual(['INBOX', 'UNREAD', 'WORK', 'Work', 'work']);
  });
});

describe('UNREAD', () => {
  it('comes and goes with the read state, and nothing else changes', async () => {
    const user = scene.addUser();
    const { id } = user.mailbox.createMessage({ categories: ['Red category'] });
    await user.synced();
    const before = await user.message(id);
    expect(before?.labels).toEqual(['INBOX', 'UNREAD', 'Red category']);
    for (const isRead of [true, false, true]) {
      user.mailbox.setRead(id, isRead);
      expect((await user.synced()).summary).toMatchObject({ upserted: 1, removed: 0 });
      const now = await user.message(id);
      expect(now?.labels.includes('UNREAD')).toBe(!isRead);
      expect({ ...now, labels: [], updatedAt: null }).toEqual({ ...before, labels: [], updatedAt: null });
    }
  });
});

describe('the raw payload', () => {
  it('is not stored unless asked for', async () => {
    const user = scene.addUser({ messages: 10 });
    await user.synced();
    expect((await user.messages()).map(({ rawPayload }) => rawPayload)).toEqual(
      Array(await count(user)).fill(null),
    );
  });

  it('is the message as Graph gave it, and sparse updates are laid over it', async () => {
    const user = scene.addUser();
    const env = { OUTLOOK_SYNC_STORE_RAW_PAYLOAD: 'true' };
    const { id } = user.mailbox.createMessage({ subject: 'Raw\0 \ud800', categories: ['A'] });
    await user.synced({ env });
    const message = user.mailbox.message(id);
    const first = (await user.message(id))?.rawPayload;
    expect(first).toMatchObject({
      id,
      subject: 'Raw \ufffd',
      isRead: false,
      categories: ['A'],
      from: message?.from,
      bodyPreview: message?.bodyPreview,
    });
    for (let rounds = 0; rounds < 4; rounds += 1) {
      user.mailbox.setRead(id, rounds % 2 === 0);
      await user.synced({ env });
      expect((await user.message(id))?.rawPayload).toMatchObject({
        ...first,
        isRead: rounds % 2 === 0,
        '@odata.etag': expect.any(String) as string,
      });
    }
    // A run that does not store it leaves what is there.
    user.mailbox.setRead(id, true);
    await user.synced();
    expect((await user.message(id))?.rawPayload).toMatchObject({ id, categories: ['A'] });
  });
});

async function count(user: User): Promise<number> {
  return (await user.messages()).length;
}

describe('the newest messages of a first sync', () => {
  const bootstraps = () => scene.graph.requests.filter(({ path }) => path === '/v1.0/me/messages');

  it.each([
    ['schedule', 40],
    ['manual', 40],
    ['backfill', 40],
    ['resync', 40],
    ['push', 7],
  ])('are as many as the trigger (%s) says: %i', async (trigger, most) => {
    const user = scene.addUser({ messages: 80 });
    const env = {
      OUTLOOK_SYNC_TRIGGER: trigger,
      OUTLOOK_SYNC_MAX_MESSAGES: '40',
      OUTLOOK_PUSH_SYNC_MAX_MESSAGES: '7',
    };
    scene.graph.clearRequests();
    await user.synced({ env });
    expect(bootstraps().map(({ query }) => /\$top=(\d+)/.exec(query)?.[1])).toEqual([String(most)]);
    const firstDelta = scene.graph.requests.findIndex(({ path }) =>
      /mailFolders\/.+\/messages\/delta$/.test(path),
    );
    expect(scene.graph.requests.findIndex(({ path }) => path === '/v1.0/me/messages')).toBeLessThan(
      firstDelta,
    );
    scene.graph.clearRequests();
    await user.synced({ env });
    expect(bootstraps()).toEqual([]);
  });

  it('are there after one page, should the walks fail', async () => {
    const user = scene.addUser({ messages: 60 });
    const mend = scene.graph.faults.add({
      when: ({ path }) => /mailFolders\/.+\/messages\/delta$/.test(path),
      reply: { status: 503 },
      times: Infinity,
    });
    await user.sync({ env: { OUTLOOK_SYNC_SCHEDULER_RETRIES: '0', OUTLOOK_SYNC_MAX_MESSAGES: '20' } });
    mend();
    const newest = user.mailbox
      .messages()
      .filter(({ parentFolderId }) => parentFolderId === user.mailbox.wellKnown('inbox')?.id);
    expect(await count(user)).toBeGreaterThan(0);
    expect(
      (await user.messages()).some(({ externalMessageId }) =>
        newest.some(({ id }) => id === externalMessageId),
      ),
    ).toBe(true);
    await user.synced();
  });
});
