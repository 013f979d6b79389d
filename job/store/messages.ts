import { randomBytes } from 'node:crypto';
import { sql } from 'slonik';
import * as z from 'zod';
import type { Content } from '../plan/message.ts';
import { isRowsFault } from './failure.ts';
import type { Queryable } from './pool.ts';

/**
 * Rows of `external_email_messages`, in bulk: a page is one statement, and rows that would not change are left out
 * before the insert, so a replay writes nothing. The folder of a message, which that table has no column for, stands
 * in `outlook_message_folders`.
 */
export interface MessageRow extends Content {
  readonly externalMessageId: string;
  /** `outlook_folder_cursors.id` of the folder that holds it. */
  readonly folder: string;
  /** As Graph gave it; null keeps what is stored. */
  readonly raw: object | null;
}

export interface MailboxOwner {
  readonly providerId: string;
  readonly userId: string;
}

/** A row that is there already. */
export interface StoredMessage extends Content {
  /** `outlook_folder_cursors.id`; null where another program made the row. */
  readonly folder: string | null;
}

const storedRow = z.object({
  externalMessageId: z.string(),
  folder: z.string().nullable(),
  threadId: z.string().nullable(),
  from: z.string().nullable(),
  to: z.array(z.string()),
  subject: z.string().nullable(),
  snippet: z.string().nullable(),
  internalDate: z.string().nullable(),
  labels: z.array(z.string()),
});

export async function loadMessages(
  connection: Queryable,
  providerId: string,
  ids: readonly string[],
): Promise<Map<string, StoredMessage>> {
  if (ids.length === 0) return new Map();
  const rows = await connection.any(sql.type(storedRow)`
    SELECT m."externalMessageId", f."folderCursorId"::text AS "folder", m."threadId", m."from", m."to", m."subject",
           m."snippet", to_char(m."internalDate", 'YYYY-MM-DD"T"HH24:MI:SS.US') AS "internalDate", m."labels"
    FROM external_email_messages m LEFT JOIN outlook_message_folders f ON f."messageId" = m."id"
    WHERE m."providerId" = ${providerId} AND m."externalMessageId" = ANY (${sql.array(ids, 'text')})`);
  return new Map(rows.map(({ externalMessageId, ...stored }) => [externalMessageId, stored]));
}

/**
 * A UUID of version 7 (RFC 9562): ids made together lie together in the indexes, which makes the bulk insert about
 * as fast as it can be.
 */
function timeOrderedId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const countRow = z.object({ count: z.number() });

const byId = (a: MessageRow, b: MessageRow): number =>
  a.externalMessageId < b.externalMessageId ? -1 : Number(a.externalMessageId > b.externalMessageId);

/**
 * The lateral join with its LIMIT keeps the planner from reading all rows of the provider for each page, which it
 * prefers as long as the table has no statistics: one probe of the unique index per message, whatever it believes.
 * @returns how many rows were new, changed, or moved to another folder
 */
async function upsert(
  connection: Queryable,
  owner: MailboxOwner,
  rows: readonly MessageRow[],
): Promise<number> {
  const input = JSON.stringify(rows.map((row) => ({ id: timeOrderedId(), ...row })));
  const { count } = await connection.one(sql.type(countRow)`
    WITH input AS (
      SELECT * FROM jsonb_to_recordset(${input}::jsonb) AS r (
        "id" uuid, "externalMessageId" text, "folder" bigint, "threadId" text, "from" text, "to" text[],
        "subject" text, "snippet" text, "internalDate" timestamp, "labels" text[], "raw" jsonb
      )
    ), compared AS (
      SELECT i.*, m."id" AS "messageId", m."folderCursorId" IS DISTINCT FROM i."folder" AS "moved",
        m."id" IS NULL OR m."threadId" IS DISTINCT FROM i."threadId" OR m."from" IS DISTINCT FROM i."from"
        OR m."to" IS DISTINCT FROM i."to" OR m."subject" IS DISTINCT FROM i."subject"
        OR m."snippet" IS DISTINCT FROM i."snippet" OR m."internalDate" IS DISTINCT FROM i."internalDate"
        OR m."labels" IS DISTINCT FROM i."labels"
        OR (i."raw" IS NOT NULL AND m."rawPayload" IS DISTINCT FROM coalesce(m."rawPayload", '{}') || i."raw")
        AS "changed"
      FROM input i
      LEFT JOIN LATERAL (
        SELECT e.*, f."folderCursorId"
        FROM external_email_messages e LEFT JOIN outlook_message_folders f ON f."messageId" = e."id"
        WHERE e."providerId" = ${owner.providerId} AND e."externalMessageId" = i."externalMessageId"
        LIMIT 1
      ) m ON true
    ), written AS (
      INSERT INTO external_email_messages AS m (
        "id", "userId", "providerId", "externalMessageId", "threadId", "from", "to", "subject", "snippet",
        "internalDate", "labels", "rawPayload", "createdAt", "updatedAt"
      )
      SELECT "id", ${owner.userId}, ${owner.providerId}, "externalMessageId", "threadId", "from", "to", "subject",
             "snippet", "internalDate", "labels", "raw", timezone('UTC', now()), timezone('UTC', now())
      FROM compared WHERE "changed"
      ON CONFLICT ("providerId", "externalMessageId") DO UPDATE SET
        "threadId" = excluded."threadId", "from" = excluded."from", "to" = excluded."to",
        "subject" = excluded."subject", "snippet" = excluded."snippet", "internalDate" = excluded."internalDate",
        "labels" = excluded."labels", "updatedAt" = excluded."updatedAt",
        "rawPayload" = CASE WHEN excluded."rawPayload" IS NULL THEN m."rawPayload"
                            ELSE coalesce(m."rawPayload", '{}') || excluded."rawPayload" END
      RETURNING m."id", m."externalMessageId"
    ), placed AS (
      INSERT INTO outlook_message_folders ("messageId", "folderCursorId")
      SELECT coalesce(w."id", c."messageId"), c."folder"
      FROM compared c LEFT JOIN written w USING ("externalMessageId")
      WHERE c."moved"
      ON CONFLICT ("messageId") DO UPDATE SET "folderCursorId" = excluded."folderCursorId"
    )
    SELECT count(*)::int AS "count" FROM compared WHERE "changed" OR "moved"`);
  return count;
}

export interface Upserted {
  readonly count: number;
  readonly rejected: readonly { readonly id: string; readonly reason: string }[];
}

/**
 * Stores a page's rows; to be called inside a transaction. A row that Postgres refuses for what is in it fails the
 * whole statement and so the transaction, which is then to be run again with `careful`: under savepoints the page
 * is halved until that row stands alone and can be set aside, and the others get in.
 */
export async function upsertMessages(
  transaction: Queryable,
  owner: MailboxOwner,
  input: { rows: readonly MessageRow[]; careful: boolean },
): Promise<Upserted> {
  if (input.rows.length === 0) return { count: 0, rejected: [] };
  const rows = input.rows.toSorted(byId);
  return input.careful
    ? bisect(transaction, owner, rows)
    : { count: await upsert(transaction, owner, rows), rejected: [] };
}

async function bisect(
  transaction: Queryable,
  owner: MailboxOwner,
  rows: readonly MessageRow[],
): Promise<Upserted> {
  try {
    return {
      count: await transaction.transaction((savepoint) => upsert(savepoint, owner, rows)),
      rejected: [],
    };
  } catch (error) {
    if (!isRowsFault(error)) throw error;
    const [only, second] = rows;
    if (only && !second)
      return { count: 0, rejected: [{ id: only.externalMessageId, reason: 'Postgres refuses a value' }] };
    const middle = Math.ceil(rows.length / 2);
    const left = await bisect(transaction, owner, rows.slice(0, middle));
    const right = await bisect(transaction, owner, rows.slice(middle));
    return { count: left.count + right.count, rejected: [...left.rejected, ...right.rejected] };
  }
}

/** @returns how many rows were there and are gone */
export async function deleteMessages(
  transaction: Queryable,
  providerId: string,
  ids: readonly string[],
): Promise<number> {
  if (ids.length === 0) return 0;
  const { count } = await transaction.one(sql.type(countRow)`
    WITH gone AS (
      DELETE FROM external_email_messages
      WHERE "providerId" = ${providerId} AND "externalMessageId" = ANY (${sql.array(ids, 'text')})
      RETURNING "id"
    ), unplaced AS (
      DELETE FROM outlook_message_folders f USING gone WHERE f."messageId" = gone."id"
    )
    SELECT count(*)::int AS "count" FROM gone`);
  return count;
}
