/** Where the tables and a mailbox differ, in lines short enough for the report of a failing history. */
import type { TestDatabase } from '../database.ts';
import type { SimulatedMailbox } from '../graph/mailbox.ts';
import { expectedRows, type MirrorRow, storedRows } from '../mirror.ts';

/** An id's only telling part is its end. */
const short = (id: string): string => `…${id.slice(-11)}`;

function fieldsThatDiffer(expected: MirrorRow, stored: MirrorRow): string[] {
  return (Object.keys(expected) as (keyof MirrorRow)[]).flatMap((name) => {
    const [there, here] = [JSON.stringify(expected[name]), JSON.stringify(stored[name])];
    return there === here ? [] : [`${name} is ${here}, not ${there}`];
  });
}

function rowDifferences(expected: readonly MirrorRow[], stored: readonly MirrorRow[]): string[] {
  const rows = new Map(stored.map((row) => [row.externalMessageId, row]));
  const lines: string[] = [];
  for (const row of expected) {
    const id = row.externalMessageId;
    const found = rows.get(id);
    rows.delete(id);
    if (found === undefined) lines.push(`${short(id)} is lost`);
    else lines.push(...fieldsThatDiffer(row, found).map((line) => `${short(id)}: ${line}`));
  }
  return [...lines, ...[...rows.keys()].map((id) => `${short(id)} is stored, but is not in the mailbox`)];
}

/** Rows of the tables that the job keeps for itself which a drained sync should have cleared, or never made. */
const leavings = `
  WITH p AS (SELECT "id" FROM email_providers WHERE lower("email") = lower($1))
  SELECT 'not met by a walk' AS "what", count(*)::int AS "count"
    FROM outlook_walk_unseen u JOIN outlook_folder_cursors c ON c."id" = u."folderCursorId" JOIN p ON p."id" = c."providerId"
  UNION ALL SELECT 'deferred', count(*)::int
    FROM outlook_deferred_checks d JOIN p ON p."id" = d."providerId" WHERE NOT d."unconfirmed"
  UNION ALL SELECT 'in quarantine', count(*)::int FROM outlook_quarantine JOIN p ON p."id" = "providerId"
  UNION ALL SELECT 'without a folder', count(*)::int
    FROM external_email_messages m JOIN p ON p."id"::text = m."providerId"
    LEFT JOIN outlook_message_folders f ON f."messageId" = m."id" WHERE f."messageId" IS NULL
  UNION ALL SELECT 'a folder of no message', count(*)::int
    FROM outlook_message_folders f JOIN outlook_folder_cursors c ON c."id" = f."folderCursorId" JOIN p ON p."id" = c."providerId"
    LEFT JOIN external_email_messages m ON m."id" = f."messageId" WHERE m."id" IS NULL
  UNION ALL SELECT 'labels without a row', count(*)::int
    FROM (SELECT DISTINCT m."providerId", unnest(m."labels") AS "label"
          FROM external_email_messages m JOIN p ON p."id"::text = m."providerId") used
    LEFT JOIN external_email_labels l ON l."providerId" = used."providerId" AND l."externalLabelId" = used."label"
    WHERE l."id" IS NULL
  UNION ALL SELECT 'a lease still held', count(*)::int FROM email_providers e JOIN p USING ("id")
    WHERE e."syncLeaseExpiresAt" IS NOT NULL`;

async function leftBehind(database: TestDatabase, email: string): Promise<string[]> {
  const rows = await database.query<{ what: string; count: number }>(leavings, [email]);
  return rows.filter(({ count }) => count > 0).map(({ what, count }) => `${what}: ${count}`);
}

async function misplaced(database: TestDatabase, mailbox: SimulatedMailbox): Promise<string[]> {
  const rows = await database.query<{ id: string; folderId: string }>(
    `SELECT m."externalMessageId" AS "id", c."folderId"
     FROM external_email_messages m JOIN email_providers p ON p."id"::text = m."providerId" AND lower(p."email") = lower($1)
     JOIN outlook_message_folders f ON f."messageId" = m."id" JOIN outlook_folder_cursors c ON c."id" = f."folderCursorId"`,
    [mailbox.email],
  );
  const wrong = rows.filter(({ id, folderId }) => {
    const message = mailbox.message(id);
    return message !== undefined && message.parentFolderId !== folderId;
  });
  return wrong.map(({ id }) => `${short(id)} is noted in another folder than it lies in`);
}

/** Empty when the tables are, to the letter, what a drained sync of this mailbox leaves. */
export async function differences(database: TestDatabase, mailbox: SimulatedMailbox): Promise<string[]> {
  const stored = await storedRows(database, mailbox.email);
  const lines = rowDifferences(expectedRows(mailbox), stored);
  return [...lines, ...(await misplaced(database, mailbox)), ...(await leftBehind(database, mailbox.email))];
}
