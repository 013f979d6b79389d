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
  /** Whether what else guards the run, the Kubernetes Lease, still does; asked before every write. */
  readonly isGuarded?: () => boolean;
}

/**
 * Under which Kubernetes Lease the lease is asked for, and which of its holders asks. Among the holders of one Lease
 * the younger needs not wait for the elder, whom Kubernetes has declared dead, and the elder gets nothing any more.
 */
export interface KubernetesFence {
  readonly uid: string;
  readonly epoch: number;
}

export interface LeaseRequest {
  readonly providerId: string;
  readonly holder: string;
  readonly seconds: number;
  readonly kubernetes?: KubernetesFence;
  readonly isGuarded?: () => boolean;
}

export type Acquisition = { acquired: true; lease: Lease } | { acquired: false; holder: string };

const nothing = z.object({});
const leaseRow = z.object({
  free: z.boolean(),
  leaseHolder: z.string().nullable(),
  ours: z.boolean(),
  inherited: z.boolean(),
  superseded: z.boolean(),
});
const epochRow = z.object({ epoch: z.string() });
const expiryRow = z.object({ expiresAt: z.string() });

/** UTC now without a zone, as the inbox's columns have it; moves on within a transaction. */
export const utcNow = sql.fragment`timezone('UTC', clock_timestamp())`;

/**
 * Takes the lease if it is free, or if its holder is dead; if not, leaves word for the holder that one more pass is
 * wanted, unless `asksForPass` is false.
 * @throws SyncError `LeaseLost` for a holder of the Kubernetes Lease that has a successor already
 */
export async function acquireLease(
  pool: DatabasePool,
  request: LeaseRequest,
  { asksForPass = true }: { asksForPass?: boolean } = {},
): Promise<Acquisition> {
  const { providerId } = request;
  return translated(() =>
    pool.transaction(async (transaction) => {
      const current = await lockLease(transaction, request);
      if (current.superseded || request.isGuarded?.() === false) throw leaseLost();
      if (!current.free && !current.inherited) {
        if (asksForPass) await requestPass(transaction, providerId);
        return { acquired: false, holder: holderOf(current) };
      }
      const { epoch } = await take(transaction, request);
      const { kubernetes: _, ...lease } = request;
      return { acquired: true, lease: { ...lease, epoch } };
    }),
  );
}

/**
 * Leaves word for the holder that one more pass is wanted.
 * @returns the holder; null when there is none any more, who could read it
 */
export async function askForPass(pool: DatabasePool, providerId: string): Promise<string | null> {
  return translated(() =>
    pool.transaction(async (transaction) => {
      const current = await lockLease(transaction, { providerId });
      if (current.free) return null;
      await requestPass(transaction, providerId);
      return holderOf(current);
    }),
  );
}

/** Locks the provider's state, made where it is missing, and row, and tells whose the lease is. */
async function lockLease(
  transaction: Queryable,
  { providerId, kubernetes }: Pick<LeaseRequest, 'providerId' | 'kubernetes'>,
): Promise<z.infer<typeof leaseRow>> {
  const { uid, epoch } = kubernetes ?? { uid: null, epoch: null };
  await transaction.query(sql.type(nothing)`
    INSERT INTO outlook_sync_state ("providerId") VALUES (${providerId}) ON CONFLICT DO NOTHING`);
  await transaction.query(sql.type(nothing)`
    SELECT FROM outlook_sync_state WHERE "providerId" = ${providerId} FOR UPDATE`);
  return transaction.one(sql.type(leaseRow)`
    SELECT l."free", l."leaseHolder", l."ours",
           coalesce(l."ours" AND l."underKubernetes" AND l."sameUid" AND l."epoch" <= ${epoch}::bigint, false) AS "inherited",
           coalesce(l."sameUid" AND l."epoch" > ${epoch}::bigint, false) AS "superseded"
    FROM (
      SELECT
        (p."syncLeaseExpiresAt" IS NULL OR p."syncLeaseExpiresAt" <= ${utcNow}) AS "free",
        s."leaseHolder",
        (s."leaseExpiresAt" IS NOT DISTINCT FROM p."syncLeaseExpiresAt") AS "ours",
        (s."leaseEpoch" = s."leaseEpochUnderKubernetes") AS "underKubernetes",
        (s."kubernetesLeaseUid" = ${uid}::text) AS "sameUid",
        s."kubernetesEpoch" AS "epoch"
      FROM email_providers p JOIN outlook_sync_state s ON s."providerId" = p."id"
      WHERE p."id" = ${providerId}
      FOR UPDATE OF p
    ) AS l`);
}

const holderOf = ({ ours, leaseHolder }: z.infer<typeof leaseRow>): string =>
  (ours ? leaseHolder : null) ?? 'another program';

async function requestPass(transaction: Queryable, providerId: string): Promise<void> {
  await transaction.query(sql.type(nothing)`
    UPDATE outlook_sync_state SET "passRequestedAt" = ${utcNow} WHERE "providerId" = ${providerId}`);
}

async function take(
  transaction: Queryable,
  { providerId, holder, seconds, kubernetes }: LeaseRequest,
): Promise<{ epoch: string }> {
  const { uid, epoch } = kubernetes ?? { uid: null, epoch: null };
  return transaction.one(sql.type(epochRow)`
    WITH taken AS (
      UPDATE outlook_sync_state
      SET "leaseEpoch" = "leaseEpoch" + 1, "leaseHolder" = ${holder}, "passRequestedAt" = NULL,
          "kubernetesLeaseUid" = coalesce(${uid}, "kubernetesLeaseUid"),
          "kubernetesEpoch" = coalesce(${epoch}::bigint, "kubernetesEpoch"),
          "leaseEpochUnderKubernetes" = CASE WHEN ${uid}::text IS NOT NULL THEN "leaseEpoch" + 1 END,
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
  if (lease.isGuarded?.() === false) throw leaseLost();
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
 * @returns when the lease ends, as the database writes it
 * @throws SyncError `LeaseLost`
 */
async function assertLease(transaction: Queryable, lease: Lease): Promise<string> {
  if (lease.isGuarded?.() === false) throw leaseLost();
  const query = sql.type(expiryRow)`
    SELECT s."leaseExpiresAt"::text AS "expiresAt" FROM outlook_sync_state s WHERE ${held(lease, margin(lease))} FOR SHARE OF s`;
  // A statement that has waited for a renewal sees its state, yet the provider's row as it was when it began to wait.
  const current = (await transaction.maybeOne(query)) ?? (await transaction.maybeOne(query));
  if (!current) throw leaseLost();
  return current.expiresAt;
}

/** Nobody can have changed the lease behind the lock but the work itself, which may have given it back; time can pass. */
async function assertStillTime(transaction: Queryable, lease: Lease, expiresAt: string): Promise<void> {
  const inTime = await transaction.exists(
    sql.type(nothing)`SELECT FROM (SELECT) AS one WHERE ${expiresAt}::timestamp > ${utcNow}`,
  );
  if (!inTime || lease.isGuarded?.() === false) throw leaseLost();
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
      const expiresAt = await assertLease(transaction, lease);
      const result = await work(transaction);
      const isSlow = performance.now() - began > margin(lease) * 1000;
      if (isSlow) await assertStillTime(transaction, lease, expiresAt);
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
