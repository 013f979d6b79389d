import { type DatabasePool, sql } from 'slonik';
import * as z from 'zod';
import type { StoredSubscription } from '../plan/subscription.ts';
import { fenced, type Lease, utcNow } from './lease.ts';
import { type Queryable, translated } from './pool.ts';

/**
 * Graph's subscription for a provider, as the three columns of its row have it, and what it was made for. One that
 * another program has stored there has no terms.
 */
const nothing = z.object({});
const subscriptionRow = z.object({
  id: z.string().nullable(),
  expiresAt: z.number().nullable(),
  lastRenewedAt: z.number().nullable(),
  terms: z.string().nullable(),
});

const time = (at: number | null): Date | null => (at === null ? null : new Date(at));

export async function loadSubscription(
  pool: DatabasePool,
  providerId: string,
): Promise<StoredSubscription | null> {
  const { id, expiresAt, lastRenewedAt, terms } = await translated(() =>
    pool.one(sql.type(subscriptionRow)`
      SELECT nullif(p."outlookPushSubscriptionId", '') AS "id", s."pushTerms" AS "terms",
             (extract(epoch FROM p."outlookPushSubscriptionExpiresAt") * 1000)::float8 AS "expiresAt",
             (extract(epoch FROM p."outlookPushSubscriptionLastRenewedAt") * 1000)::float8 AS "lastRenewedAt"
      FROM email_providers p LEFT JOIN outlook_sync_state s ON s."providerId" = p."id"
      WHERE p."id" = ${providerId}`),
  );
  return id === null ? null : { id, expiresAt: time(expiresAt), lastRenewedAt: time(lastRenewedAt), terms };
}

const utc = (at: Date) => sql.fragment`timezone('UTC', to_timestamp(${at.getTime() / 1000}))`;

/** @throws SyncError `LeaseLost` */
export async function saveSubscription(
  pool: DatabasePool,
  lease: Lease,
  change: { id: string; expiresAt: Date; renewedAt: Date; terms: string },
): Promise<void> {
  const { id, expiresAt, renewedAt, terms } = change;
  await fenced(pool, lease, async (transaction) => {
    await transaction.query(sql.type(nothing)`
      UPDATE email_providers
      SET "outlookPushSubscriptionId" = ${id}, "outlookPushSubscriptionExpiresAt" = ${utc(expiresAt)},
          "outlookPushSubscriptionLastRenewedAt" = ${utc(renewedAt)}, "updatedAt" = ${utcNow}
      WHERE "id" = ${lease.providerId}`);
    await transaction.query(sql.type(nothing)`
      UPDATE outlook_sync_state SET "pushTerms" = ${terms} WHERE "providerId" = ${lease.providerId}`);
  });
}

/** To be called inside a fenced transaction. */
export async function clearSubscription(transaction: Queryable, providerId: string): Promise<void> {
  await transaction.query(sql.type(nothing)`
    UPDATE email_providers
    SET "outlookPushSubscriptionId" = NULL, "outlookPushSubscriptionExpiresAt" = NULL,
        "outlookPushSubscriptionLastRenewedAt" = NULL, "updatedAt" = ${utcNow}
    WHERE "id" = ${providerId} AND "outlookPushSubscriptionId" IS NOT NULL`);
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_sync_state SET "pushTerms" = NULL WHERE "providerId" = ${providerId} AND "pushTerms" IS NOT NULL`);
}

/** @throws SyncError `LeaseLost` */
export async function forgetSubscription(pool: DatabasePool, lease: Lease): Promise<void> {
  await fenced(pool, lease, (transaction) => clearSubscription(transaction, lease.providerId));
}
