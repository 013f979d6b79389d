import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { type ExitCode, exitCodes } from '../api/exitCodes.ts';
import { type Command, parseCommand } from './cli.ts';
import { parseDatabaseSettings, parseSettings, type Problem } from './config.ts';
import { SyncError, toSyncError } from './errors.ts';
import { helpText } from './help.ts';
import { createLog } from './log.ts';
import { shownError } from './result.ts';
import { Run } from './run.ts';
import { migrate } from './store/migrate.ts';
import { openPool } from './store/pool.ts';

/**
 * The job: one shot, then exit. It reads arguments and environment, runs one command, writes one line of JSON as the
 * last on stdout, and exits with the code that the outcome has. Nothing else decides on exit codes.
 */
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

process.on('unhandledRejection', fatal);
process.on('uncaughtException', fatal);

function fatal(thrown: unknown): void {
  const frames = thrown instanceof Error ? thrown.stack?.split('\n').slice(1, 6).join('\n') : '';
  writeSync(2, `${JSON.stringify({ level: 'fatal', msg: 'A bug', type: typeof thrown, frames })}\n`);
  finish({ status: 'error', error: shownError(toSyncError(thrown)) }, exitCodes.bug);
}

function finish(summary: object, code: ExitCode): void {
  writeSync(1, `${JSON.stringify(summary)}\n`);
  process.exit(code);
}

/** All problems at once: in words where a person looks on, as log lines where a program does, and in the summary. */
function refuse(problems: readonly Problem[]): void {
  const lines = problems.map(({ name, problem, example }) =>
    process.stderr.isTTY
      ? `  ${name}: ${problem}. Example: ${example}`
      : JSON.stringify({ level: 'error', name, problem, example, msg: 'The configuration is not valid' }),
  );
  if (process.stderr.isTTY) lines.unshift('The configuration is not valid; nothing was touched.');
  writeSync(2, `${lines.join('\n')}\n`);
  const told = problems.map(({ name, problem, example }) => `${name}: ${problem} (for example ${example})`);
  const message = told.join('; ');
  finish({ status: 'error', error: { code: 'ConfigurationInvalid', message } }, exitCodes.usage);
}

async function runMigrate({ problems }: Command & { name: 'migrate' }): Promise<void> {
  const settings = parseDatabaseSettings(process.env);
  if (!settings.ok || problems.length > 0) {
    refuse([...problems, ...(settings.ok ? [] : settings.problems)]);
    return;
  }
  const log = createLog(settings.value.LOG_LEVEL, randomUUID());
  try {
    const pool = await openPool({ databaseUrl: settings.value.DATABASE_URL, connections: 1 });
    const applied = await migrate(pool);
    await pool.end();
    log.info({ applied }, applied.length > 0 ? 'Migrated the database' : 'The database is up to date');
    finish({ status: 'migrated', applied }, exitCodes.ok);
  } catch (thrown) {
    const error = toSyncError(thrown);
    log.error({ code: error.code, reason: error.message }, 'The migration failed');
    finish({ status: 'error', error: shownError(error) }, error.exitCode);
  }
}

/** The last resort against a database or a kernel that never answers: the lease runs out by itself. */
function watch(deadlineSeconds: number): void {
  const hung = new SyncError('DatabaseUnreachable', 'The run did not end within a minute of its deadline');
  const end = (): void => finish({ status: 'error', error: shownError(hung) }, hung.exitCode);
  setTimeout(end, Math.min((deadlineSeconds + 60) * 1000, 2 ** 31 - 1)).unref();
}

async function runSync({ claim, user, problems }: Command & { name: 'sync' }): Promise<void> {
  const settings = parseSettings(process.env);
  if (!settings.ok || problems.length > 0) {
    refuse([...problems, ...(settings.ok ? [] : settings.problems)]);
    return;
  }
  const log = createLog(settings.value.LOG_LEVEL, randomUUID());
  for (const warning of settings.warnings) log.warn(warning);
  watch(settings.value.OUTLOOK_SYNC_DEADLINE_SECONDS);
  const run = new Run({ settings: settings.value, claim, user, log, signal: stop.signal });
  const { summary, error } = await run.execute();
  finish(summary, error instanceof SyncError ? error.exitCode : exitCodes.ok);
}

const command = parseCommand(process.argv.slice(2));
switch (command.name) {
  case 'help':
    writeSync(1, helpText());
    process.exit(exitCodes.ok);
    break;
  case 'unknown':
    refuse(command.problems);
    break;
  case 'migrate':
    await runMigrate(command);
    break;
  case 'sync':
    await runSync(command);
    break;
}
