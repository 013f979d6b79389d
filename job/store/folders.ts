import { sql } from 'slonik';
import * as z from 'zod';
import type { Disposition, FolderNode } from '../plan/folders.ts';
import type { Queryable } from './pool.ts';

/**
 * `outlook_folder_cursors`: the mail folders of a provider and where the message delta of each stands. The row with
 * the empty folder id is the whole mailbox; its link is the provider's `outlookSyncCursor`.
 */
export interface Folder extends FolderNode {
  /** `outlook_folder_cursors.id`. */
  readonly id: string;
  readonly listed: boolean;
  readonly tracked: boolean;
  /** nextLink or deltaLink; null where a walk has not begun or has to start anew. */
  readonly cursor: string | null;
  /** Whether `cursor` is a deltaLink. */
  readonly steady: boolean;
  /** Whether a walk has ever come to its end. */
  readonly completed: boolean;
  /** The loop guard's memory of the walk's last pages. */
  readonly pages: readonly string[];
  /** Entries met in the current first round. */
  readonly walked: number;
  /** The `receivedDateTime` filter that is baked into the cursor, ISO 8601; null for none. */
  readonly filteredFrom: string | null;
  /** Graph's cap on filtered rounds was hit here: walk the whole folder. */
  readonly unfiltered: boolean;
}

export const wholeMailbox = '';

const folderRow = z.object({
  id: z.string(),
  folderId: z.string(),
  parentFolderId: z.string().nullable(),
  displayName: z.string().nullable(),
  wellKnownName: z.string().nullable(),
  listed: z.boolean(),
  tracked: z.boolean(),
  cursor: z.string().nullable(),
  steady: z.boolean(),
  completed: z.boolean(),
  pages: z.array(z.string()),
  walked: z.number(),
  filteredFrom: z.string().nullable(),
  unfiltered: z.boolean(),
});

const nothing = z.object({});

export async function loadFolders(connection: Queryable, providerId: string): Promise<Folder[]> {
  const rows = await connection.any(sql.type(folderRow)`
    SELECT "id"::text, "folderId", "parentFolderId", "displayName", "wellKnownName", "listed", "tracked", "cursor",
           "steady", "completedAt" IS NOT NULL AS "completed", "pages", "walked", "unfiltered",
           to_char("filteredFrom", 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS "filteredFrom"
    FROM outlook_folder_cursors WHERE "providerId" = ${providerId} ORDER BY "id"`);
  return [...rows];
}

/** What a folder list says of one folder; an absent key is unchanged. */
export interface ListedFolder {
  readonly folderId: string;
  readonly parentFolderId?: string | null;
  readonly displayName?: string | null;
}

export async function upsertFolders(
  transaction: Queryable,
  providerId: string,
  change: { folders: readonly ListedFolder[]; round: number },
): Promise<void> {
  if (change.folders.length === 0) return;
  const input = JSON.stringify(
    change.folders.map((folder) => ({
      ...folder,
      hasParent: folder.parentFolderId !== undefined,
      hasName: folder.displayName !== undefined,
    })),
  );
  await transaction.query(sql.type(nothing)`
    INSERT INTO outlook_folder_cursors AS c
      ("providerId", "folderId", "parentFolderId", "displayName", "listed", "listRound")
    SELECT ${providerId}, "folderId", "parentFolderId", "displayName", true, ${change.round}::int
    FROM jsonb_to_recordset(${input}::jsonb) AS r ("folderId" text, "parentFolderId" text, "displayName" text)
    ON CONFLICT ("providerId", "folderId") DO UPDATE SET "listed" = true, "listRound" = excluded."listRound",
      "updatedAt" = timezone('UTC', now())`);
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_folder_cursors c
    SET "parentFolderId" = CASE WHEN r."hasParent" THEN r."parentFolderId" ELSE c."parentFolderId" END,
        "displayName" = CASE WHEN r."hasName" THEN r."displayName" ELSE c."displayName" END
    FROM jsonb_to_recordset(${input}::jsonb) AS r (
      "folderId" text, "parentFolderId" text, "displayName" text, "hasParent" boolean, "hasName" boolean
    )
    WHERE c."providerId" = ${providerId} AND c."folderId" = r."folderId"
      AND ((r."hasParent" AND c."parentFolderId" IS DISTINCT FROM r."parentFolderId")
        OR (r."hasName" AND c."displayName" IS DISTINCT FROM r."displayName"))`);
}

export async function unlistFolders(
  transaction: Queryable,
  providerId: string,
  folderIds: readonly string[],
): Promise<void> {
  if (folderIds.length === 0) return;
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_folder_cursors SET "listed" = false
    WHERE "providerId" = ${providerId} AND "folderId" = ANY (${sql.array(folderIds, 'text')})`);
}

/** At the end of a walk over all folders: those that it did not meet are gone. */
export async function unlistUnmet(transaction: Queryable, providerId: string, round: number): Promise<void> {
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_folder_cursors SET "listed" = false
    WHERE "providerId" = ${providerId} AND "listed" AND "listRound" < ${round}`);
}

/** Notes which folders bear which well-known names; a name that no folder bears any more is taken away. */
export async function nameFolders(
  transaction: Queryable,
  providerId: string,
  names: ReadonlyMap<string, FoundFolder>,
): Promise<void> {
  const input = JSON.stringify([...names].map(([wellKnownName, folder]) => ({ wellKnownName, ...folder })));
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_folder_cursors SET "wellKnownName" = NULL
    WHERE "providerId" = ${providerId} AND "wellKnownName" IS NOT NULL`);
  await transaction.query(sql.type(nothing)`
    INSERT INTO outlook_folder_cursors ("providerId", "folderId", "parentFolderId", "displayName", "wellKnownName")
    SELECT ${providerId}, r."folderId", r."parentFolderId", r."displayName", r."wellKnownName"
    FROM (SELECT DISTINCT ON ("folderId") * FROM jsonb_to_recordset(${input}::jsonb)
          AS j ("wellKnownName" text, "folderId" text, "parentFolderId" text, "displayName" text)) r
    ON CONFLICT ("providerId", "folderId") DO UPDATE SET "wellKnownName" = excluded."wellKnownName"`);
}

export interface FoundFolder {
  readonly folderId: string;
  readonly parentFolderId: string | null;
  readonly displayName: string | null;
}

/** Makes a row for a folder that a message names and no list has: the list tells later what it is. */
export async function ensureFolder(
  transaction: Queryable,
  providerId: string,
  folderId: string,
): Promise<void> {
  await transaction.query(sql.type(nothing)`
    INSERT INTO outlook_folder_cursors ("providerId", "folderId") VALUES (${providerId}, ${folderId})
    ON CONFLICT DO NOTHING`);
}

/** Which folders are synced from now on. One that no longer is loses its cursor and starts anew if it returns. */
export async function trackFolders(
  transaction: Queryable,
  dispositions: ReadonlyMap<string, Disposition>,
): Promise<void> {
  const ids = (wanted: Disposition): string[] =>
    [...dispositions].filter(([, disposition]) => disposition === wanted).map(([id]) => id);
  const tracked = ids('tracked');
  const excluded = ids('excluded');
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_folder_cursors SET "tracked" = true
    WHERE "id" = ANY (${sql.array(tracked, 'int8')}) AND NOT "tracked"`);
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_folder_cursors
    SET "tracked" = false, "cursor" = NULL, "steady" = false, "completedAt" = NULL, "pages" = '{}', "unfiltered" = false
    WHERE "id" = ANY (${sql.array(excluded, 'int8')}) AND ("tracked" OR "cursor" IS NOT NULL)`);
}

/** Where a walk stands after a page. */
export interface CursorUpdate {
  readonly id: string;
  /** Null starts the walk anew. */
  readonly link: string | null;
  readonly steady: boolean;
  readonly pages: readonly string[];
  readonly walked: number;
  readonly filteredFrom: string | null;
  readonly unfiltered: boolean;
}

export async function updateCursor(transaction: Queryable, update: CursorUpdate): Promise<void> {
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_folder_cursors SET
      "cursor" = ${update.link}, "steady" = ${update.steady}, "pages" = ${sql.array(update.pages, 'text')},
      "walked" = ${update.walked}, "filteredFrom" = timezone('UTC', ${update.filteredFrom}::timestamptz),
      "unfiltered" = ${update.unfiltered},
      "completedAt" = CASE WHEN ${update.steady} THEN coalesce("completedAt", timezone('UTC', now())) ELSE "completedAt" END,
      "updatedAt" = timezone('UTC', now())
    WHERE "id" = ${update.id}`);
}

/** Drops the cursors of some folders, or of all, so that each is walked anew. */
export async function restartWalks(
  transaction: Queryable,
  providerId: string,
  ids: readonly string[] | 'all' = 'all',
): Promise<void> {
  const these = ids === 'all' ? sql.fragment`true` : sql.fragment`"id" = ANY (${sql.array(ids, 'int8')})`;
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_folder_cursors SET "cursor" = NULL, "steady" = false, "pages" = '{}', "unfiltered" = false
    WHERE "providerId" = ${providerId} AND ${these}`);
}
