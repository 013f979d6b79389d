import { pino } from 'pino';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GraphClient } from '../../../job/graph/client.ts';
import { MailboxUrls } from '../../../job/graph/page.ts';
import { ensureFolder, loadFolders } from '../../../job/store/folders.ts';
import { acquireLease, fenced, type Lease } from '../../../job/store/lease.ts';
import { migrate } from '../../../job/store/migrate.ts';
import { openPool } from '../../../job/store/pool.ts';
import { resolveProvider } from '../../../job/store/provider.ts';
import { Categories } from '../../../job/sync/categories.ts';
import { FolderIndex, PageBudget, type SyncContext, Tally } from '../../../job/sync/context.ts';
import { type PageWrite, PageWriter, type Turn } from '../../../job/sync/writer.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';

const baseUrl = 'https://graph.microsoft.com/v1.0';

/** Nothing here may ask Graph for more than the master categories, which it does not get. */
const client = {
  baseUrl,
  send: (request: { url: unknown }) => {
    expect(request.url).toBe(`${baseUrl}/me/outlook/masterCategories`);
    return Promise.resolve({ ok: false, status: 403, code: 'erroraccessdenied', location: undefined });
  },
} as unknown as GraphClient;

function message(id: string, subject: string, categories: readonly string[] = []): object {
  return {
    id,
    parentFolderId: 'folder',
    conversationId: 'thread',
    from: null,
    toRecipients: [],
    subject,
    bodyPreview: '',
    receivedDateTime: '2026-01-01T00:00:00Z',
    isRead: true,
    categories,
  };
}

describe('two pages of one walk', () => {
  let database: TestDatabase;
  let context: SyncContext;
  let writer: PageWriter;
  let pageOf: (entries: readonly object[], link: string, after: Turn | null) => PageWrite;

  beforeAll(async () => {
    database = await freshDatabase();
    const pool = await openPool({ databaseUrl: database.url });
    await migrate(pool);
    const claim = { email: 'ada@contoso.example', userId: 'user-1', workspaceId: null, providerId: null };
    const { id: providerId } = await resolveProvider(pool, claim);
    const taken = await acquireLease(pool, { providerId, holder: 'test', seconds: 600 });
    const lease = (taken as { lease: Lease }).lease;
    await fenced(pool, lease, (transaction) => ensureFolder(transaction, providerId, 'folder'));
    const folders = await loadFolders(pool, providerId);
    const log = pino({ level: 'silent' });
    const urls = new MailboxUrls(baseUrl, null);
    context = {
      pool,
      lease,
      owner: { providerId, userId: 'user-1' },
      client,
      urls,
      plan: {
        maxMessages: 10,
        deltaPageLimit: 10,
        history: 'All',
        include: [],
        exclude: [],
        deltaScope: 'Folders',
        storeRawPayload: false,
      },
      clock: { now: Date.now, random: Math.random, signal: new AbortController().signal, deadline: Infinity },
      log,
      tally: new Tally(log, Date.now),
      budget: new PageBudget(10),
    };
    writer = new PageWriter(context, await Categories.load(pool, providerId, { client, urls }), false);
    const index = new FolderIndex(folders, new Set());
    const cursor = { steady: false, pages: [], walked: 1, filteredFrom: null, unfiltered: false };
    pageOf = (entries, link, after) => ({
      source: { folders: index, folderId: 'folder', historyFrom: null },
      entries,
      walk: {
        update: { id: folders[0]?.id ?? '', link, ...cursor },
        folderId: 'folder',
        begins: false,
        meets: false,
      },
      after,
    });
  });

  afterAll(async () => {
    await context.pool.end();
    await database.drop();
  });

  const cursor = async (): Promise<unknown> =>
    (await database.query('SELECT "cursor" FROM outlook_folder_cursors'))[0]?.['cursor'];

  it('do not wait for each other in a circle when both bring the same new category', async () => {
    await writer.write(pageOf([message('a', 'before')], 'link-0', null)).done;
    // The earlier page cannot go on as long as somebody else holds one of its rows.
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    await other.query('BEGIN');
    await other.query(`SELECT FROM external_email_messages WHERE "externalMessageId" = 'a' FOR UPDATE`);
    const earlier = writer.write(pageOf([message('a', 'after', ['New'])], 'link-1', null));
    const later = writer.write(pageOf([message('b', 'later', ['New'])], 'link-2', earlier));
    // The later page has done all that it may do before the earlier one.
    const idle = `SELECT FROM pg_stat_activity WHERE datname = current_database()
      AND state = 'idle in transaction' AND query LIKE '%jsonb_to_recordset%'`;
    await expect.poll(async () => (await database.query(idle)).length, { timeout: 10_000 }).toBe(1);
    expect(await cursor()).toBe('link-0');
    await other.query('COMMIT');
    await other.end();
    await Promise.all([earlier.done, later.done]);
    expect(await cursor()).toBe('link-2');
    const labels = await database.query(`SELECT FROM external_email_labels WHERE "externalLabelId" = 'New'`);
    expect(labels).toHaveLength(1);
  }, 20_000);

  it('leave no trace of the later one when the earlier one fails', async () => {
    await database.query(
      'ALTER TABLE external_email_messages ADD CHECK ("subject" <> \'refused\') NOT VALID',
    );
    await database.query('DROP TABLE outlook_quarantine');
    const earlier = writer.write(pageOf([message('c', 'refused')], 'link-3', null));
    const later = writer.write(pageOf([message('d', 'later')], 'link-4', earlier));
    await expect(earlier.done).rejects.toThrow();
    await expect(later.done).rejects.toThrow();
    expect(await cursor()).toBe('link-2');
    expect(
      await database.query(`SELECT FROM external_email_messages WHERE "externalMessageId" IN ('c', 'd')`),
    ).toEqual([]);
  });
});
