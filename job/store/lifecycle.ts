import { randomUUID } from 'node:crypto';
import { type DatabasePool, sql } from 'slonik';
import * as z from 'zod';
import type { SyncError } from '../errors.ts';
import { fenced, type Lease, releaseLease, utcNow } from './lease.ts';
import type { Queryable } from './pool.ts';

/**
 * The provider's status: `syncing` -> `connected` or `error`, and the domain events that go with it. Status, event
 * and release of the lease are one transaction, so nobody can see one of them without the others.
 */

const nothing = z.object({});
const failureRow = z.object({ failureCode: z.string().nullable() });

/** A new attempt: `syncing`, and no stale error. */
export async function markSyncing(pool: DatabasePool, lease: Lease): Promise<void> {
  await fenced(pool, lease, (transaction) =>
    transaction.query(sql.type(nothing)`
      UPDATE email_providers
      SET "status" = 'syncing', "lastSyncError" = NULL, "lastSyncErrorAt" = NULL, "updatedAt" = ${utcNow}
      WHERE "id" = ${lease.providerId}`),
  );
}

/**
 * A pass has succeeded. Unless `final`, a request for one more pass keeps the lease and the status `syncing`.
 * @returns whether another pass is wanted
 */
export async function markConnected(
  pool: DatabasePool,
  lease: Lease,
  context: { workspaceId: string | null; final: boolean },
): Promise<boolean> {
  return fenced(pool, lease, async (transaction) => {
    const again = await releaseLease(transaction, lease, context.final);
    await transaction.query(sql.type(nothing)`
      UPDATE email_providers
      SET "status" = ${again ? 'syncing' : 'connected'}, "lastSyncedAt" = ${utcNow}, "updatedAt" = ${utcNow}
      WHERE "id" = ${lease.providerId}`);
    const before = await exchangeFailure(transaction, lease, null);
    if (before !== null) {
      await emit(transaction, lease, 'SYNC_RECOVERED', {
        workspaceId: context.workspaceId,
        recoveredFrom: before,
      });
    }
    return again;
  });
}

/** The run was told to stop; what it stored stays, and the next run goes on from there. */
export async function markInterrupted(pool: DatabasePool, lease: Lease): Promise<void> {
  await fenced(pool, lease, async (transaction) => {
    await releaseLease(transaction, lease, true);
    await transaction.query(sql.type(nothing)`
      UPDATE email_providers SET "status" = 'connected', "updatedAt" = ${utcNow} WHERE "id" = ${lease.providerId}`);
  });
}

/** The run has failed. The event is written only when the failure is news: another code than the last one's. */
export async function markFailed(
  pool: DatabasePool,
  lease: Lease,
  failure: { error: SyncError; attempts: number; workspaceId: string | null },
): Promise<void> {
  const { error, attempts, workspaceId } = failure;
  const text = `${error.code}: ${error.message}`;
  await fenced(pool, lease, async (transaction) => {
    await releaseLease(transaction, lease, true);
    await transaction.query(sql.type(nothing)`
      UPDATE email_providers
      SET "status" = 'error', "lastSyncError" = ${text}, "lastSyncErrorAt" = ${utcNow}, "updatedAt" = ${utcNow}
      WHERE "id" = ${lease.providerId}`);
    const before = await exchangeFailure(transaction, lease, error.code);
    if (before !== error.code) {
      await emit(transaction, lease, 'SYNC_FAILED', { workspaceId, attempts, code: error.code, error: text });
    }
  });
}

async function exchangeFailure(
  transaction: Queryable,
  lease: Lease,
  code: string | null,
): Promise<string | null> {
  const { failureCode } = await transaction.one(sql.type(failureRow)`
    SELECT "failureCode" FROM outlook_sync_state WHERE "providerId" = ${lease.providerId}`);
  if (failureCode !== code) {
    await transaction.query(sql.type(nothing)`
      UPDATE outlook_sync_state SET "failureCode" = ${code} WHERE "providerId" = ${lease.providerId}`);
  }
  return failureCode;
}

type EventType = 'SYNC_FAILED' | 'SYNC_RECOVERED';

async function emit(
  transaction: Queryable,
  { providerId }: Lease,
  type: EventType,
  details: Record<string, string | number | null>,
): Promise<void> {
  const id = randomUUID();
  const data = JSON.stringify({ providerId, providerType: 'OUTLOOK', ...details });
  await transaction.query(sql.type(nothing)`
    INSERT INTO outlook_event_outbox ("id", "providerId", "type", "data")
    VALUES (${id}, ${providerId}, ${type}, ${data}::jsonb)`);
  const announcement = JSON.stringify({ id, type, providerId });
  await transaction.query(sql.type(nothing)`SELECT pg_notify('outlook_sync_events', ${announcement})`);
}
