import { sql } from 'slonik';
import * as z from 'zod';
import { isSystemLabel } from '../plan/labels.ts';
import type { MailboxOwner } from './messages.ts';
import type { Queryable } from './pool.ts';

/** Rows of `external_email_labels`. Labels that no message bears any more stay, as Gmail's do. */
const labelRow = z.object({ id: z.string(), color: z.string().nullable() });

export async function loadLabels(
  connection: Queryable,
  providerId: string,
): Promise<Map<string, string | null>> {
  const rows = await connection.any(sql.type(labelRow)`
    SELECT "externalLabelId" AS "id", "color" FROM external_email_labels WHERE "providerId" = ${providerId}`);
  return new Map(rows.map(({ id, color }) => [id, color]));
}

const defaultColor = '#4F46E5';

/** @param colors of categories, by name; a label without one gets the inbox's default, or keeps what it has */
export async function upsertLabels(
  transaction: Queryable,
  owner: MailboxOwner,
  labels: { names: readonly string[]; colors: ReadonlyMap<string, string> },
): Promise<void> {
  if (labels.names.length === 0) return;
  const rows = labels.names.toSorted().map((name) => {
    const isSystem = isSystemLabel(name);
    const color = isSystem ? undefined : labels.colors.get(name);
    return {
      name,
      type: isSystem ? 'system' : 'user',
      isSystem,
      color: color ?? defaultColor,
      colored: color !== undefined,
    };
  });
  await transaction.query(sql.type(z.object({}))`
    INSERT INTO external_email_labels AS l (
      "id", "userId", "providerId", "externalLabelId", "name", "type", "color", "isSystem", "createdAt", "updatedAt"
    )
    SELECT gen_random_uuid(), ${owner.userId}, ${owner.providerId}, "name", "name", "type", "color", "isSystem",
           timezone('UTC', now()), timezone('UTC', now())
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      AS r ("name" text, "type" text, "color" text, "isSystem" boolean, "colored" boolean)
    ON CONFLICT ("providerId", "externalLabelId") DO UPDATE
      SET "color" = excluded."color", "updatedAt" = excluded."updatedAt"
      WHERE l."color" IS DISTINCT FROM excluded."color" AND excluded."color" <> ${defaultColor}`);
}
