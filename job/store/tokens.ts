import { type DatabasePool, sql } from 'slonik';
import * as z from 'zod';
import { decrypt, encrypt, isUnderOldKey, type KeyRing, type Place } from './cipher.ts';
import { fenced, type Lease } from './lease.ts';
import { translated } from './pool.ts';

/** The tokens of a provider's row: read and decrypted, encrypted and written. */
export interface StoredTokens {
  readonly accessToken: string | null;
  readonly refreshToken: string | null;
  /** The columns hold something that no key of ours can read: another program's encryption. */
  readonly unreadable: boolean;
  /** Milliseconds since the epoch; null when unknown. */
  readonly expiresAt: number | null;
  /** Hash of the administrator's grant that the refresh token descends from. */
  readonly seedHash: string | null;
  /** The refresh token as stored; names the version that was read, for `saveTokens`. */
  readonly version: string | null;
}

export interface NewTokens {
  readonly accessToken: string;
  /** Null where the answer brought none: the stored one stays. */
  readonly refreshToken: string | null;
  readonly expiresAt: number;
  readonly seedHash: string | null;
}

const tokenRow = z.object({
  accessToken: z.string().nullable(),
  refreshToken: z.string().nullable(),
  expiresAt: z.number().nullable(),
  refreshTokenSeedHash: z.string().nullable(),
});

export async function loadTokens(
  pool: DatabasePool,
  providerId: string,
  ring: KeyRing,
): Promise<StoredTokens> {
  const row = await translated(() =>
    pool.one(sql.type(tokenRow)`
      SELECT p."accessToken", p."refreshToken", s."refreshTokenSeedHash",
             (extract(epoch FROM p."tokenExpiry") * 1000)::float8 AS "expiresAt"
      FROM email_providers p LEFT JOIN outlook_sync_state s ON s."providerId" = p."id"
      WHERE p."id" = ${providerId}`),
  );
  const open = (column: Place['column']): string | null => {
    const stored = row[column];
    return stored === null ? null : decrypt(ring, { providerId, column }, stored);
  };
  const accessToken = open('accessToken');
  const refreshToken = open('refreshToken');
  return {
    accessToken,
    refreshToken,
    unreadable:
      (row.accessToken !== null && accessToken === null) ||
      (row.refreshToken !== null && refreshToken === null),
    expiresAt: row.expiresAt,
    seedHash: row.refreshTokenSeedHash,
    version: row.refreshToken,
  };
}

/**
 * Writes the answer of a refresh, unless the row's refresh token is another by now: then a refresh elsewhere was
 * faster, and going back to ours could revive an older grant.
 * @returns false when the race was lost; the row then has the winner's tokens
 */
export async function saveTokens(
  pool: DatabasePool,
  lease: Lease,
  change: { ring: KeyRing; tokens: NewTokens; version: string | null },
): Promise<boolean> {
  const { ring, tokens, version } = change;
  const { providerId } = lease;
  const accessToken = encrypt(ring, { providerId, column: 'accessToken' }, tokens.accessToken);
  const refreshToken =
    tokens.refreshToken === null
      ? version
      : encrypt(ring, { providerId, column: 'refreshToken' }, tokens.refreshToken);
  return fenced(pool, lease, async (transaction) => {
    const saved = await transaction.query(sql.type(z.object({}))`
      UPDATE email_providers
      SET "accessToken" = ${accessToken}, "refreshToken" = ${refreshToken},
          "tokenExpiry" = timezone('UTC', to_timestamp(${tokens.expiresAt / 1000})),
          "updatedAt" = timezone('UTC', clock_timestamp())
      WHERE "id" = ${providerId} AND "refreshToken" IS NOT DISTINCT FROM ${version}`);
    if (saved.rowCount === 0) return false;
    await transaction.query(sql.type(z.object({}))`
      UPDATE outlook_sync_state SET "refreshTokenSeedHash" = ${tokens.seedHash} WHERE "providerId" = ${providerId}`);
    return true;
  });
}

/** Encrypts what an older key of the ring still holds with the first one, so that the older can be retired. */
export async function reencryptTokens(pool: DatabasePool, lease: Lease, ring: KeyRing): Promise<boolean> {
  const { providerId } = lease;
  const row = await translated(() =>
    pool.one(sql.type(tokenRow.pick({ accessToken: true, refreshToken: true }))`
      SELECT "accessToken", "refreshToken" FROM email_providers WHERE "id" = ${providerId}`),
  );
  const renewed = (column: Place['column']): string | null => {
    const stored = row[column];
    if (stored === null || !isUnderOldKey(ring, stored)) return stored;
    const plaintext = decrypt(ring, { providerId, column }, stored);
    return plaintext === null ? stored : encrypt(ring, { providerId, column }, plaintext);
  };
  const accessToken = renewed('accessToken');
  const refreshToken = renewed('refreshToken');
  if (accessToken === row.accessToken && refreshToken === row.refreshToken) return false;
  const written = await fenced(pool, lease, (transaction) =>
    transaction.query(sql.type(z.object({}))`
      UPDATE email_providers SET "accessToken" = ${accessToken}, "refreshToken" = ${refreshToken}
      WHERE "id" = ${providerId}
        AND "accessToken" IS NOT DISTINCT FROM ${row.accessToken}
        AND "refreshToken" IS NOT DISTINCT FROM ${row.refreshToken}`),
  );
  return written.rowCount > 0;
}
