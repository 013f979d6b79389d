/**
 * The job's sync without a process of its own: what `job sync` assembles, from the same environment variables, with
 * a log that says nothing. For tests that run it thousands of times; what a process adds (signals, exit codes, the
 * last line on stdout) they do not see.
 */
import { parseSettings } from '../../../job/config.ts';
import { createLog } from '../../../job/log.ts';
import type { Summary } from '../../../job/result.ts';
import { Run } from '../../../job/run.ts';
import { migrate } from '../../../job/store/migrate.ts';
import { openPool } from '../../../job/store/pool.ts';

export interface MailboxClaim {
  readonly email: string;
  readonly userId: string;
}

/** Runs one sync and returns its summary. Throws when the environment is not valid. */
export async function syncInProcess(
  env: Readonly<Record<string, string>>,
  claim: MailboxClaim,
): Promise<Summary> {
  const settings = parseSettings(env);
  if (!settings.ok) throw new Error(`The settings are not valid: ${JSON.stringify(settings.problems)}`);
  const run = new Run({
    settings: settings.value,
    claim: { ...claim, workspaceId: null, providerId: null },
    user: claim.email,
    log: createLog(env['LOG_LEVEL'] ?? 'silent', claim.email),
    signal: new AbortController().signal,
  });
  const { summary } = await run.execute();
  return summary;
}

/** Makes the job's tables in an empty database. */
export async function migrateInProcess(databaseUrl: string): Promise<void> {
  const pool = await openPool({ databaseUrl, connections: 1 });
  try {
    await migrate(pool);
  } finally {
    await pool.end();
  }
}
