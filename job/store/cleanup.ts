import { type DatabasePool, sql } from 'slonik';
import * as z from 'zod';
import { fenced, type Lease, releaseLease, utcNow } from './lease.ts';
import { type Queryable, translated } from './pool.ts';
import { clearSubscription } from './subscription.ts';

/**
 * Takes a provider out of the database: its messages, labels and all that the sync remembers of it, a bounded batch
 * per transaction, and its row at the very end. Killed anywhere and run again it goes on where it stopped. A row that
 * another program has made stays, disconnected and without tokens.
 */
export interface Removed {
  readonly messages: number;
  readonly labels: number;
  readonly provider: 'deleted' | 'disconnected';
}

const nothing = z.object({});
const countRow = z.object({ count: z.number() });
const ownerRow = z.object({ type: z.string(), email: z.string(), userId: z.string().nullable() });

export type Owner = z.infer<typeof ownerRow>;

export async function findOwner(pool: DatabasePool, providerId: string): Promise<Owner | null> {
  return translated(() =>
    pool.maybeOne(sql.type(ownerRow)`
      SELECT "type"::text, "email", "userId" FROM email_providers WHERE "id" = ${providerId}`),
  );
}

/** Rows per transaction: some hundred milliseconds of it. */
const batch = 5_000;

/** One batch of what is to go; resolves to how many rows that were. */
type Step = (transaction: Queryable, providerId: string) => Promise<number>;

const messages: Step = async (transaction, providerId) => {
  const { count } = await transaction.one(sql.type(countRow)`
    WITH doomed AS (
      DELETE FROM external_email_messages WHERE ctid = ANY (ARRAY (
        SELECT ctid FROM external_email_messages WHERE "providerId" = ${providerId} LIMIT ${batch}))
      RETURNING "id"
    ), placeless AS (
      DELETE FROM outlook_message_folders f USING doomed WHERE f."messageId" = doomed."id"
    )
    SELECT count(*)::int AS "count" FROM doomed`);
  return count;
};

/** Tables with a row per message at most, in an order that leaves no row without what it belongs to. */
const steps: readonly Step[] = [
  ...['outlook_message_folders', 'outlook_walk_unseen'].map(
    (name): Step =>
      async (transaction, providerId) => {
        const table = sql.identifier([name]);
        const { rowCount } = await transaction.query(sql.type(nothing)`
      DELETE FROM ${table} WHERE ctid = ANY (ARRAY (
        SELECT t.ctid FROM ${table} t
        JOIN outlook_folder_cursors c ON c."id" = t."folderCursorId"
        WHERE c."providerId" = ${providerId} LIMIT ${batch}))`);
        return rowCount;
      },
  ),
  ...['outlook_folder_cursors', 'outlook_deferred_checks', 'outlook_quarantine', 'outlook_event_outbox'].map(
    (name): Step =>
      async (transaction, providerId) =>
        deleteBatch(transaction, name, providerId),
  ),
];

async function deleteBatch(transaction: Queryable, table: string, providerId: string): Promise<number> {
  const from = sql.identifier([table]);
  const { rowCount } = await transaction.query(sql.type(nothing)`
    DELETE FROM ${from} WHERE ctid = ANY (ARRAY (
      SELECT ctid FROM ${from} WHERE "providerId" = ${providerId} LIMIT ${batch}))`);
  return rowCount;
}

/** @param goOn asked between two batches; throws when it is time to stop */
export async function removeProvider(pool: DatabasePool, lease: Lease, goOn: () => void): Promise<Removed> {
  const { providerId } = lease;
  const emptied = async (step: Step): Promise<number> => {
    for (let total = 0; ;) {
      goOn();
      const count = await fenced(pool, lease, (transaction) => step(transaction, providerId));
      total += count;
      if (count < batch) return total;
    }
  };
  const removed = {
    messages: await emptied(messages),
    labels: await emptied((transaction) => deleteBatch(transaction, 'external_email_labels', providerId)),
  };
  for (const step of steps) await emptied(step);
  goOn();
  return {
    ...removed,
    provider: await fenced(pool, lease, (transaction) => removeRow(transaction, providerId)),
  };
}

/** The rows stay; that there was a subscription is forgotten, and the lease given back. */
export async function retainProvider(pool: DatabasePool, lease: Lease): Promise<void> {
  await fenced(pool, lease, async (transaction) => {
    await clearSubscription(transaction, lease.providerId);
    await releaseLease(transaction, lease, true);
  });
}

/** The lease goes with the state. */
async function removeRow(transaction: Queryable, providerId: string): Promise<Removed['provider']> {
  const { createdHere } = await transaction.one(sql.type(z.object({ createdHere: z.boolean() }))`
    DELETE FROM outlook_sync_state WHERE "providerId" = ${providerId} RETURNING "createdHere"`);
  if (createdHere) {
    await transaction.query(sql.type(nothing)`DELETE FROM email_providers WHERE "id" = ${providerId}`);
    return 'deleted';
  }
  await transaction.query(sql.type(nothing)`
    UPDATE email_providers
    SET "status" = 'disconnected', "isActive" = false, "accessToken" = NULL, "refreshToken" = NULL,
        "tokenExpiry" = NULL, "outlookSyncCursor" = NULL, "syncLeaseExpiresAt" = NULL,
        "lastSyncError" = NULL, "lastSyncErrorAt" = NULL, "outlookPushSubscriptionId" = NULL,
        "outlookPushSubscriptionExpiresAt" = NULL, "outlookPushSubscriptionLastRenewedAt" = NULL,
        "updatedAt" = ${utcNow}
    WHERE "id" = ${providerId}`);
  return 'disconnected';
}
