import { createHash } from 'node:crypto';
import { sql } from 'slonik';
import * as z from 'zod';
import type { Queryable } from './pool.ts';

/**
 * Messages that a page had to set aside so that it could go on: quarantined ones, which cannot be stored, and
 * deferred ones, which a later run asks Graph about again.
 */
const nothing = z.object({});

export interface Quarantined {
  /** The message's id; of an entry without a usable one, what there is of it. */
  readonly id: string;
  readonly reason: string;
}

const keyOf = ({ id, reason }: Quarantined): string =>
  id === '' ? `unknown:${createHash('sha256').update(reason).digest('hex').slice(0, 16)}` : id;

export async function quarantine(
  transaction: Queryable,
  place: { providerId: string; folderId: string | null },
  messages: readonly Quarantined[],
): Promise<void> {
  if (messages.length === 0) return;
  const byKey = new Map(messages.map((message) => [keyOf(message), message.reason]));
  const input = JSON.stringify([...byKey].map(([id, reason]) => ({ id, reason })));
  await transaction.query(sql.type(nothing)`
    INSERT INTO outlook_quarantine ("providerId", "externalMessageId", "folderId", "reason")
    SELECT ${place.providerId}, "id", ${place.folderId}, "reason"
    FROM jsonb_to_recordset(${input}::jsonb) AS r ("id" text, "reason" text)
    ON CONFLICT ("providerId", "externalMessageId")
    DO UPDATE SET "reason" = excluded."reason", "folderId" = excluded."folderId", "updatedAt" = timezone('UTC', now())`);
}

/** Lets out of quarantine what could be stored after all. */
export async function pardon(
  transaction: Queryable,
  providerId: string,
  ids: readonly string[],
): Promise<void> {
  await transaction.query(sql.type(nothing)`
    DELETE FROM outlook_quarantine
    WHERE "providerId" = ${providerId} AND "externalMessageId" = ANY (${sql.array(ids, 'text')})`);
}

export async function hasQuarantined(connection: Queryable, providerId: string): Promise<boolean> {
  return connection.exists(
    sql.type(nothing)`SELECT FROM outlook_quarantine WHERE "providerId" = ${providerId}`,
  );
}

/** Why a message is asked about again, and in which run that was found out. */
export interface Deferral {
  /** True for a message that is known by asking alone: no cursor of its folder has shown it yet. */
  readonly unconfirmed: boolean;
  readonly epoch: string;
}

export async function defer(
  transaction: Queryable,
  providerId: string,
  change: Deferral & { ids: readonly string[] },
): Promise<void> {
  const { ids, unconfirmed, epoch } = change;
  if (ids.length === 0) return;
  await transaction.query(sql.type(nothing)`
    INSERT INTO outlook_deferred_checks AS d ("providerId", "externalMessageId", "unconfirmed", "leaseEpoch", "attempts")
    SELECT ${providerId}, "id", ${unconfirmed}, ${epoch}, 1 FROM unnest(${sql.array(ids, 'text')}) AS r ("id")
    ON CONFLICT ("providerId", "externalMessageId") DO UPDATE
      SET "attempts" = d."attempts" + 1, "unconfirmed" = excluded."unconfirmed", "leaseEpoch" = excluded."leaseEpoch"`);
}

const idRow = z.object({ id: z.string() });

/** Messages of earlier runs to ask about again, the least often asked first. */
export async function deferred(
  connection: Queryable,
  providerId: string,
  wanted: Deferral & { limit: number },
): Promise<string[]> {
  const rows = await connection.any(sql.type(idRow)`
    SELECT "externalMessageId" AS "id" FROM outlook_deferred_checks
    WHERE "providerId" = ${providerId} AND "unconfirmed" = ${wanted.unconfirmed} AND "leaseEpoch" < ${wanted.epoch}
    ORDER BY "attempts", "createdAt" LIMIT ${wanted.limit}`);
  return rows.map(({ id }) => id);
}

export async function undefer(
  transaction: Queryable,
  providerId: string,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  await transaction.query(sql.type(nothing)`
    DELETE FROM outlook_deferred_checks
    WHERE "providerId" = ${providerId} AND "externalMessageId" = ANY (${sql.array(ids, 'text')})`);
}
