import { type DatabasePool, sql } from 'slonik';
import * as z from 'zod';
import { SyncError } from '../errors.ts';
import { type Queryable, translated } from './pool.ts';

/**
 * One worker per provider. `email_providers.syncLeaseExpiresAt` is the lease that every program of the inbox
 * respects; our own `leaseEpoch` grows with each holder and is the fence: a transaction that writes first proves,
 * under a share lock, that its epoch still is the current one and that the lease still runs. A process that was
 * paused past its expiry can therefore wake up and change nothing, whether or not somebody took over.
 *
 * Time is judged by the database's clock alone. Rows are always locked in the order state, then provider.
 */
export interface Lease {
  readonly providerId: string;
  readonly epoch: string;
  readonly holder: string;
  readonly seconds: number;
}

export type Acquisition = { acquired: true; lease: Lease } | { acquired: false; holder: string };

const nothing = z.object({});
const leaseRow = z.object({ free: z.boolean(), leaseHolder: z.string().nullable(), ours: z.boolean() });
const epochRow = z.object({ epoch: z.string() });

/** UTC now without a zone, as the inbox's columns have it; moves on within a transaction. */
export const utcNow = sql.fragment`timezone('UTC', clock_timestamp())`;

/** Takes the lease if it is free; if not, leaves word for the holder that one more pass is wanted. */
export async function acquireLease(
  pool: DatabasePool,
  request: { providerId: string; holder: string; seconds: number },
): Promise<Acquisition> {
  const { providerId, holder, seconds } = request;
  return translated(() =>
    pool.transaction(async (transaction) => {
      await transaction.query(sql.type(nothing)`
        INSERT INTO outlook_sync_state ("providerId") VALUES (${providerId}) ON CONFLICT DO NOTHING`);
      await transaction.query(sql.type(nothing)`
        SELECT FROM outlook_sync_state WHERE "providerId" = ${providerId} FOR UPDATE`);
      const current = await transaction.one(sql.type(leaseRow)`
        SELECT
          (p."syncLeaseExpiresAt" IS NULL OR p."syncLeaseExpiresAt" <= ${utcNow}) AS "free",
          s."leaseHolder",
          (s."leaseExpiresAt" IS NOT DISTINCT FROM p."syncLeaseExpiresAt") AS "ours"
        FROM email_providers p JOIN outlook_sync_state s ON s."providerId" = p."id"
        WHERE p."id" = ${providerId}
        FOR UPDATE OF p`);
      if (!current.free) {
        await requestPass(transaction, providerId);
        return { acquired: false, holder: (current.ours ? current.leaseHolder : null) ?? 'another program' };
      }
      const { epoch } = await take(transaction, request);
      return { acquired: true, lease: { providerId, epoch, holder, seconds } };
    }),
  );
}

async function requestPass(transaction: Queryable, providerId: string): Promise<void> {
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_sync_state SET "passRequestedAt" = ${utcNow} WHERE "providerId" = ${providerId}`);
}

async function take(
  transaction: Queryable,
  { providerId, holder, seconds }: { providerId: string; holder: string; seconds: number },
): Promise<{ epoch: string }> {
  return transaction.one(sql.type(epochRow)`
    WITH taken AS (
      UPDATE outlook_sync_state
      SET "leaseEpoch" = "leaseEpoch" + 1, "leaseHolder" = ${holder}, "passRequestedAt" = NULL,
          "leaseExpiresAt" = date_trunc('milliseconds', ${utcNow}) + make_interval(secs => ${seconds})
      WHERE "providerId" = ${providerId}
      RETURNING "leaseEpoch", "leaseExpiresAt"
    )
    UPDATE email_providers p SET "syncLeaseExpiresAt" = taken."leaseExpiresAt"
    FROM taken WHERE p."id" = ${providerId}
    RETURNING taken."leaseEpoch"::text AS "epoch"`);
}

/** @param margin seconds that must be left of the lease */
const held = ({ providerId, epoch }: Lease, margin: number) => sql.fragment`
  s."providerId" = ${providerId} AND s."leaseEpoch" = ${epoch}
  AND s."leaseExpiresAt" > ${utcNow} + make_interval(secs => ${margin})
  AND EXISTS (
    SELECT FROM email_providers p
    WHERE p."id" = s."providerId" AND p."syncLeaseExpiresAt" = s."leaseExpiresAt"
  )`;

export function leaseLost(): SyncError {
  return new SyncError('LeaseLost', 'The lease expired or was taken over; nothing more was written');
}

/** @throws SyncError `LeaseLost` */
export async function renewLease(pool: DatabasePool, lease: Lease): Promise<void> {
  const renewed = await translated(() =>
    pool.maybeOne(sql.type(epochRow)`
      WITH renewed AS (
        UPDATE outlook_sync_state s
        SET "leaseExpiresAt" = date_trunc('milliseconds', ${utcNow}) + make_interval(secs => ${lease.seconds})
        WHERE ${held(lease, 0)}
        RETURNING s."leaseEpoch", s."leaseExpiresAt"
      )
      UPDATE email_providers p SET "syncLeaseExpiresAt" = renewed."leaseExpiresAt"
      FROM renewed WHERE p."id" = ${lease.providerId}
      RETURNING renewed."leaseEpoch"::text AS "epoch"`),
  );
  if (!renewed) throw leaseLost();
}

/** Of a lease: how much must be left for a transaction to begin, and how long it may take unquestioned. */
const margin = ({ seconds }: Lease): number => seconds / 6;

/**
 * The fence. Its share lock makes a takeover wait until the transaction has ended.
 * @throws SyncError `LeaseLost`
 */
async function assertLease(transaction: Queryable, lease: Lease): Promise<void> {
  const current = await transaction.maybeOne(sql.type(epochRow)`
    SELECT s."leaseEpoch"::text AS "epoch" FROM outlook_sync_state s WHERE ${held(lease, margin(lease))} FOR SHARE OF s`);
  if (!current) throw leaseLost();
}

/**
 * Runs `work` in one transaction behind the fence, which is its first statement. Where the work took longer than what
 * was sure to be left of the lease, because the process was paused in the middle of it, the fence is also its last.
 */
export async function fenced<T>(
  pool: DatabasePool,
  lease: Lease,
  work: (transaction: Queryable) => Promise<T>,
): Promise<T> {
  return translated(() =>
    pool.transaction(async (transaction) => {
      const began = performance.now();
      await assertLease(transaction, lease);
      const result = await work(transaction);
      if (performance.now() - began > margin(lease) * 1000) await assertLease(transaction, lease);
      return result;
    }),
  );
}

/**
 * Gives the lease back, unless somebody asked for one more pass while this one ran; then the request is taken and
 * the lease kept. To be called inside a fenced transaction.
 * @returns whether another pass is wanted
 */
export async function releaseLease(transaction: Queryable, lease: Lease, final: boolean): Promise<boolean> {
  const row = await transaction.one(sql.type(z.object({ again: z.boolean() }))`
    SELECT "passRequestedAt" IS NOT NULL AS "again" FROM outlook_sync_state
    WHERE "providerId" = ${lease.providerId} FOR UPDATE`);
  if (row.again && !final) {
    await transaction.query(sql.type(nothing)`
      UPDATE outlook_sync_state SET "passRequestedAt" = NULL WHERE "providerId" = ${lease.providerId}`);
    return true;
  }
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_sync_state SET "leaseHolder" = NULL, "leaseExpiresAt" = NULL, "passRequestedAt" = NULL
    WHERE "providerId" = ${lease.providerId}`);
  await transaction.query(sql.type(nothing)`
    UPDATE email_providers SET "syncLeaseExpiresAt" = NULL WHERE "id" = ${lease.providerId}`);
  return false;
}
