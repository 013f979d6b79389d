import { randomUUID } from 'node:crypto';
import { type DatabasePool, sql } from 'slonik';
import * as z from 'zod';
import { SyncError } from '../errors.ts';
import { type Queryable, translated } from './pool.ts';

/** Which mailbox a run is for, as its caller named it. */
export interface ProviderClaim {
  readonly email: string;
  readonly userId: string;
  readonly workspaceId: string | null;
  /** The row to adopt, or the id under which a new one is made. */
  readonly providerId: string | null;
}

const providerRow = z.object({
  id: z.string(),
  type: z.string(),
  email: z.string(),
  isActive: z.boolean().nullable(),
  userId: z.string().nullable(),
  workspaceId: z.string().nullable(),
});

export type Provider = z.infer<typeof providerRow>;

const columns = sql.fragment`"id"::text, "type"::text, "email", "isActive", "userId", "workspaceId"`;

const sameAddress = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/**
 * @throws SyncError `ProviderTypeMismatch`, `OwnershipMismatch` or `ProviderInactive`: this row is not to be synced
 * for this claim, and nothing of it has been changed
 */
function assertClaim(row: Provider, claim: ProviderClaim): Provider {
  if (row.type !== 'OUTLOOK') {
    throw new SyncError('ProviderTypeMismatch', `Provider ${row.id} has type ${row.type}, not OUTLOOK`);
  }
  const mismatch =
    (row.userId !== claim.userId && 'userId') ||
    ((row.workspaceId ?? null) !== claim.workspaceId && 'workspaceId') ||
    (!sameAddress(row.email, claim.email) && 'email');
  if (mismatch) {
    throw new SyncError('OwnershipMismatch', `Provider ${row.id} has another ${mismatch} than the one given`);
  }
  if (row.isActive !== true) throw new SyncError('ProviderInactive', `Provider ${row.id} is not active`);
  return row;
}

async function byId(connection: Queryable, providerId: string): Promise<Provider | null> {
  return connection.maybeOne(
    sql.type(providerRow)`SELECT ${columns} FROM email_providers WHERE "id" = ${providerId}`,
  );
}

/** The `OUTLOOK` row of this address and user; of several, the one of this workspace, then the active, then the eldest. */
async function byAddress(connection: Queryable, claim: ProviderClaim): Promise<Provider | null> {
  return connection.maybeOne(sql.type(providerRow)`
    SELECT ${columns} FROM email_providers
    WHERE "type" = 'OUTLOOK' AND lower("email") = lower(${claim.email}) AND "userId" = ${claim.userId}
    ORDER BY "workspaceId" IS NOT DISTINCT FROM ${claim.workspaceId} DESC, "isActive" DESC, "createdAt", "id"
    LIMIT 1`);
}

const find = (connection: Queryable, claim: ProviderClaim): Promise<Provider | null> =>
  claim.providerId === null ? byAddress(connection, claim) : byId(connection, claim.providerId);

/** A row that was made here is ours to delete when its mailbox is. */
async function create(connection: Queryable, claim: ProviderClaim): Promise<Provider> {
  const provider = await connection.one(sql.type(providerRow)`
    INSERT INTO email_providers
      ("id", "type", "email", "isActive", "status", "userId", "workspaceId", "createdAt", "updatedAt")
    VALUES
      (${claim.providerId ?? randomUUID()}, 'OUTLOOK', ${claim.email}, true, 'connected', ${claim.userId},
       ${claim.workspaceId}, timezone('UTC', now()), timezone('UTC', now()))
    RETURNING ${columns}`);
  await connection.query(sql.type(z.object({}))`
    INSERT INTO outlook_sync_state ("providerId", "createdHere") VALUES (${provider.id}, true)`);
  return provider;
}

/**
 * Finds the provider's row, or makes it; two runs at once for a mailbox without a row make one row, not two.
 * @throws SyncError as `assertClaim`
 */
export async function resolveProvider(pool: DatabasePool, claim: ProviderClaim): Promise<Provider> {
  return translated(async () => {
    const known = await find(pool, claim);
    if (known) return assertClaim(known, claim);
    return pool.transaction(async (transaction) => {
      const name = claim.providerId ?? `${claim.email.toLowerCase()}\n${claim.userId}`;
      const locked = sql.type(z.object({}))`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 7022))`;
      await transaction.query(locked);
      const row = (await find(transaction, claim)) ?? (await create(transaction, claim));
      return assertClaim(row, claim);
    });
  });
}
