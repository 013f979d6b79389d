import { type DatabasePool, sql } from 'slonik';
import * as z from 'zod';
import { SyncError } from '../errors.ts';
import { type Migration, migrations, schemaVersion } from './migrations.ts';
import { type Queryable, translated } from './pool.ts';

/** Any constant will do; it only has to be the same in every process that migrates. */
const migrationLock = 7_022_026_001;

const nothing = z.object({});
const versionRow = z.object({ version: z.number() });

/**
 * Brings the database to the schema of this version, in one transaction: all of it or nothing. Safe to run again and
 * from several processes at once: they queue on one lock, and the later ones find nothing to do.
 * @returns the names of the steps that were applied now
 */
export async function migrate(pool: DatabasePool): Promise<string[]> {
  return translated(() =>
    pool.transaction(async (transaction) => {
      await transaction.query(sql.type(nothing)`SELECT set_config('lock_timeout', '30s', true)`);
      await transaction.query(sql.type(nothing)`SELECT pg_advisory_xact_lock(${migrationLock})`);
      await transaction.query(sql.type(nothing)`
        CREATE TABLE IF NOT EXISTS outlook_sync_migrations (
          "version" integer PRIMARY KEY,
          "name" text NOT NULL,
          "appliedAt" timestamp NOT NULL DEFAULT timezone('UTC', now())
        )`);
      const applied = await appliedVersions(transaction);
      const pending = migrations.filter(({ version }) => !applied.has(version));
      for (const migration of pending) await apply(transaction, migration);
      return pending.map(({ name }) => name);
    }),
  );
}

async function appliedVersions(connection: Queryable): Promise<Set<number>> {
  const rows = await connection.any(sql.type(versionRow)`SELECT "version" FROM outlook_sync_migrations`);
  return new Set(rows.map(({ version }) => version));
}

async function apply(transaction: Queryable, { version, name, statements }: Migration): Promise<void> {
  for (const statement of statements) await transaction.query({ ...sql.type(nothing)`DDL`, sql: statement });
  await transaction.query(sql.type(nothing)`
    INSERT INTO outlook_sync_migrations ("version", "name") VALUES (${version}, ${name})`);
}

/**
 * A newer schema is fine: migrations only ever add, so that old and new programs may run side by side in a rollout.
 * @throws SyncError `DatabaseNotMigrated` when the schema is older than this program
 */
export async function assertMigrated(pool: DatabasePool): Promise<void> {
  const newest = Math.max(0, ...(await translated(() => appliedVersions(pool))));
  if (newest >= schemaVersion) return;
  const message = `The database is at schema version ${newest}, this program needs ${schemaVersion}; run \`job migrate\``;
  throw new SyncError('DatabaseNotMigrated', message);
}
