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
  const names = labels.names.toSorted();
  const colorless = { names: names.filter(isSystemLabel), colors: new Map<string, string>() };
  await upsertKind(transaction, owner, { kind: systemKind, ...colorless });
  const categories = names.filter((name) => !isSystemLabel(name));
  await upsertKind(transaction, owner, { kind: userKind, names: categories, colors: labels.colors });
}

// Literals, for where another program made the column an enum, it takes no text.
const systemKind = sql.fragment`'system', true`;
const userKind = sql.fragment`'user', false`;

async function upsertKind(
  transaction: Queryable,
  owner: MailboxOwner,
  labels: { kind: typeof systemKind; names: readonly string[]; colors: ReadonlyMap<string, string> },
): Promise<void> {
  if (labels.names.length === 0) return;
  const rows = labels.names.map((name) => ({ name, color: labels.colors.get(name) ?? defaultColor }));
  await transaction.query(sql.type(z.object({}))`
    INSERT INTO external_email_labels AS l (
      "id", "userId", "providerId", "externalLabelId", "name", "type", "isSystem", "color", "createdAt", "updatedAt"
    )
    SELECT gen_random_uuid(), ${owner.userId}, ${owner.providerId}, "name", "name", ${labels.kind}, "color",
           timezone('UTC', now()), timezone('UTC', now())
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r ("name" text, "color" text)
    ON CONFLICT ("providerId", "externalLabelId") DO UPDATE
      SET "color" = excluded."color", "updatedAt" = excluded."updatedAt"
      WHERE l."color" IS DISTINCT FROM excluded."color" AND excluded."color" <> ${defaultColor}`);
}
