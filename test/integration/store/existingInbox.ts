// A unified inbox as other programs have made it, with Gmail in it, before this project comes to its database.
import type { TestDatabase } from '../../harness/database.ts';

interface ExistingInbox {
  /** Whether somebody has added the columns of the Outlook sync already. */
  readonly outlookColumns: boolean;
  readonly subject?: string;
  /** Whether columns that hold one of a few words are enums, as many a mapper makes them. */
  readonly enums?: boolean;
}

const enums = [
  `CREATE TYPE "email_providers_type_enum" AS ENUM ('GMAIL', 'OUTLOOK', 'CUSTOM_SMTP')`,
  `CREATE TYPE "email_providers_status_enum" AS ENUM ('connected', 'syncing', 'error', 'disconnected')`,
  `CREATE TYPE "external_email_labels_type_enum" AS ENUM ('system', 'user')`,
];

const outlookColumns = `,
  "outlookSyncCursor" text, "syncLeaseExpiresAt" TIMESTAMP, "lastSyncError" text, "lastSyncErrorAt" TIMESTAMP,
  "outlookPushSubscriptionId" character varying, "outlookPushSubscriptionExpiresAt" TIMESTAMP,
  "outlookPushSubscriptionLastRenewedAt" TIMESTAMP`;

/** The tables as an object-relational mapper writes them: constraint names of its own, local time as the default. */
export async function createExistingInbox(database: TestDatabase, how: ExistingInbox): Promise<void> {
  const { subject = 'character varying' } = how;
  for (const statement of how.enums ? enums : []) await database.query(statement);
  const wordOf = (column: string): string => (how.enums ? `"${column}_enum"` : 'character varying');
  await database.query(`
    CREATE TABLE "email_providers" (
      "id" uuid NOT NULL DEFAULT gen_random_uuid(), "type" ${wordOf('email_providers_type')} NOT NULL, "email" character varying NOT NULL,
      "displayName" character varying, "isActive" boolean NOT NULL DEFAULT false, "lastSyncedAt" TIMESTAMP,
      "status" ${wordOf('email_providers_status')} NOT NULL DEFAULT 'connected', "host" character varying, "port" integer,
      "password" character varying, "accessToken" text, "refreshToken" text, "tokenExpiry" TIMESTAMP,
      "gmailHistoryId" character varying, "userId" character varying NOT NULL, "workspaceId" character varying,
      "createdAt" TIMESTAMP NOT NULL DEFAULT now(), "updatedAt" TIMESTAMP NOT NULL DEFAULT now()
      ${how.outlookColumns ? outlookColumns : ''},
      CONSTRAINT "PK_b6d8f3a2" PRIMARY KEY ("id"))`);
  await database.query(`
    CREATE TABLE "external_email_messages" (
      "id" uuid NOT NULL DEFAULT gen_random_uuid(), "userId" character varying NOT NULL,
      "providerId" character varying NOT NULL, "externalMessageId" character varying NOT NULL,
      "threadId" character varying, "from" character varying, "to" text array NOT NULL DEFAULT '{}',
      "subject" ${subject}, "snippet" text, "internalDate" TIMESTAMP, "labels" text array NOT NULL DEFAULT '{}',
      "rawPayload" jsonb, "createdAt" TIMESTAMP NOT NULL DEFAULT now(), "updatedAt" TIMESTAMP NOT NULL DEFAULT now(),
      CONSTRAINT "PK_4c1e77d0" PRIMARY KEY ("id"))`);
  await database.query(
    `CREATE UNIQUE INDEX "IDX_9a0c2b" ON "external_email_messages" ("providerId", "externalMessageId")`,
  );
  await database.query(`CREATE INDEX "IDX_51f0aa" ON "external_email_messages" ("userId", "internalDate")`);
  await database.query(`
    CREATE TABLE "external_email_labels" (
      "id" uuid NOT NULL DEFAULT gen_random_uuid(), "userId" character varying NOT NULL,
      "providerId" character varying NOT NULL, "externalLabelId" character varying NOT NULL,
      "name" character varying NOT NULL, "type" ${wordOf('external_email_labels_type')} NOT NULL,
      "color" character varying DEFAULT '#4F46E5', "isSystem" boolean NOT NULL DEFAULT false,
      "createdAt" TIMESTAMP NOT NULL DEFAULT now(), "updatedAt" TIMESTAMP NOT NULL DEFAULT now(),
      CONSTRAINT "UQ_77ab01" UNIQUE ("providerId", "externalLabelId"), CONSTRAINT "PK_0e6f1b" PRIMARY KEY ("id"))`);
  await fillWithGmail(database);
}

const gmailRows = [
  `INSERT INTO "email_providers" ("id", "type", "email", "displayName", "isActive", "lastSyncedAt", "accessToken",
     "refreshToken", "tokenExpiry", "gmailHistoryId", "userId", "workspaceId")
   SELECT md5('provider' || n)::uuid, 'GMAIL', 'anna' || n || '@gmail.example', 'Anna ' || n, n % 2 = 0,
     timestamp '2026-10-25 02:30:00.123456', 'ya29.token-' || n, '1//grant-' || n, timestamp '2026-10-25 03:30:00',
     (100000 + n)::text, 'gmail-user-' || n, CASE WHEN n % 3 = 0 THEN NULL ELSE 'team-' || n END
   FROM generate_series(1, 7) n`,
  `INSERT INTO "email_providers" ("type", "email", "isActive", "host", "port", "password", "userId")
   VALUES ('CUSTOM_SMTP', 'anna@smtp.example', true, 'smtp.example', 587, 'enc:smtp-password', 'gmail-user-1')`,
  `INSERT INTO "external_email_messages" ("userId", "providerId", "externalMessageId", "threadId", "from", "to", "subject",
     "snippet", "internalDate", "labels", "rawPayload")
   SELECT 'gmail-user-' || 1 + n % 7, md5('provider' || 1 + n % 7)::uuid::text, '18f' || to_hex(n), NULL,
     CASE WHEN n % 5 = 0 THEN NULL ELSE 'Ben <ben@gmail.example>' END, ARRAY['Anna <anna@gmail.example>', NULL],
     CASE WHEN n % 4 = 0 THEN NULL ELSE 'Betreff ' || n || ' 📮' END, NULL, timestamp '2026-03-29 02:30:00' + n * interval '1 hour',
     ARRAY['INBOX', 'UNREAD', 'Label_' || n], jsonb_build_object('n', n, 'headers', '[]'::jsonb)
   FROM generate_series(1, 300) n`,
  `INSERT INTO "external_email_labels" ("userId", "providerId", "externalLabelId", "name", "type", "color", "isSystem")
   SELECT 'gmail-user-' || n, md5('provider' || n)::uuid::text, label, label, 'system', NULL, true
   FROM generate_series(1, 7) n, unnest(ARRAY['INBOX', 'UNREAD', 'SENT']) label`,
];

async function fillWithGmail(database: TestDatabase): Promise<void> {
  for (const statement of gmailRows) await database.query(statement);
}

const tables = ['email_providers', 'external_email_messages', 'external_email_labels'] as const;

/** The columns that the tables have had from the beginning, per table. */
export async function columnsOf(database: TestDatabase): Promise<Map<string, string[]>> {
  const rows = await database.query<{ table: string; column: string }>(
    `SELECT attrelid::regclass::text AS "table", attname AS "column" FROM pg_attribute
     WHERE attrelid = ANY ($1::regclass[]) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [tables],
  );
  return new Map(
    tables.map((table) => [table, rows.filter((row) => row.table === table).map(({ column }) => column)]),
  );
}

/**
 * Every row that is not Outlook's, to the byte: its place, the transaction that wrote it last, and its text in those
 * columns. Two fingerprints are equal when nothing touched one of them.
 */
export async function fingerprint(
  database: TestDatabase,
  columns: ReadonlyMap<string, readonly string[]>,
): Promise<string[]> {
  const ofOutlook = `SELECT "id"::text FROM email_providers WHERE "type" = 'OUTLOOK'`;
  const prints = tables.map(async (table) => {
    const list = (columns.get(table) ?? []).map((column) => `"${column}"`).join(', ');
    const owner = table === 'email_providers' ? '"id"::text' : '"providerId"';
    const [row] = await database.query<{ print: string }>(
      `SELECT count(*) || ' ' || md5(string_agg(concat_ws('|', ctid, xmin, ROW(${list})::text), E'\\n' ORDER BY ctid)) AS "print"
       FROM ${table} WHERE ${owner} NOT IN (${ofOutlook})`,
    );
    return `${table} ${row?.print ?? ''}`;
  });
  return Promise.all(prints);
}

/** How the three tables are defined: columns, defaults, constraints, indexes. */
export async function definitions(
  database: TestDatabase,
  columns: ReadonlyMap<string, readonly string[]>,
): Promise<string[]> {
  const rows = await database.query<{ line: string }>(
    `SELECT a.attrelid::regclass || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
            || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS "line"
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = ANY ($1::regclass[]) AND a.attnum > 0 AND a.attname = ANY ($2)
     UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
     WHERE conrelid = ANY ($1::regclass[])
     UNION ALL SELECT tablename || ' ' || indexdef FROM pg_indexes WHERE tablename = ANY ($3)
     ORDER BY 1`,
    [tables, [...columns.values()].flat(), tables],
  );
  return rows.map(({ line }) => line);
}
