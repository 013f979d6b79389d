import { sql } from 'slonik';
import * as z from 'zod';
import type { Queryable } from './pool.ts';

/**
 * What a provider's next run needs to know besides its folders: the scope of its delta, the cursor of the mission's
 * column, and where the folder list stands.
 */
export type Scope = 'Folders' | 'Mailbox';

export interface ListPosition {
  /** nextLink or deltaLink of `/mailFolders/delta`; null to list all folders anew. */
  readonly link: string | null;
  readonly steady: boolean;
  readonly pages: readonly string[];
  /** Counts the walks over all folders; a folder that the current one did not meet is gone. */
  readonly round: number;
  /** Graph has no folder delta here (21Vianet): the tree is listed in each run, and there is no link. */
  readonly withoutDelta: boolean;
}

export interface SyncState {
  /** `/me` or `/users/{id}`: whose resources the stored cursors are. */
  readonly mailboxPath: string | null;
  readonly scope: Scope | null;
  /** `email_providers.outlookSyncCursor`: of the folder list in Folders scope, of the messages in Mailbox scope. */
  readonly primaryCursor: string | null;
  readonly list: ListPosition;
  readonly historySetting: string | null;
  /** ISO 8601 in UTC. */
  readonly historyFrom: string | null;
  /** Milliseconds since the master categories were read; null for never. */
  readonly categoriesAge: number | null;
  /** Whether rows of before our time have been dealt with. */
  readonly adopted: boolean;
}

const stateRow = z.object({
  mailboxPath: z.string().nullable(),
  deltaScope: z.enum(['Folders', 'Mailbox']).nullable(),
  outlookSyncCursor: z.string().nullable(),
  listLink: z.string().nullable(),
  listSteady: z.boolean(),
  listPages: z.array(z.string()),
  listRound: z.number(),
  listWithoutDelta: z.boolean(),
  historySetting: z.string().nullable(),
  historyFrom: z.string().nullable(),
  categoriesAge: z.number().nullable(),
  adopted: z.boolean(),
});

const nothing = z.object({});

export async function loadState(connection: Queryable, providerId: string): Promise<SyncState> {
  const row = await connection.one(sql.type(stateRow)`
    SELECT s."mailboxPath", s."deltaScope", p."outlookSyncCursor", s."listLink", s."listSteady", s."listPages", s."listRound",
           s."listWithoutDelta", s."adopted",
           s."historySetting", to_char(s."historyFrom", 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS "historyFrom",
           (extract(epoch FROM timezone('UTC', now()) - s."categoriesReadAt") * 1000)::float8 AS "categoriesAge"
    FROM outlook_sync_state s JOIN email_providers p ON p."id" = s."providerId"
    WHERE s."providerId" = ${providerId}`);
  const link = row.deltaScope === 'Mailbox' ? row.listLink : row.outlookSyncCursor;
  const { listWithoutDelta: withoutDelta } = row;
  return {
    mailboxPath: row.mailboxPath,
    scope: row.deltaScope,
    primaryCursor: row.outlookSyncCursor,
    list: {
      link,
      steady: row.listSteady && (link !== null || withoutDelta),
      pages: row.listPages,
      round: row.listRound,
      withoutDelta,
    },
    historySetting: row.historySetting,
    historyFrom: row.historyFrom,
    categoriesAge: row.categoriesAge,
    adopted: row.adopted,
  };
}

/** Another scope starts with no cursor but the one that it may adopt. */
export async function saveScope(
  transaction: Queryable,
  providerId: string,
  change: { scope: Scope; primaryCursor: string | null },
): Promise<void> {
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_sync_state SET "deltaScope" = ${change.scope}, "listLink" = NULL, "listSteady" = false, "listPages" = '{}'
    WHERE "providerId" = ${providerId}`);
  await savePrimaryCursor(transaction, providerId, change.primaryCursor);
}

export async function savePrimaryCursor(
  transaction: Queryable,
  providerId: string,
  link: string | null,
): Promise<void> {
  await transaction.query(sql.type(nothing)`
    UPDATE email_providers SET "outlookSyncCursor" = ${link}, "updatedAt" = timezone('UTC', clock_timestamp())
    WHERE "id" = ${providerId} AND "outlookSyncCursor" IS DISTINCT FROM ${link}`);
}

export async function saveList(
  transaction: Queryable,
  providerId: string,
  change: { scope: Scope; list: ListPosition },
): Promise<void> {
  const { scope, list } = change;
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_sync_state
    SET "listLink" = ${scope === 'Mailbox' ? list.link : null}, "listSteady" = ${list.steady},
        "listPages" = ${sql.array(list.pages, 'text')}, "listRound" = ${list.round},
        "listWithoutDelta" = ${list.withoutDelta}
    WHERE "providerId" = ${providerId}`);
  if (scope === 'Folders') await savePrimaryCursor(transaction, providerId, list.link);
}

export async function saveHistory(
  transaction: Queryable,
  providerId: string,
  change: { setting: string; from: Date | null },
): Promise<void> {
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_sync_state
    SET "historySetting" = ${change.setting},
        "historyFrom" = timezone('UTC', ${change.from?.toISOString() ?? null}::timestamptz)
    WHERE "providerId" = ${providerId}`);
}

export async function saveCategoriesRead(transaction: Queryable, providerId: string): Promise<void> {
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_sync_state SET "categoriesReadAt" = timezone('UTC', now()) WHERE "providerId" = ${providerId}`);
}

export async function saveMailboxPath(
  transaction: Queryable,
  providerId: string,
  path: string,
): Promise<void> {
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_sync_state SET "mailboxPath" = ${path} WHERE "providerId" = ${providerId}`);
}

export async function saveAdopted(transaction: Queryable, providerId: string): Promise<void> {
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_sync_state SET "adopted" = true WHERE "providerId" = ${providerId}`);
}
