// `job migrate`: on nothing, on an inbox that others live in, twice, at once, killed, and beside newer programs.
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';
import { startGraphSimulator } from '../../harness/graph/simulator.ts';
import { jobEnvironment, runJob, startJob, syncArguments } from '../../harness/job.ts';
import { columnsOf, createExistingInbox, definitions, fingerprint } from './existingInbox.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await freshDatabase();
});
afterEach(() => database.drop());

async function migrate(): Promise<string[]> {
  const { code, summary, stderr } = await runJob(['migrate'], { DATABASE_URL: database.url });
  expect(code, stderr).toBe(0);
  return summary['applied'] as string[];
}

/** Syncs a small mailbox into the database, twice, with a change in between. */
async function syncTwice(): Promise<void> {
  const graph = await startGraphSimulator();
  try {
    const mailbox = graph.addMailbox({ email: 'anna@contoso.example', messages: 60 });
    const env = jobEnvironment(graph, database.url, mailbox.refreshToken);
    const sync = async (): Promise<void> => {
      const { summary, stderr } = await runJob(syncArguments(mailbox.email), env);
      expect(summary, stderr).toMatchObject({ status: 'connected', cursor: 'Steady' });
    };
    await sync();
    const [first] = mailbox.messages();
    mailbox.deleteMessage(first?.id ?? '', { hard: true });
    mailbox.createMessage({ categories: ['Red category', 'Label_1'] });
    await sync();
  } finally {
    await graph.close();
  }
}

const wanted: Record<string, string> = {
  email_providers:
    'id type email displayName isActive lastSyncedAt status host port password accessToken refreshToken tokenExpiry ' +
    'gmailHistoryId userId workspaceId createdAt updatedAt outlookSyncCursor syncLeaseExpiresAt lastSyncError ' +
    'lastSyncErrorAt outlookPushSubscriptionId outlookPushSubscriptionExpiresAt outlookPushSubscriptionLastRenewedAt',
  external_email_messages:
    'id userId providerId externalMessageId threadId from to subject snippet internalDate labels rawPayload createdAt updatedAt',
  external_email_labels: 'id userId providerId externalLabelId name type color isSystem createdAt updatedAt',
};

async function assertInboxColumns(): Promise<void> {
  const found = Object.fromEntries(await columnsOf(database));
  for (const [table, columns] of Object.entries(wanted)) {
    expect([...(found[table] ?? [])].sort(), table).toEqual(columns.split(' ').sort());
  }
}

describe('on an empty database', () => {
  it('makes the tables of the unified inbox, and a sync can begin', async () => {
    expect((await migrate()).length).toBeGreaterThan(0);
    await assertInboxColumns();
    const types = await database.query<{ line: string }>(
      `SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '') AS "line"
       FROM information_schema.columns WHERE table_name = ANY ($1) ORDER BY 1`,
      [Object.keys(wanted)],
    );
    const lines = types.map(({ line }) => line);
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^email_providers\.id uuid NO/),
        expect.stringMatching(/^email_providers\.isActive boolean NO false/),
        expect.stringMatching(/^email_providers\.status character varying NO 'connected'/),
        expect.stringMatching(/^email_providers\.lastSyncedAt timestamp without time zone YES/),
        expect.stringMatching(/^email_providers\.outlookSyncCursor text YES/),
        expect.stringMatching(/^external_email_messages\.id uuid NO gen_random_uuid/),
        expect.stringMatching(/^external_email_messages\.to ARRAY NO '\{\}'/),
        expect.stringMatching(/^external_email_messages\.rawPayload jsonb YES/),
        expect.stringMatching(/^external_email_labels\.color character varying YES '#4F46E5'/),
        expect.stringMatching(/^external_email_labels\.isSystem boolean NO false/),
      ]),
    );
    await expect(
      database.query(
        `INSERT INTO external_email_messages ("userId", "providerId", "externalMessageId") VALUES ('u', 'p', 'm'), ('u', 'p', 'm')`,
      ),
    ).rejects.toThrow(/unique/);
    await syncTwice();
  });

  it('does nothing the second time', async () => {
    await migrate();
    expect(await migrate()).toEqual([]);
  });

  it('runs from three processes at once, each step once', async () => {
    const applied = (await Promise.all([migrate(), migrate(), migrate()])).flat();
    expect(new Set(applied).size).toBe(applied.length);
    const steps = await database.query('SELECT "name" FROM outlook_sync_migrations ORDER BY "version"');
    expect(applied.sort()).toEqual(steps.map(({ name }) => name as string).sort());
  });
});

describe.each([
  ['without the columns of Outlook', { outlookColumns: false }],
  ['with the columns of Outlook', { outlookColumns: true }],
  ['with enums for type and status', { outlookColumns: false, enums: true }],
])('on an inbox with Gmail in it, %s', (_what, how) => {
  it('touches no row and no definition that is not its own, nor does a sync', async () => {
    await createExistingInbox(database, how);
    const columns = await columnsOf(database);
    const rows = await fingerprint(database, columns);
    const schema = await definitions(database, columns);
    await migrate();
    expect(await fingerprint(database, columns)).toEqual(rows);
    expect(await definitions(database, columns)).toEqual(schema);
    await assertInboxColumns();
    await migrate();
    await syncTwice();
    expect(await fingerprint(database, columns)).toEqual(rows);
    expect(await definitions(database, columns)).toEqual(schema);
    const [count] = await database.query(
      `SELECT count(*)::int AS "n" FROM external_email_messages WHERE "userId" = 'user-1'`,
    );
    expect(count?.['n']).toBeGreaterThan(40);
  });
});

it('killed in the middle leaves nothing behind, and runs again', async () => {
  await createExistingInbox(database, { outlookColumns: false });
  const columns = await columnsOf(database);
  const rows = await fingerprint(database, columns);
  const reader = new pg.Client(database.url);
  await reader.connect();
  // A reader that stays: the first new column has to wait for it.
  await reader.query('BEGIN');
  await reader.query('SELECT count(*) FROM email_providers');
  const waiting = () =>
    database.query(
      'SELECT pid FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())',
    );
  const job = startJob(['migrate'], { DATABASE_URL: database.url });
  await vi.waitFor(async () => expect(await waiting()).toHaveLength(1), { timeout: 20_000 });
  job.kill('SIGKILL');
  expect((await job.outcome).signal).toBe('SIGKILL');
  await reader.query('COMMIT');
  await reader.end();
  await vi.waitFor(async () => expect(await waiting()).toEqual([]), { timeout: 20_000 });
  expect(await database.query("SELECT FROM pg_class WHERE relname LIKE 'outlook%'")).toEqual([]);
  await migrate();
  expect(await fingerprint(database, columns)).toEqual(rows);
  await assertInboxColumns();
});

it('lets an older program go on beside a newer schema', async () => {
  await migrate();
  await database.query(
    `INSERT INTO outlook_sync_migrations ("version", "name") VALUES (9999, 'of a newer program')`,
  );
  await database.query('ALTER TABLE outlook_sync_state ADD COLUMN "ofANewerProgram" text');
  await database.query(
    `ALTER TABLE outlook_folder_cursors ADD COLUMN "ofANewerProgram" integer NOT NULL DEFAULT 5`,
  );
  await database.query(`ALTER TABLE email_providers ADD COLUMN "ofANewerProgram" jsonb`);
  expect(await migrate()).toEqual([]);
  await syncTwice();
});
