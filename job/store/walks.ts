import { sql } from 'slonik';
import * as z from 'zod';
import type { Queryable } from './pool.ts';

/**
 * Mark and sweep. A walk over a whole folder begins by noting the rows that it should meet; each page strikes off
 * what it meets; what is left when the walk is complete may be gone, and is deleted once Graph confirms it. Rows
 * are noted by a new walk only, so a first backfill of a large folder costs nothing here.
 */
const nothing = z.object({});

/** The whole mailbox is noted where the cursor is that of no folder. */
export async function beginWalk(
  transaction: Queryable,
  walk: { cursorId: string; providerId: string; wholeMailbox: boolean },
): Promise<void> {
  await transaction.query(sql.type(nothing)`
    DELETE FROM outlook_walk_unseen WHERE "folderCursorId" = ${walk.cursorId}`);
  await transaction.query(sql.type(nothing)`
    INSERT INTO outlook_walk_unseen ("folderCursorId", "messageId")
    SELECT ${walk.cursorId}, f."messageId"
    FROM outlook_message_folders f JOIN outlook_folder_cursors c ON c."id" = f."folderCursorId"
    WHERE ${walk.wholeMailbox ? sql.fragment`c."providerId" = ${walk.providerId}` : sql.fragment`c."id" = ${walk.cursorId}`}`);
}

/** Strikes off what a page met. */
export async function meet(
  transaction: Queryable,
  walk: { cursorId: string; providerId: string },
  ids: readonly string[],
): Promise<void> {
  await transaction.query(sql.type(nothing)`
    DELETE FROM outlook_walk_unseen u USING external_email_messages m
    WHERE u."folderCursorId" = ${walk.cursorId} AND u."messageId" = m."id"
      AND m."providerId" = ${walk.providerId} AND m."externalMessageId" = ANY (${sql.array(ids, 'text')})`);
}

export async function hasUnseen(connection: Queryable, cursorId: string): Promise<boolean> {
  return connection.exists(sql.type(nothing)`
    SELECT FROM outlook_walk_unseen WHERE "folderCursorId" = ${cursorId}`);
}

const leftoverRow = z.object({ messageId: z.string(), externalMessageId: z.string().nullable() });

/**
 * Up to `limit` rows that complete walks have not met. Those that have moved to another folder since, or are gone
 * already, have no message to ask for: `externalMessageId` is null.
 */
export async function leftovers(
  connection: Queryable,
  providerId: string,
  limit: number,
): Promise<readonly z.infer<typeof leftoverRow>[]> {
  return connection.any(sql.type(leftoverRow)`
    SELECT u."messageId"::text, m."externalMessageId"
    FROM outlook_walk_unseen u
    JOIN outlook_folder_cursors c ON c."id" = u."folderCursorId" AND c."steady"
    LEFT JOIN outlook_message_folders f
      ON f."messageId" = u."messageId" AND (f."folderCursorId" = c."id" OR c."folderId" = '')
    LEFT JOIN external_email_messages m ON m."id" = f."messageId"
    WHERE c."providerId" = ${providerId}
    LIMIT ${limit}`);
}

/** Strikes off leftovers that have been dealt with. */
export async function settle(
  transaction: Queryable,
  providerId: string,
  messageIds: readonly string[],
): Promise<void> {
  await transaction.query(sql.type(nothing)`
    DELETE FROM outlook_walk_unseen u USING outlook_folder_cursors c
    WHERE c."id" = u."folderCursorId" AND c."providerId" = ${providerId} AND c."steady"
      AND u."messageId" = ANY (${sql.array(messageIds, 'uuid')})`);
}

const countRow = z.object({ count: z.number() });

/**
 * Deletes up to `limit` rows of folders that are no longer synced, given by `outlook_folder_cursors.id`. Only to be called when all folders that are have
 * been drained, so that what moved from there to here has been seen here.
 */
export async function sweepUntracked(
  transaction: Queryable,
  folders: readonly string[],
  limit: number,
): Promise<number> {
  if (folders.length === 0) return 0;
  const { count } = await transaction.one(sql.type(countRow)`
    WITH doomed AS (
      SELECT "messageId" FROM outlook_message_folders
      WHERE "folderCursorId" = ANY (${sql.array(folders, 'int8')})
      LIMIT ${limit}
    ), unplaced AS (
      DELETE FROM outlook_message_folders f USING doomed d WHERE f."messageId" = d."messageId"
    ), gone AS (
      DELETE FROM external_email_messages m USING doomed d WHERE m."id" = d."messageId" RETURNING m."id"
    )
    SELECT (SELECT count(*) FROM gone)::int AS "count"`);
  return count;
}

/** Forgets folders that no list has and no name needs, once no row is left in them. */
export async function forgetFolders(transaction: Queryable, providerId: string): Promise<void> {
  await transaction.query(sql.type(nothing)`
    DELETE FROM outlook_folder_cursors c
    WHERE c."providerId" = ${providerId} AND NOT c."listed" AND NOT c."tracked" AND c."wellKnownName" IS NULL
      AND c."folderId" <> ''
      AND NOT EXISTS (SELECT FROM outlook_message_folders f WHERE f."folderCursorId" = c."id")`);
}

/** Deletes rows older than what is kept; null keeps all. */
export async function sweepHistory(transaction: Queryable, providerId: string, from: Date): Promise<number> {
  const { count } = await transaction.one(sql.type(countRow)`
    WITH gone AS (
      DELETE FROM external_email_messages
      WHERE "providerId" = ${providerId} AND "internalDate" < timezone('UTC', ${from.toISOString()}::timestamptz)
      RETURNING "id"
    ), unplaced AS (
      DELETE FROM outlook_message_folders f USING gone WHERE f."messageId" = gone."id"
    )
    SELECT count(*)::int AS "count" FROM gone`);
  return count;
}

const adoptedRow = z.object({ id: z.string() });

/**
 * Up to `limit` external ids of rows that were there before us: an earlier sync module's, perhaps under ids that
 * change with every move. Only to be called once all folders have been drained, when ours all have a folder.
 */
export async function unplaced(connection: Queryable, providerId: string, limit: number): Promise<string[]> {
  const rows = await connection.any(sql.type(adoptedRow)`
    SELECT m."externalMessageId" AS "id" FROM external_email_messages m
    WHERE m."providerId" = ${providerId}
      AND NOT EXISTS (SELECT FROM outlook_message_folders f WHERE f."messageId" = m."id")
    LIMIT ${limit}`);
  return rows.map(({ id }) => id);
}
