// Mail as it really comes: what can be stored is stored, what cannot is set aside, and the page goes on.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../harness/database.ts';
import type { RequestInfo } from '../../harness/graph/faults.ts';
import { runJob } from '../../harness/job.ts';
import { expectedRows, storedRows } from '../../harness/mirror.ts';
import { createExistingInbox } from '../store/existingInbox.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

interface Page {
  readonly value: Record<string, unknown>[];
}

/** Delta pages of the Inbox. */
const inboxDelta =
  (user: User) =>
  ({ kind, path }: RequestInfo): boolean =>
    kind === 'graph' &&
    path.includes(user.mailbox.wellKnown('inbox')?.id ?? 'none') &&
    path.endsWith('/messages/delta');

/** Puts entries on the next page of the Inbox that has entries, or on the next at all. */
function smuggle(user: User, change: (value: Record<string, unknown>[]) => unknown[], times = 1): () => void {
  const mutate = (body: unknown): unknown => ({ ...(body as Page), value: change((body as Page).value) });
  return scene.graph.faults.add({ when: inboxDelta(user), reply: { mutate }, times });
}

const quarantined = (user: User) =>
  scene.database.query<{ externalMessageId: string; reason: string }>(
    `SELECT q.* FROM outlook_quarantine q JOIN email_providers p ON p."id" = q."providerId" WHERE p."userId" = $1 ORDER BY q."externalMessageId" COLLATE "C"`,
    [user.userId],
  );

async function assertMirror(user: User): Promise<void> {
  const ids = new Set((await user.messages()).map(({ externalMessageId }) => externalMessageId));
  const rows = (await storedRows(scene.database)).filter(({ externalMessageId }) =>
    ids.has(externalMessageId),
  );
  expect(rows).toEqual(expectedRows(user.mailbox));
}

describe('a field that is', () => {
  const person = (name: unknown, address: unknown): object => ({ emailAddress: { name, address } });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    [
      'full of NULs',
      { subject: 'a\0b\0', bodyPreview: '\0', from: person('An\0na', 'anna@x.example') },
      { subject: 'ab', snippet: '', from: 'Anna <anna@x.example>' },
    ],
    [
      'half a surrogate pair',
      { subject: 'x\ud83dy', bodyPreview: '\udc00', categories: ['c\ud800'] },
      { subject: 'x\ufffdy', snippet: '\ufffd' },
    ],
    [
      'null everywhere',
      {
        subject: null,
        bodyPreview: null,
        from: null,
        toRecipients: null,
        categories: null,
        conversationId: null,
        receivedDateTime: null,
        isRead: null,
      },
      {
        subject: null,
        snippet: null,
        from: null,
        to: [],
        threadId: null,
        internalDate: null,
        labels: ['INBOX'],
      },
    ],
    [
      'of the wrong kind',
      {
        subject: 5,
        bodyPreview: {},
        from: 'x',
        toRecipients: 'y',
        categories: 'z',
        conversationId: [],
        receivedDateTime: 7,
        isRead: 'perhaps',
      },
      {
        subject: null,
        snippet: null,
        from: null,
        to: [],
        threadId: null,
        internalDate: null,
        labels: ['INBOX'],
      },
    ],
    ['a megabyte of subject', { subject: 'Ä'.repeat(1_048_576) }, { subject: 'Ä'.repeat(1_048_576) }],
    ['the year 1', { receivedDateTime: '0001-01-01T00:00:00Z' }, { internalDate: null }],
    ['"false" in words', { isRead: 'false', categories: [] }, { labels: ['INBOX', 'UNREAD'] }],
    ['"true" in words', { isRead: 'true', categories: [] }, { labels: ['INBOX'] }],
    [
      'a category named like a system label',
      { categories: ['INBOX', 'UNREAD', 'SENT', 'Own'], isRead: true },
      { labels: ['INBOX', 'Own'] },
    ],
    [
      'text that looks like SQL, JSON or an array',
      {
        subject: `'; DROP TABLE external_email_messages; --`,
        bodyPreview: '{"a":[1]}',
        toRecipients: [person('{a,"b\\"}', 'x@x.example')],
      },
      {
        subject: `'; DROP TABLE external_email_messages; --`,
        snippet: '{"a":[1]}',
        to: ['{a,"b\\"} <x@x.example>'],
      },
    ],
    [
      'an X.500 address',
      { from: person('Anna', '/O=CONTOSO/CN=ANNA') },
      { from: 'Anna </O=CONTOSO/CN=ANNA>' },
    ],
  ])('%s is stored as well as it can be', async (_what, raw, stored) => {
    const user = scene.addUser();
    const { id } = user.mailbox.createMessage(raw);
    const other = user.mailbox.createMessage({ subject: 'Beside it' });
    const { summary } = await user.synced();
    expect(summary).toMatchObject({ upserted: 2, quarantined: 0, cursor: 'Steady' });
    expect(await user.message(id)).toMatchObject(stored);
    expect(await user.message(other.id)).toMatchObject({ subject: 'Beside it' });
  });

  it('missing altogether leaves the rest as it is', async () => {
    const user = scene.addUser();
    for (const name of [
      'from',
      'toRecipients',
      'subject',
      'bodyPreview',
      'conversationId',
      'categories',
      'isRead',
      'receivedDateTime',
    ]) {
      user.mailbox.createMessage({ omit: [name], subject: `Without ${name}`, isRead: true });
    }
    expect((await user.synced()).summary).toMatchObject({ upserted: 8, quarantined: 0, cursor: 'Steady' });
    const [without] = (await user.messages()).filter(({ subject }) => subject === 'Without from');
    expect(without).toMatchObject({ from: null, labels: expect.arrayContaining(['INBOX']) as string[] });
  });

  it('a list of 5,000 recipients is stored in their order', async () => {
    const user = scene.addUser();
    const toRecipients = Array.from({ length: 5_000 }, (_, index) =>
      person(`R ${index}`, `r${index}@x.example`),
    );
    const { id } = user.mailbox.createMessage({ toRecipients });
    await user.synced();
    const { to = [] } = (await user.message(id)) ?? {};
    expect(to.length).toBe(5_000);
    expect([to[0], to[4_999]]).toEqual(['R 0 <r0@x.example>', 'R 4999 <r4999@x.example>']);
  });
});

describe('an id', () => {
  it('that differs from another by case only is another message', async () => {
    const user = scene.addUser();
    const { id } = user.mailbox.createMessage({ subject: 'Upper' });
    const twin = id.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase());
    smuggle(user, (value) => value.flatMap((entry) => [entry, { ...entry, id: twin, subject: 'Twin' }]));
    expect((await user.synced()).summary).toMatchObject({ upserted: 2, quarantined: 0 });
    expect((await user.message(id))?.subject).toBe('Upper');
    expect((await user.message(twin))?.subject).toBe('Twin');
  });

  it.each<[string, Record<string, unknown> | null | string]>([
    ['missing', { id: undefined }],
    ['null', { id: null }],
    ['a number', { id: 7 }],
    ['empty', { id: '' }],
    ['of 5,000 characters', { id: 'A'.repeat(5_000) }],
  ])('that is %s sets the entry aside, counted, and the page goes on', async (_what, change) => {
    const user = scene.addUser();
    const { id } = user.mailbox.createMessage({
      subject: 'The good one',
      receivedDateTime: '2026-01-01T00:00:00Z',
    });
    smuggle(user, (value) =>
      value.flatMap((entry) => [{ ...entry, subject: 'The bad one', ...(change as object) }, entry]),
    );
    const { summary } = await user.synced();
    expect(summary).toMatchObject({ upserted: 1, quarantined: 1, cursor: 'Steady' });
    expect((await user.messages()).map(({ externalMessageId }) => externalMessageId)).toEqual([id]);
    const [aside] = await quarantined(user);
    expect(aside?.reason).toMatch(/id/);
    expect(JSON.stringify(aside)).not.toContain('The bad one');
  });
});

describe('an entry', () => {
  it('that is no object sets itself aside', async () => {
    const user = scene.addUser();
    user.mailbox.createMessage({});
    smuggle(user, (value) => [null, 'x', 5, [], ...value]);
    const { summary } = await user.synced();
    expect(summary).toMatchObject({ upserted: 1, cursor: 'Steady' });
    expect(summary['quarantined']).toBeGreaterThan(0);
  });

  it('that stands on a page several times is stored once', async () => {
    const user = scene.addUser();
    const { id } = user.mailbox.createMessage({ subject: 'Old', isRead: true });
    smuggle(user, (value) =>
      value.flatMap((entry) => [
        entry,
        entry,
        { id: entry['id'], parentFolderId: entry['parentFolderId'], subject: 'New' },
      ]),
    );
    expect((await user.synced()).summary).toMatchObject({ quarantined: 0, cursor: 'Steady' });
    expect(await user.messages()).toEqual([
      expect.objectContaining({ externalMessageId: id, subject: 'New' }),
    ]);
  });

  it.each(['removed first', 'removed last'])(
    'both %s and present is as Graph says when asked',
    async (order) => {
      const user = scene.addUser();
      const { id } = user.mailbox.createMessage({});
      const gone = user.mailbox.createMessage({ subject: 'Gone' });
      await user.synced();
      user.mailbox.setRead(id, true);
      user.mailbox.deleteMessage(gone.id, { hard: true });
      const both = [id, gone.id].flatMap((one) => [
        { id: one, '@removed': { reason: 'deleted' } },
        { id: one, isRead: true, parentFolderId: user.mailbox.wellKnown('inbox')?.id },
      ]);
      smuggle(user, () => (order === 'removed first' ? both : both.toReversed()));
      expect((await user.synced()).summary).toMatchObject({ removed: 1, cursor: 'Steady' });
      expect(await user.message(gone.id)).toBeUndefined();
      expect((await user.message(id))?.labels).toEqual(expect.not.arrayContaining(['UNREAD']));
    },
  );

  it('of a derived type, or with properties that nobody asked for, is a message', async () => {
    const user = scene.addUser();
    const { id } = user.mailbox.createMessage({
      '@odata.type': '#microsoft.graph.eventMessageRequest',
      meetingMessageType: 'meetingRequest',
    });
    smuggle(user, (value) =>
      value.map((entry) => ({
        ...entry,
        '@odata.type': '#microsoft.graph.eventMessageRequest',
        extensions: [{ deep: { deeper: '\0' } }],
      })),
    );
    expect((await user.synced()).summary).toMatchObject({ upserted: 1, quarantined: 0 });
    expect(await user.message(id)).toBeDefined();
  });
});

describe('a message that an existing inbox has no room for', () => {
  it('is quarantined and counted; the rest of its page is stored; room for it pardons it', async () => {
    const database = await freshDatabase();
    try {
      await createExistingInbox(database, { outlookColumns: false, subject: 'varchar(50)' });
      expect((await runJob(['migrate'], { DATABASE_URL: database.url })).code).toBe(0);
      const user = scene.addUser();
      user.env['DATABASE_URL'] = database.url;
      const long = user.mailbox.createMessage({ subject: `Too long ${'x'.repeat(60)}` });
      for (let count = 0; count < 30; count += 1) user.mailbox.createMessage({ subject: `Short ${count}` });
      const { summary, code } = await user.synced();
      expect(code).toBe(0);
      expect(summary).toMatchObject({ upserted: 30, quarantined: 1, cursor: 'Steady', attempts: 1 });
      const rows = await database.query('SELECT FROM external_email_messages WHERE "userId" = $1', [
        user.userId,
      ]);
      expect(rows).toHaveLength(30);
      const aside = await database.query('SELECT * FROM outlook_quarantine');
      expect(aside).toEqual([expect.objectContaining({ externalMessageId: long.id })]);
      expect(JSON.stringify(aside)).not.toContain('Too long');
      // What is quarantined does not count in runs that do not meet it.
      expect((await user.synced()).summary).toMatchObject({ upserted: 0, quarantined: 0 });
      await database.query('ALTER TABLE external_email_messages ALTER COLUMN "subject" TYPE varchar');
      user.mailbox.updateMessage(long.id, { importance: 'high' });
      await user.synced();
      expect(await database.query('SELECT FROM outlook_quarantine')).toEqual([]);
      const [stored] = await database.query(
        'SELECT "subject" FROM external_email_messages WHERE "externalMessageId" = $1',
        [long.id],
      );
      expect(stored?.['subject']).toBe(long.subject);
    } finally {
      await database.drop();
    }
  });
});

describe('a mailbox full of oddities', () => {
  let odd: Scene;
  beforeAll(async () => {
    odd = await openScene({
      oddities: {
        sparseUpdates: 0.8,
        duplicateEntries: 0.5,
        duplicatePages: 0.3,
        emptyPages: 0.3,
        stringBooleans: 0.5,
      },
      relativeLinks: true,
    });
  });
  afterAll(() => odd.close());

  it('ends up as it should, with nothing set aside', async () => {
    const user = odd.addUser({ messages: 150, folders: 'rich' });
    const env = { OUTLOOK_SYNC_PAGE_SIZE: '15' };
    await user.synced({ env });
    for (const [index, message] of user.mailbox.messages().entries()) {
      if (index % 3 === 0) user.mailbox.setRead(message.id, index % 2 === 0);
      if (index % 7 === 0) user.mailbox.moveMessage(message.id, 'archive');
      if (index % 11 === 0) user.mailbox.setCategories(message.id, ['Red category', 'Ωmega']);
    }
    const { summary } = await user.synced({ env });
    expect(summary).toMatchObject({ quarantined: 0, cursor: 'Steady', attempts: 1 });
    expect(await storedRows(odd.database)).toEqual(expectedRows(user.mailbox));
    await expect(user.synced({ env })).resolves.toMatchObject({ summary: { upserted: 0, removed: 0 } });
  });
});

it('ordinary mail is as the inbox wants it, column by column', async () => {
  const user = scene.addUser({ messages: 80, folders: 'rich' });
  await user.synced();
  await assertMirror(user);
  expect(await quarantined(user)).toEqual([]);
});
